"""Bodies in rows, in files and in WARC files are kept with their rows, whatever is killed."""

from __future__ import annotations

import contextlib
import functools
import gzip
import json
import resource
from collections.abc import Iterator
from pathlib import Path

import brotli
import pytest
from msgspec.structs import replace

from fetcher.errors import Exit
from fetcher.model import Outcome, Result
from fetcher.protocol.output_spec import Output
from support import jobs, outs
from support.echo import echo_server
from support.hosts import Hosts
from support.keeping import Kept, require_all
from support.pages import is_failing
from support.proxies import http_proxy
from support.scripted import Script, answer, chunked, head, scripted
from support.secure import context_of, http2_server
from support.waiting import wait_until
from tools.certificates import Authority
from tools.ports import free_ports
from tools.site.pages import kind_of
from tools.site.running import RunningSite

pytestmark = pytest.mark.promise

FAST = (
    *("--workers=2", "--pool-size=4", "--batch-size=10", "--set=lease.silent_s=1"),
    *("--set=lease.finished_s=2", "--set=sink.commit_interval_s=0.02"),
    "--set=sink.segment_bytes=200_000",
)
ROLES = ("worker", "ventilator", "sink")


def bodies(mode: str) -> str:
    return f"--set=output.bodies={mode}"


def pages(site: RunningSite, count: int) -> list[str]:
    """Pages of all kinds, also images, mixed with lines that are not pages."""
    paths = ["/redirect/2", "/latin1", "/utf16", "/gzip/9000", "/chunked/5000", "/bytes/0"]
    paths += ["/hostile/bad-gzip", "/hostile/close-mid-body", "/status/204", "/bytes/300000"]
    numbers = [n for n in range(2 * count) if "slow" not in kind_of(n).__name__]
    urls = [site.url(f"/page/{n}") for n in numbers[:count]]
    return [*urls, *map(site.url, paths), "no url at all", *urls[:20]]


def kill_all(job: jobs.Running) -> None:
    """The roles first: they would leave in order at the end of what has started them."""
    for child in [child for role in ROLES for child in job.role(role)]:
        child.kill()
    job.process.kill()


@pytest.fixture(scope="module")
def slow_site() -> Iterator[RunningSite]:
    """Slow enough to be killed in the middle."""
    with RunningSite(latency_ms=60) as running:
        yield running


@pytest.mark.parametrize("mode", ["files", "warc"])
def test_every_body_is_there_once_after_kill_9_of_everything_again_and_again(
    slow_site: RunningSite, tmp_path: Path, mode: str
) -> None:
    urls = jobs.write_urls(tmp_path / "urls.txt", pages(slow_site, 300))
    out = tmp_path / "out"
    options = (bodies(mode), f"--set=output.warc_dedupe={str(mode == 'warc').lower()}")
    for killed in (("sink", "worker", "all"), ("all",)):
        with jobs.forked("run", urls, "-o", out, *FAST, *options) as job:
            for role in killed:
                more = functools.partial(_more_than, out, jobs.committed(out) + 10)
                wait_until(more, what="progress")
                if role == "all":
                    kill_all(job)
                else:
                    assert job.kill(role)
    assert jobs.committed(out) < 300, "the job was over before all was killed"
    with jobs.forked("run", urls, "-o", out, *FAST) as job:  # the default changes nothing
        code, _, error = job.wait(60)
    assert code == 0, error
    _require_kept(out, urls, mode)
    if mode == "warc":
        # The first twenty come again; what a killed sink knew of them, the next one does not.
        assert any(record.kind == "revisit" for record in Kept(out).records.values())


def test_a_job_that_an_older_version_began_goes_on_with_its_own_names(
    site: RunningSite, tmp_path: Path
) -> None:
    urls = jobs.write_urls(tmp_path / "urls.txt", [site.url(f"/bytes/{n}") for n in (3, 3, 5, 0)])
    first = jobs.call("run", urls, "-o", tmp_path / "new", *FAST, bodies("files"))
    assert first.returncode == 0, first.stderr
    (row,) = [row for row in jobs.rows(tmp_path / "new") if row.line == 1]
    body = (tmp_path / "new" / str(row.body_file)).read_bytes()
    digest = str(row.sha256)
    old = replace(row, body_file=f"{digest[:2]}/{digest[2:4]}/{digest}")
    out = outs.make_out(
        tmp_path / "out", urls, [old], output=Output(bodies="files"), kept={1: body}
    )
    as_begun = [option for option in FAST if "batch-size" not in option]
    done = jobs.call("run", urls, "-o", out, *as_begun, bodies("files"))
    assert done.returncode == 0, done.stderr
    assert "settings of [output] are ignored" not in done.stderr
    rows = jobs.prove(out, urls)
    assert jobs.call("verify", out).returncode == 0
    for each in rows:
        assert each.body_file == f"{str(each.sha256)[:2]}/{str(each.sha256)[2:4]}/{each.sha256}"
        assert (out / "bodies" / each.body_file).is_file()
    assert len([path for path in (out / "bodies").rglob("*") if path.is_file()]) == 3


