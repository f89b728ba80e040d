"""`fetcher get` prints rows and bodies of a few URLs, without a job."""

from __future__ import annotations

import json
import signal
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import psutil
import pytest

from support import jobs
from support.crowded import Answer, crowded_site
from support.names import at, name_server
from support.terminals import on_terminal
from support.waiting import wait_until
from tools.ports import free_ports
from tools.site.running import RunningSite

SLOW = f"--set=worker.transport={jobs.SLOW}"
DEADLY = f"--set=worker.transport={jobs.DEADLY}"
# What no two fetches have in common.
OWN = ("worker", "started_at", "timings_ms")


def get(*arguments: object) -> subprocess.CompletedProcess[str]:
    return jobs.call("get", *arguments)


def body_of(*arguments: object) -> tuple[int, bytes, str]:
    """Exit code, standard output as bytes, and standard error."""
    done = subprocess.run(
        jobs.command("get", "--body", *arguments),
        check=False,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        cwd=jobs.ROOT,
        env=jobs.ENV,
        timeout=60,
    )
    return done.returncode, done.stdout, done.stderr.decode()


def common(row: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in row.items() if key not in OWN}


def test_rows_are_those_that_a_job_writes_in_the_order_of_the_urls(
    site: RunningSite, tmp_path: Path
) -> None:
    paths = ("/latency/200", "/gzip/5000", "/redirect/2", "/status/404", "/latin1", "/page/224")
    urls = [*map(site.url, paths), f"http://127.0.0.1:{free_ports(1)}/", "http://10.0.0.1/"]
    options = ("--bodies", "inline", "--header", "X-A: b", "--timeout", "20")
    out = tmp_path / "out"
    assert jobs.call("run", *urls, "-o", out, "--workers=1", *options).returncode == 0
    written = map(json.loads, (out / "results" / "part-00000.jsonl").read_bytes().splitlines())
    expected = sorted(written, key=lambda row: row["line"])
    done = get(*urls, *options)
    assert done.returncode == 8
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert [common(row) for row in rows] == [common(row) for row in expected]
    assert [list(row) for row in rows] == [list(row) for row in expected]
    assert {row["worker"] for row in rows} == {"get"}
    assert done.stderr == "fetcher: for servers of your own, add --own-servers\n"


def test_where_each_outcome_is_ok_it_ends_with_0_and_leaves_nothing(
    site: RunningSite, tmp_path: Path
) -> None:
    done = subprocess.run(
        jobs.command("get", site.url("/bytes/10")),
        check=False,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        cwd=tmp_path,
        env={**jobs.ENV, "TMPDIR": str(tmp_path)},
        timeout=60,
    )
    assert (done.returncode, done.stderr) == (0, b"")
    assert json.loads(done.stdout)["outcome"] == "ok"
    assert not list(tmp_path.iterdir())


def test_a_body_is_printed_as_it_is_also_that_of_an_error_page(site: RunningSite) -> None:
    code, body, said = body_of(site.url("/page/224"), site.url("/bytes/10"))
    assert (code, said) == (0, "")
    assert body.startswith(b"\x89PNG")
    assert body.endswith(b"The quick ")
    url = site.url("/status/404")
    code, body, said = body_of(url)
    assert (code, body) == (8, b"404 Not Found\n")
    assert said == f"fetcher: {url}: http_error: the server answered 404\n"


def test_a_cut_body_is_printed_as_far_as_it_came(site: RunningSite) -> None:
    code, body, said = body_of(site.url("/bytes/1000"), "--set=http.max_body_bytes=100")
    assert code == 8
    assert b"The quick brown fox".startswith(body[:19])
    assert ": too_large: " in said


def test_a_file_is_made_of_what_came_and_else_left_alone(site: RunningSite, tmp_path: Path) -> None:
    path = tmp_path / "body"
    assert body_of(site.url("/bytes/10"), "-o", path) == (0, b"", "")
    assert path.read_bytes() == b"The quick "
    code, _, said = body_of(f"http://127.0.0.1:{free_ports(1)}/", "-o", path)
    assert (code, said.count("\n")) == (8, 1)
    assert ": connect: " in said
    assert path.read_bytes() == b"The quick "
    assert get(site.url("/bytes/10"), "-o", path).stdout == ""
    assert json.loads(path.read_bytes())["body_bytes"] == 10
    wrong = get(site.url("/bytes/10"), "-o", tmp_path)
    assert (wrong.returncode, wrong.stdout) == (2, "")
    assert wrong.stderr.startswith(f"fetcher: -o {tmp_path}: Is a directory")


def test_a_terminal_gets_a_row_in_lines_and_no_bytes_that_are_not_text(site: RunningSite) -> None:
    code, written = on_terminal(("get", site.url("/bytes/10")))
    assert code == 0
    lines = written.decode().splitlines()
    assert lines[0] == "{"
    assert '    ["Content-Length", "10"]' in lines
    assert json.loads(written)["status"] == 200
    code, written = on_terminal(("get", site.url("/page/224"), "--body"))
    assert code == 2
    assert b"the body is not text (image/png, " in written
    assert b"PNG\r\n" not in written
    code, written = on_terminal(("get", site.url("/latin1"), "--body"))
    assert code == 0
    assert "\xe9" in written.decode()


