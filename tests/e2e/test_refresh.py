"""`fetcher refresh` asks for the pages of a list again, and takes over those that are unchanged."""

from __future__ import annotations

import contextlib
import json
import shutil
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from fetcher.model import Outcome, Result
from fetcher.watch.status import look
from support import jobs
from support.waiting import wait_until
from support.web import Page, Site, moved, site

DATE = "Mon, 01 Jan 2024 00:00:00 GMT"
QUIET = ("-q", "--workers=1")


class World:
    """A list of pages of a site, whose pages a test may change."""

    def __init__(self, running: Site, pages: dict[str, str | Page], folder: Path) -> None:
        self.site = running
        self.pages = pages
        self.folder = folder
        self.urlfile = jobs.write_urls(folder / "urls.txt", [running.url(path) for path in pages])

    def run(self, name: str, *options: object) -> Path:
        """Fetch the list into a new OUT."""
        out = self.folder / name
        done = jobs.call("run", self.urlfile, "-o", out, *QUIET, *options)
        assert done.returncode == 0, done.stderr
        return out

    def refresh(self, out: Path, name: str, *options: object) -> Path:
        """Refresh it into another; counts begin anew."""
        again = self.folder / name
        self.site.asked.clear()
        self.site.not_modified.clear()
        done = jobs.call("refresh", out, "-o", again, *QUIET, *options)
        assert done.returncode == 0, done.stderr
        return again

    @property
    def known(self) -> list[str]:
        """The paths that were answered with 304."""
        return sorted(path for path, count in self.site.not_modified.items() if count)


@contextlib.contextmanager
def world(pages: dict[str, str | Page], folder: Path) -> Iterator[World]:
    with site(pages) as running:
        yield World(running, pages, folder)


def by_path(out: Path) -> dict[str, Result]:
    return {"/" + row.url.split("/", 3)[3]: row for row in jobs.rows(out)}


def tagged(text: str, **more: Any) -> Page:
    """A page whose ETag follows from its text."""
    return Page(text.encode(), etag=f'"{hash(text):x}"', **more)


MIXED: dict[str, str | Page] = {
    "/same": tagged("same", headers=(("X-Kept", "1"),)),
    "/dated": Page(b"dated", modified=DATE),
    "/changed": tagged("before"),
    "/touched": Page(b"touched", etag='"before"'),
    "/weak": Page(b"weak", etag='W/"w"'),
    "/plain": "no validators",
    "/moved": moved("/same"),
    "/elsewhere": moved("/same", 302),
    "/gone": tagged("gone"),
    "/sick": Page(b"sick", status=500, etag='"s"'),
}


def change(pages: dict[str, str | Page]) -> None:
    pages["/changed"] = tagged("after")
    pages["/touched"] = Page(b"touched", etag='"after"')
    pages["/elsewhere"] = moved("/dated", 302)
    del pages["/gone"]


def slow(*values: object) -> Any:
    return pytest.param(*values, marks=pytest.mark.slow)


@pytest.mark.parametrize("bodies", [slow("none"), slow("inline"), slow("files"), "warc"])
def test_pages_that_have_not_changed_are_taken_over_whole(tmp_path: Path, bodies: str) -> None:
    with world(dict(MIXED), tmp_path) as of:
        out = of.run("out", "--bodies", bodies)
        change(of.pages)
        again = of.refresh(out, "again")
        # Validators go to the target of the redirect, and the server knows the page there, too.
        assert of.known == ["/dated", "/same", "/weak"]
        assert of.site.not_modified["/same"] == 2
        rows, old = by_path(again), by_path(out)
        require_difference(out, again)
        shutil.rmtree(out)
        verdict = jobs.call("verify", again)
        assert verdict.returncode == 0, verdict.stdout
        exported = export_bodies(again) if bodies != "none" else {}
        # A refresh of a refresh has no need of the first.
        chained = of.refresh(again, "chained")
        assert of.known == ["/changed", "/dated", "/same", "/touched", "/weak"]
        assert {row.sha256 for row in jobs.rows(chained)} >= {rows["/same"].sha256}
        assert jobs.call("verify", chained).returncode == 0
    for path in ("/same", "/dated", "/weak", "/moved"):
        new = rows[path]
        assert (new.outcome, new.status, new.unchanged) == (Outcome.OK, 304, True)
        for name in ("final_url", "redirects", "sha256", "body_bytes", "content_type"):
            assert getattr(new, name) == getattr(old[path], name)
        assert new.wire_bytes == 0
    assert dict(rows["/same"].headers)["X-Kept"] == "1"
    assert dict(rows["/dated"].headers)["Last-Modified"] == DATE
    same = {path for path, row in rows.items() if row.unchanged is True}
    assert same == {"/same", "/dated", "/weak", "/moved", "/touched", "/plain"}
    assert rows["/elsewhere"].status == 200, "it leads to another page than before"
    if exported:
        assert exported["/same"] == exported["/moved"] == b"same"
        assert exported["/changed"] == b"after"
    seen = look([again])
    assert (seen.totals.unchanged, seen.refresh_of) == (6, str(out))
    assert not (again / "parent").exists()