def test_every_body_is_in_its_row(site: RunningSite, tmp_path: Path) -> None:
    urls = jobs.write_urls(tmp_path / "urls.txt", pages(site, 300))
    done = jobs.call("run", urls, "-o", tmp_path / "out", *FAST, bodies("inline"))
    assert done.returncode == 0, done.stderr
    _require_kept(tmp_path / "out", urls, "inline")


def _require_kept(out: Path, urls: Path, mode: str) -> None:
    rows = jobs.prove(out, urls)
    assert require_all(out, rows, mode) > 200
    assert any(row.content_type == "image/png" for row in rows)
    _require_red(out, mode)


def _more_than(out: Path, before: int) -> bool:
    return jobs.committed(out) > before


def _require_red(out: Path, mode: str) -> None:
    """Change one byte of the kept bodies; `verify` must find it."""
    if mode == "inline":
        path = out / "results" / "part-00000.jsonl"
        damaged = [(path, _behind(path, b'"body":"<!doctype'))]
    elif mode == "files":
        damaged = [(next(p for p in (out / "bodies").rglob("*") if p.is_file()), 0)]
    else:
        archive = out / "bodies" / "part-00001.warc.gz"
        index = out / "bodies" / "part-00000.index.jsonl"
        damaged = [(archive, _in_check_sum(archive)), (index, _behind(index, b'"offset":'))]
    for path, place in damaged:
        good = path.read_bytes()
        _damage(path, place)
        verdict = jobs.call("verify", out)
        assert verdict.returncode == 6, (path, verdict.stdout)
        assert "Traceback" not in verdict.stderr
        path.write_bytes(good)


def _behind(path: Path, what: bytes) -> int:
    return path.read_bytes().index(what) + len(what)


def _in_check_sum(path: Path) -> int:
    """The place of a bit that matters; elsewhere in the member it may have no meaning."""
    return path.stat().st_size - 6


def _damage(path: Path, place: int) -> None:
    data = bytearray(path.read_bytes())
    data[place] ^= 1
    path.write_bytes(data)


TEXT = b"the same again and again, " * 100
LATIN = "Wäre".encode("latin-1")
SCRIPTS = {
    "/plain": Script(answer(TEXT, "Server: s"), end="keep"),
    "/gzip": Script(answer(gzip.compress(TEXT), "Content-Encoding: gzip"), end="keep"),
    "/br": Script(answer(brotli.compress(TEXT), "Content-Encoding: br"), end="keep"),
    "/chunked": Script(head("Transfer-Encoding: chunked") + chunked(TEXT[:9], TEXT[9:])),
    "/empty": Script(answer(b""), end="keep"),
    "/hop": Script(head("Location: /plain", "Content-Length: 3", status="302 Found") + b"hop"),
    "/hints": Script(b"HTTP/1.1 103 Early\r\nLink: x\r\n\r\n" + answer(TEXT)),
    "/odd": Script(
        b"HTTP/1.1 200 " + LATIN + b"\r\nN\xe4me: " + LATIN + b"\r\nA: b\r\n and on\r\n"
        b"Content-Length: 4\r\n\r\nodd!"
    ),
    "/many": Script(answer(TEXT, *(f"H-{n}: {n}" for n in range(900)))),
    "/cut": Script(head("Content-Length: 1000") + b"part of it"),
    "/large": Script(answer(bytes(70_000))),
    "/silent": Script(end="close"),
    "/404": Script(answer(b"gone", status="404 Not Found")),
    "/post": Script(answer(b"taken"), end="keep"),
}