def test_what_cannot_be_fetched_is_wrong_usage(tmp_path: Path) -> None:
    urls = jobs.write_urls(tmp_path / "urls.txt", ["http://a.invalid/"])
    for arguments, said in (
        (
            ("example.org",),
            "fetcher: example.org: no scheme: write http:// or https:// in front (d",
        ),
        (("http://a.invalid/", "foo"), "fetcher: foo: no scheme: "),
        (("a." * 4000,), "fetcher: a.a."),
        ((urls,), f"fetcher: {urls} is a file; fetch the URLs in it with: fetcher run {urls} -o"),
        (("http://me:s3cret@a.invalid/",), "fetcher: http://…@a.invalid/: a user name or passwor"),
        (("http://a.invalid/", "--bodies=warc"), "fetcher: --bodies: warc is for jobs"),
        (("http://a.invalid/", "--timeout=x"), "fetcher: --timeout: http.total_timeout_s = 'x'"),
        (("http://a.invalid/", "--set=worker.handler=no:such"), "fetcher: worker.handler = "),
        (("http://a.invalid/", "--set=http.ca_file=/no"), "fetcher: http.ca_file"),
    ):
        wrong = get(*arguments)
        assert (wrong.returncode, wrong.stdout) == (2, "")
        assert wrong.stderr.startswith(said)
        assert wrong.stderr.count("\n") == 1


def test_settings_for_jobs_do_not_hinder_it(site: RunningSite) -> None:
    done = get(site.url("/bytes/10"), "--set=output.bodies=warc", "--set=output.rows=msgpack")
    assert done.returncode == 0, done.stderr
    assert "warc_id" not in json.loads(done.stdout)


def test_a_handler_is_called(site: RunningSite) -> None:
    done = get(site.url("/page/1"), "--set=worker.handler=support.handlers:facts")
    assert json.loads(done.stdout)["extra"]["title"] == ["Page 1"]


def test_hosts_are_spared_and_robots_txt_is_obeyed() -> None:
    def behave(_name: str, path: str, _number: int) -> Answer:
        if path == "/robots.txt":
            return (200, {}, b"User-agent: *\nDisallow: /private\n", 0.0)
        return (200, {}, b"fine", 0.0)

    with name_server({("*", "A"): [at("127.0.0.1")]}) as server, crowded_site(behave) as site:
        urls = [f"http://a.test:{site.port}/{path}" for path in ("1", "private", "2", "3")]
        done = get(
            *urls,
            *("--per-host=1", "--delay=0.5", "--robots", "--set=polite.enabled=true"),
            f"--set=dns.servers=127.0.0.1:{server.port}",
        )
        took_s = site.hosts["a.test"].starts[-1] - site.began
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert [row["outcome"] for row in rows] == ["ok", "robots", "ok", "ok"]
    assert done.stderr == "fetcher: --no-robots fetches it anyway\n"
    assert done.returncode == 8
    assert took_s >= 2 * 0.5, "two pauses at least"


def test_more_urls_than_are_begun_at_once_come_in_order() -> None:
    urls = [f"http://test.invalid/{n}?ms={20 * (n % 3)}" for n in range(200)]
    done = get(*urls, SLOW)
    assert done.returncode == 0, done.stderr
    assert [json.loads(line)["url"] for line in done.stdout.splitlines()] == urls


def test_a_late_answer_is_the_outcome_timeout(site: RunningSite) -> None:
    done = get(site.url("/latency/60000"), "--timeout=0.2")
    assert (done.returncode, json.loads(done.stdout)["outcome"]) == (8, "timeout")


def test_a_url_that_ends_its_process_has_a_row_and_so_have_the_others() -> None:
    urls = [f"http://test.invalid/{path}" for path in ("1?ms=0", "kill", "2?ms=1", "3?ms=0")]
    done = get(*urls, DEADLY)
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert [(row["line"], row["url"]) for row in rows] == list(enumerate(urls, 1))
    assert [row["outcome"] for row in rows] == ["ok", "crashed", "ok", "ok"]
    assert "signal 9" in rows[1]["error"] and rows[1]["error_kind"] == "died"
    assert done.returncode == 8


def test_a_loop_that_stands_still_is_ended() -> None:
    done = get("http://test.invalid/hang", DEADLY, "--set=worker.watchdog_s=1")
    assert (done.returncode, json.loads(done.stdout)["outcome"]) == (8, "crashed")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_a_signal_leaves_no_process(number: signal.Signals) -> None:
    with tempfile.TemporaryDirectory() as folder:
        awaited = Path(folder) / "never"
        with jobs.running("get", f"http://test.invalid/?file={awaited}", SLOW) as job:
            children: list[psutil.Process] = []

            def has_begun() -> bool:
                children[:] = psutil.Process(job.process.pid).children()
                return any("direct_main" in " ".join(each.cmdline()) for each in children)

            wait_until(has_begun, what="the child")
            job.process.send_signal(number)
            code, _, said = job.wait()
            wait_until(lambda: not any(each.is_running() for each in children), what="its end")
    if number is signal.SIGINT:
        assert (code, said.count("\n")) == (3, 1)
        assert said.startswith("fetcher: get: stopped")