def require_difference(out: Path, again: Path) -> None:
    """`diff` and `status` say exactly what has changed."""
    found: Mapping[str, int] = json.loads(jobs.call("diff", out, again, "--json").stdout)
    assert {kind: count for kind, count in found.items() if count} == {
        "changed": 1,
        "moved": 1,
        "gone": 1,
        "failing": 1,
        "same": 6,
    }
    status = jobs.call("status", again).stdout
    assert f"a refresh of {out}" in status
    assert "6 lines with the body of before, of which 2 sent again" in status


def export_bodies(out: Path) -> dict[str, bytes]:
    """The bodies of all rows, by path."""
    folder = out.with_name(f"{out.name}-bodies")
    done = jobs.call("export", out, "--files", folder, "--filename", "{line}")
    assert done.returncode == 0, done.stderr
    files = {int(path.stem): path.read_bytes() for path in folder.iterdir() if path.stem.isdigit()}
    rows = {row.line: path for path, row in by_path(out).items()}
    return {rows[line]: body for line, body in files.items()}


def test_bodies_in_files_are_linked_and_take_no_space_twice(tmp_path: Path) -> None:
    with world({"/": tagged("page" * 1000)}, tmp_path) as of:
        out = of.run("out", "--bodies=files")
        again = of.refresh(out, "again")
    (row,) = jobs.rows(again)
    assert isinstance(row.body_file, str)
    assert (out / row.body_file).samefile(again / row.body_file)


@pytest.mark.parametrize(
    ("first", "second", "known"),
    [
        (("--bodies=files",), ("--bodies=inline",), ["/"]),
        (("--bodies=none",), ("--bodies=files",), []),
        (("--set=output.rows=msgpack", "--set=output.compression=zstd"), (), ["/"]),
    ],
)
def test_a_body_is_taken_over_where_its_form_allows_it_and_else_fetched(
    tmp_path: Path, first: tuple[str, ...], second: tuple[str, ...], known: list[str]
) -> None:
    with world({"/": tagged("page")}, tmp_path) as of:
        out = of.run("out", *first)
        again = of.refresh(out, "again", *second)
        assert of.known == known
        assert of.site.asked.total() == 1
    assert look([again]).totals.unchanged == 1
    assert jobs.call("verify", again).returncode == 0


def test_a_warc_record_that_refers_to_another_is_not_taken_over(tmp_path: Path) -> None:
    pages: dict[str, str | Page] = {"/1": tagged("twin"), "/2": tagged("twin")}
    with world(pages, tmp_path) as of:
        out = of.run("out", "--bodies=warc", "--set=output.warc_dedupe=true", "--pool-size=1")
        again = of.refresh(out, "again")
        assert len(of.known) == 1, "one of the two is a revisit"
        assert of.site.asked.total() == 2
        verdict = jobs.call("verify", again)
        assert verdict.returncode == 0, verdict.stdout


def test_a_kept_body_that_is_damaged_is_fetched_in_full(tmp_path: Path) -> None:
    with world({"/": tagged("page")}, tmp_path) as of:
        out = of.run("out", "--bodies=files")
        (row,) = jobs.rows(out)
        (out / str(row.body_file)).write_bytes(b"rot!")
        again = of.refresh(out, "again")
        assert of.site.asked == {"/": 2}
    (row,) = jobs.rows(again)
    assert (row.status, row.unchanged) == (200, True)
    assert (again / str(row.body_file)).read_bytes() == b"page"