@pytest.fixture(scope="module")
def archived(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[dict[str, Result], Kept]]:
    """Rows by path, and the records, of a job of all scripts."""
    path = tmp_path_factory.mktemp("archived")
    out, urls = path / "out", path / "urls.jsonl"
    with scripted(SCRIPTS) as server:
        lines = [{"url": server.url(path)} for path in SCRIPTS if path != "/post"]
        headers = {"Authorization": "Bearer s3cret", "Cookie": "s3cret", "X-Long": "x" * 20_000}
        post = {"url": server.url("/post"), "method": "POST", "body": "a=1\r\n\r\nb=2"}
        urls.write_text(
            "".join(json.dumps(line) + "\n" for line in (*lines, {**post, "headers": headers}))
        )
        options = (bodies("warc"), "--workers=1", "--set=http.max_wire_bytes=60_000")
        done = jobs.call("run", urls, "-o", out, *options)
    assert done.returncode == 0, done.stderr
    assert jobs.call("verify", out).returncode == 0
    rows = {row.url.removeprefix(server.url("")): row for row in jobs.rows(out)}
    yield rows, Kept(out)


@pytest.mark.parametrize("path", ["/plain", "/gzip", "/br", "/empty", "/404", "/many", "/hints"])
def test_an_answer_is_in_its_record_as_it_was_sent(
    archived: tuple[dict[str, Result], Kept], path: str
) -> None:
    rows, kept = archived
    sent = SCRIPTS[path].parts[0]
    assert isinstance(sent, bytes)
    assert kept.response(rows[path]).block == sent.removeprefix(
        b"HTTP/1.1 103 Early\r\nLink: x\r\n\r\n"
    )


def test_hostile_headers_cost_nothing(archived: tuple[dict[str, Result], Kept]) -> None:
    rows, kept = archived
    block = kept.response(rows["/odd"]).block
    assert rows["/odd"].outcome is Outcome.OK
    assert block.startswith(b"HTTP/1.1 200 " + LATIN + b"\r\nN\xe4me: " + LATIN)
    assert block.endswith(b"\r\n\r\nodd!")


def test_chunks_are_joined_and_cuts_are_marked(archived: tuple[dict[str, Result], Kept]) -> None:
    rows, kept = archived
    joined = kept.response(rows["/chunked"])
    assert (joined.payload, joined.http["x-orig-transfer-encoding"]) == (TEXT, "chunked")
    cut = kept.response(rows["/cut"])
    assert (cut.payload, cut.headers["WARC-Truncated"]) == (b"part of it", "disconnect")
    large = kept.response(rows["/large"])
    assert rows["/large"].outcome is Outcome.TOO_LARGE
    assert large.headers["WARC-Truncated"] == "length"
    assert large.payload == bytes(len(large.payload)) != b""
    assert rows["/silent"].line not in kept.by_line


def test_a_redirects_hops_are_records_behind_the_last(
    archived: tuple[dict[str, Result], Kept],
) -> None:
    rows, kept = archived
    records = kept.by_line[rows["/hop"].line]
    kinds = [(each.kind, each.headers["WARC-Target-URI"].rpartition("/")[2]) for each in records]
    assert kinds == [(kind, end) for end in ("plain", "hop") for kind in ("response", "request")]
    assert records[2].block.startswith(b"HTTP/1.1 302 Found\r\nLocation: /plain")
    assert records[2].payload == b"hop"


def test_a_request_is_archived_without_its_credentials(
    archived: tuple[dict[str, Result], Kept],
) -> None:
    rows, kept = archived
    _, request = kept.by_line[rows["/post"].line]
    assert request.block.startswith(b"POST /post HTTP/1.1\r\nHost: 127.0.0.1:")
    assert b"X-Long: " + b"x" * 20_000 in request.block
    assert request.payload == b"a=1\r\n\r\nb=2"
    assert not any(b"s3cret" in record.block for record in kept.records.values())


