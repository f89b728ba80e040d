"""The received part of a cut body is kept in every mode, marked in its row, and proven."""

from __future__ import annotations

import functools
import gzip
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from fetcher.model import Outcome, Result
from fetcher.rows.inline import body_of
from support import jobs
from support.keeping import Kept, decoded, require_all
from support.scripted import Script, chunked, head, scripted

TEXT = b"".join(b"line %d of a page\n" % n for n in range(3000))
PACKED = gzip.compress(TEXT)
CHUNKED = head("Transfer-Encoding: chunked")
HALF = len(PACKED) // 2
DAMAGED = PACKED[:HALF] + bytes(100) + PACKED[HALF + 100 :]

# By path: what is sent, how it ends, and what of the text must be there at least.
CUT: dict[str, tuple[Script, Outcome, int]] = {
    "/length": (Script(head("Content-Length: 99999") + TEXT), Outcome.PROTOCOL, len(TEXT)),
    "/reset": (
        Script(head("Content-Length: 99999") + TEXT, 0.3, end="reset"),
        Outcome.PROTOCOL,
        len(TEXT),
    ),
    "/chunked": (Script(CHUNKED + chunked(TEXT)[:-5]), Outcome.PROTOCOL, len(TEXT)),
    "/bad-chunk": (Script(CHUNKED + chunked(TEXT)[:-5] + b"no"), Outcome.PROTOCOL, len(TEXT)),
    "/late": (
        Script(head("Content-Length: 99999") + TEXT, end="hang"),
        Outcome.TIMEOUT,
        len(TEXT),
    ),
    "/large": (Script(head("Content-Length: 300000") + TEXT * 4), Outcome.TOO_LARGE, len(TEXT)),
    "/gzip": (
        Script(head("Content-Encoding: gzip") + PACKED[:-3000]),
        Outcome.PROTOCOL,
        len(TEXT) // 2,
    ),
    "/damaged": (
        Script(head("Content-Encoding: gzip") + DAMAGED),
        Outcome.PROTOCOL,
        len(TEXT) // 4,
    ),
    "/nothing": (Script(head("Content-Length: 10")), Outcome.PROTOCOL, 0),
}
WHY = {"/late": "time", "/large": "length", "/damaged": "unspecified"}  # in an archive
WHOLE = {"/whole": Script(head(f"Content-Length: {len(TEXT)}") + TEXT)}
LIMITS = ("--workers=1", "--set=http.total_timeout_s=2", "--set=http.max_body_bytes=100_000")
HANDLER = "--set=worker.handler=support.handlers:has_body"

Rows = dict[str, Result]
Job = Callable[[str], tuple[Path, Rows]]


def fetched(path: Path, mode: str, scripts: dict[str, Script], *options: str) -> tuple[Path, Rows]:
    """The OUT of a job of all of these, proven, and its rows by path."""
    out = path / "out"
    with scripted(scripts) as server:
        urls = jobs.write_urls(path / "urls.txt", [server.url(each) for each in scripts])
        bodies = f"--set=output.bodies={mode}"
        done = jobs.call("run", urls, "-o", out, bodies, *LIMITS, *options)
        assert done.returncode == 0, done.stderr
        rows = jobs.prove(out, urls)
        require_all(out, rows, mode)
        return out, {row.url.removeprefix(server.url("")): row for row in rows}


@pytest.fixture(scope="module")
def job(tmp_path_factory: pytest.TempPathFactory) -> Job:
    """The job of all scripts in a mode, run once."""

    @functools.cache
    def of(mode: str) -> tuple[Path, Rows]:
        scripts = {path: script for path, (script, _, _) in CUT.items()} | WHOLE
        return fetched(tmp_path_factory.mktemp(mode), mode, scripts, HANDLER)

    return of


def in_row(_out: Path, row: Result) -> bytes:
    assert isinstance(row.body, str) and isinstance(row.body_is, str)
    return body_of(row.body, row.body_is, row.content_type)


def in_file(out: Path, row: Result) -> bytes:
    return (out / str(row.body_file)).read_bytes()


READERS: dict[str, Callable[[Path, Result], bytes]] = {"inline": in_row, "files": in_file}


@pytest.mark.parametrize("mode", READERS)
def test_what_came_of_a_cut_body_is_kept(job: Job, mode: str) -> None:
    out, rows = job(mode)
    for path, (_, outcome, least) in CUT.items():
        row = rows[path]
        assert (row.outcome, row.truncated, row.sha256) == (outcome, True, None), path
        body = READERS[mode](out, row)
        assert row.body_bytes == len(body) >= least, path
        # What is damaged may unpack to something else before that shows.
        assert (TEXT * 4).startswith(body[:least] if path == "/damaged" else body), path
    assert len(READERS[mode](out, rows["/large"])) == 100_000
    assert b'"truncated"' not in b"".join(
        line
        for line in (out / "results" / "part-00000.jsonl").read_bytes().splitlines()
        if b"/whole" in line
    )


def test_an_archive_has_the_part_that_came_and_marks_it_as_truncated(job: Job) -> None:
    out, rows = job("warc")
    kept = Kept(out)
    for path, (_, _, least) in CUT.items():
        record = kept.response(rows[path])
        assert rows[path].truncated is True
        if path != "/gzip":  # the server's whole answer: its body is cut within its encoding
            assert record.headers["WARC-Truncated"] == WHY.get(path, "disconnect"), path
        if path != "/damaged":
            body = decoded(record)
            assert (TEXT * 4).startswith(body) and len(body) >= least, path
    assert "WARC-Truncated" not in kept.response(rows["/whole"]).headers


def test_a_handler_is_given_whole_bodies_only(job: Job) -> None:
    _, rows = job("inline")
    assert rows["/whole"].extra == {"has_body": True}
    assert all(rows[path].extra == {"has_body": False} for path in CUT)


def test_an_answer_to_an_auth_object_is_kept_as_far_as_it_came(tmp_path: Path) -> None:
    auth = "--set=http.auth=support.auths:digest"
    _, rows = fetched(tmp_path, "inline", {"/length": CUT["/length"][0]}, auth)
    assert rows["/length"].truncated is True and rows["/length"].status == 200
    assert in_row(tmp_path, rows["/length"]) == TEXT


def test_cut_bodies_can_be_asked_for_in_an_export(job: Job) -> None:
    out, _ = job("files")
    options = ("--to", "jsonl", "--columns", "url,truncated", "--where", "truncated=true")
    done = jobs.call("export", out, "-o", "-", *options)
    found = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(found) == len(CUT) and all(each["truncated"] is True for each in found)