def test_a_request_keeps_its_method_headers_and_id_and_a_post_is_never_conditional(
    tmp_path: Path,
) -> None:
    with site({"/a": tagged("a"), "/b": tagged("b")}) as running:
        urlfile, out, again = (tmp_path / name for name in ("urls.jsonl", "out", "again"))
        lines: list[dict[str, object]] = [
            {"url": running.url("/a"), "id": "first"},
            {"url": running.url("/b"), "method": "POST", "body": "x=1"},
        ]
        urlfile.write_text("# a comment\n\n" + "\n\n".join(map(json.dumps, lines)))
        assert jobs.call("run", urlfile, "-o", out, *QUIET).returncode == 0
        running.requests.clear()
        assert jobs.call("refresh", out, "-o", again, *QUIET).returncode == 0
        assert running.not_modified["/a"] == 1
        assert running.not_modified["/b"] == 0
        assert ("POST", "/b", b"x=1") in running.requests
    rows = sorted(jobs.rows(again), key=lambda row: row.line)
    assert (rows[0].line, rows[0].id, rows[0].status) == (3, "first", 304)
    assert rows[1].unchanged is True
    assert jobs.call("verify", again).returncode == 0


def test_a_handlers_value_is_taken_over_and_another_handler_sees_every_page(
    tmp_path: Path,
) -> None:
    with world({"/": tagged("page")}, tmp_path) as of:
        out = of.run("out", "--set=worker.handler=support.handlers:facts")
        again = of.refresh(out, "again", "--set=worker.handler=support.handlers:facts")
        assert of.known == ["/"]
        assert jobs.rows(again)[0].extra == jobs.rows(out)[0].extra
        other = of.refresh(out, "other", "--set=worker.handler=support.handlers:has_body")
        assert of.known == []
    assert jobs.rows(other)[0].status == 200


def test_a_refresh_that_was_killed_resumes_and_no_line_is_asked_twice(tmp_path: Path) -> None:
    pages: dict[str, str | Page] = {f"/{number}": tagged(f"page {number}") for number in range(120)}
    held = threading.Event()
    held.set()

    def page_of(path: str) -> str | Page | None:
        if int(path[1:]) >= 60:
            held.wait(4)  # shorter than any time limit of a request
        return pages.get(path)

    with site(page_of) as running:
        of = World(running, pages, tmp_path)
        out = of.run("out", "--bodies=files", "--batch-size=5")
        again = tmp_path / "again"
        running.asked.clear()
        held.clear()
        options = ("--workers=1", "--pool-size=4", "--batch-size=5", "-q")
        with jobs.forked("refresh", out, "-o", again, *options) as job:
            wait_until(lambda: jobs.committed(again) >= 20, what="rows are committed")
            assert job.kill("worker")
            wait_until(lambda: len(job.role("worker")) == 1, what="another worker")
            assert job.kill("sink")
            job.close()
        before = jobs.committed(again)
        held.set()
        assert 20 <= before < 120
        done = jobs.call("refresh", out, "-o", again, *options)
        assert done.returncode == 0, done.stderr
    found = jobs.prove(again, of.urlfile)
    assert [row for row in found if (row.unchanged, row.status) != (True, 304)] == []


def test_lines_from_a_pipe_go_with_the_refresh(tmp_path: Path) -> None:
    with site({"/": tagged("page")}) as running:
        out, again, chained = (tmp_path / name for name in ("out", "again", "chained"))
        lines = f"{running.url('/')}\n".encode()
        assert jobs.call("run", "-", "-o", out, *QUIET, stdin=lines).returncode == 0
        assert jobs.call("refresh", out, "-o", again, *QUIET).returncode == 0
        shutil.rmtree(out)
        done = jobs.call("refresh", again, "-o", chained, *QUIET)
        assert done.returncode == 0, done.stderr
    assert [row.unchanged for row in jobs.rows(chained)] == [True]


def test_of_a_list_with_its_retry_the_newer_rows_count(tmp_path: Path) -> None:
    pages: dict[str, str | Page] = {"/well": tagged("well"), "/sick": Page(b"", 503)}
    with world(pages, tmp_path) as of:
        out = of.run("out")
        pages["/sick"] = tagged("healed")
        retried = tmp_path / "retried"
        assert jobs.call("retry", out, "-o", retried, *QUIET).returncode == 0
        of.site.not_modified.clear()
        again = tmp_path / "again"
        done = jobs.call("refresh", out, retried, "-o", again, *QUIET)
        assert done.returncode == 0, done.stderr
        assert of.known == ["/sick", "/well"]
    assert jobs.call("diff", retried, again).returncode == 0