def test_http2_through_a_proxy_is_archived_without_the_proxy(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    context = context_of(*authority.issue(["127.0.0.1"]))
    with http2_server(context) as port, http_proxy() as proxy:
        url = f"https://127.0.0.1:{port}/a"
        urls = jobs.write_urls(tmp_path / "urls.txt", [url])
        trust = (
            f"--set=http.ca_file={authority.ca_file}",
            f"--set=http.proxy=http://{proxy.place}",
        )
        done = jobs.call("run", urls, "-o", tmp_path / "out", bodies("warc"), *trust, "--workers=1")
        assert done.returncode == 0, done.stderr
        assert any(line.startswith("CONNECT") for line in proxy.asked)
    (row,) = jobs.prove(tmp_path / "out", urls)
    response, request = Kept(tmp_path / "out").by_line[1]
    assert (row.http_version, response.payload) == ("2", b"x" * 1000)
    assert response.block.startswith(b"HTTP/1.1 200 \r\nx-path: /a\r\n")
    assert request.block.startswith(b"GET /a HTTP/1.1\r\nHost: 127.0.0.1")
    assert response.headers["WARC-Protocol"] == "h2"
    assert b"\r\nAccept-Encoding: gzip, deflate\r\n" in request.block


@pytest.mark.parametrize("mode", ["files", "warc"])
def test_an_auth_objects_exchanges_are_kept(tmp_path: Path, mode: str) -> None:
    with echo_server() as base:
        urls = jobs.write_urls(tmp_path / "urls.txt", [f"{base}/digest", f"{base}/packed?how=gzip"])
        auth = "--set=http.auth=support.auths:digest"
        done = jobs.call("run", urls, "-o", tmp_path / "out", bodies(mode), auth, "--workers=1")
    assert done.returncode == 0, done.stderr
    rows = jobs.prove(tmp_path / "out", urls)
    assert [row.outcome for row in rows] == [Outcome.OK] * 2
    assert require_all(tmp_path / "out", rows, mode) == 2
    if mode == "warc":
        records = Kept(tmp_path / "out").by_line[1]
        answers = [record.block[:12] for record in records if record.kind == "response"]
        assert answers == [b"HTTP/1.1 200", b"HTTP/1.1 401"]
        assert not any(b"Authorization:" in record.block for record in records)


def test_a_full_disk_in_the_middle_of_a_warc_file(site: RunningSite, tmp_path: Path) -> None:
    urls = jobs.write_urls(tmp_path / "urls.txt", pages(site, 300))
    out = tmp_path / "out"
    port = free_ports(1)
    options = ("--workers=1", "--pool-size=4", "--set=sink.commit_interval_s=0.02")
    metrics = f"--set=metrics.sink_port={port}"
    with jobs.forked("run", urls, "-o", out, bodies("warc"), *options, metrics) as job:
        wait_until(lambda: jobs.committed(out) > 20, what="rows")
        sink = job.role("sink")[0]
        size = (out / "bodies" / "part-00000.warc.gz").stat().st_size
        unlimited = sink.rlimit(resource.RLIMIT_FSIZE)
        sink.rlimit(resource.RLIMIT_FSIZE, (size + 20_000, unlimited[1]))
        wait_until(lambda: is_failing(port), what="the limit to bite")
        sink.rlimit(resource.RLIMIT_FSIZE, unlimited)
        code, _, error = job.wait(60)
    assert code == 0, error
    assert "disk full" in error
    assert require_all(out, jobs.prove(out, urls), "warc") > 200


def test_a_job_is_complete_only_with_its_index_and_is_resumed_for_it(
    slow_site: RunningSite, tmp_path: Path
) -> None:
    urls = jobs.write_urls(tmp_path / "urls.txt", pages(slow_site, 60))
    out = tmp_path / "out"
    in_the_way = out / "bodies" / "index.cdxj.tmp"
    with jobs.forked("run", urls, "-o", out, *FAST, bodies("warc")) as job:
        wait_until(functools.partial(_more_than, out, 5), what="rows")
        in_the_way.mkdir()
        code, _, error = job.wait(60)
    assert code == Exit.DAMAGED and str(in_the_way) in error, error
    assert json.loads((out / "manifest.json").read_bytes())["state"] == "running"
    in_the_way.rmdir()
    assert jobs.call("run", urls, "-o", out, *FAST, bodies("warc")).returncode == 0
    assert require_all(out, jobs.prove(out, urls), "warc") > 50


def test_several_sinks_keep_their_own_bodies(site: RunningSite, tmp_path: Path) -> None:
    hosts = Hosts(tmp_path, 1, sinks=2)
    jobs.write_urls(hosts.urls, pages(site, 60))
    more = ("--set=worker.transport=curl", bodies("warc"))
    with contextlib.ExitStack() as stack:
        roles = [*hosts.sinks, hosts.ventilator, hosts.worker]
        for job in [stack.enter_context(jobs.forked(*role, *more)) for role in roles]:
            code, _, error = job.wait(60)
            assert code == 0, error
    jobs.prove(hosts.outs, hosts.urls)
    for out in hosts.outs:
        assert require_all(out, jobs.rows(out), "warc") > 20
    path = hosts.outs[1] / "bodies" / "part-00000.warc.gz"
    _damage(path, _in_check_sum(path))
    assert jobs.call("verify", *hosts.outs).returncode == 6
