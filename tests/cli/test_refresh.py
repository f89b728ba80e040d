"""`fetcher refresh`: what it runs and refuses; refreshes themselves: tests/e2e/test_refresh.py."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from fetcher.cli import refresh
from fetcher.errors import ConflictError, InputError, UsageError
from fetcher.export.choose import wanted_lines
from fetcher.export.merged import Merged
from fetcher.input.selection import RETRYABLE
from fetcher.model import Outcome, Result
from fetcher.store import manifest, selection
from fetcher.store.reader import read_part
from support import outs
from support.commands import run
from support.crawl_outs import Page, make_crawl


@pytest.fixture
def began(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What would be run: the arguments of each run."""
    found: list[dict[str, Any]] = []

    def noted(urlfile: Path, out: Path, _settings: object, **options: Any) -> None:
        found.append({"urlfile": urlfile, "out": out, **options})

    monkeypatch.setattr(refresh, "run_and_report", noted)
    return found


def make(out: Path, *rows: Result, lines: int = 2) -> Path:
    """The OUT of a job; complete if each line has its row."""
    return outs.make_out(out, outs.write_input(out.parent / "urls.txt", lines), rows)


@pytest.fixture
def first(tmp_path: Path) -> Path:
    return make(tmp_path / "out", outs.row(1), outs.row(2))


def test_the_lines_of_the_job_are_run(
    first: Path, tmp_path: Path, began: list[dict[str, Any]]
) -> None:
    done = run("refresh", first, "-o", tmp_path / "again", "--fail-on", "dns")
    assert done.stderr.startswith("fetcher: 0 of 0 earlier answers have an ETag")
    (job,) = began
    assert (job["urlfile"], job["out"]) == (tmp_path / "urls.txt", tmp_path / "again")
    assert (job["refresh"].parent, job["crawl"], job["quiet"]) == (str(first), None, False)
    assert job["unwanted"] == {Outcome.DNS}
    assert run("refresh", first, "-o", tmp_path / "quiet", "-q").stderr == ""


def test_a_job_that_has_not_ended_is_refused_unless_the_user_takes_what_is_there(
    tmp_path: Path, began: list[dict[str, Any]]
) -> None:
    half = make(tmp_path / "out", outs.row(1))
    with pytest.raises(UsageError, match=r"has not ended .* resume it, or take .* --partial"):
        run("refresh", half, "-o", tmp_path / "again")
    assert not began
    run("refresh", half, "-o", tmp_path / "again", "--partial")
    assert began


def test_what_cannot_be_refreshed_is_said_and_changes_nothing(
    first: Path, tmp_path: Path, began: list[dict[str, Any]]
) -> None:
    new = tmp_path / "new"
    for arguments, kind, said in (
        ((first, "-o", first), UsageError, "is the directory to refresh; name another one"),
        ((tmp_path / "none", "-o", new), UsageError, "no such directory"),
        ((first, "-o", new, "--set=input.format=jsonl"), ConflictError, "was begun with"),
        ((first, "-o", make(tmp_path / "own", outs.row(1))), ConflictError, "a run of its own"),
    ):
        with pytest.raises(kind, match=said):
            run("refresh", *arguments)
    (tmp_path / "urls.txt").write_text("http://other.test/\nhttp://other.test/\n")
    with pytest.raises(ConflictError, match="is not the file"):
        run("refresh", first, "-o", new)
    (tmp_path / "urls.txt").unlink()
    with pytest.raises(InputError, match="is not there; name it with --urls"):
        run("refresh", first, "-o", new)
    assert not new.exists()
    assert not began


def test_a_retry_is_named_after_its_job(tmp_path: Path) -> None:
    out = make(tmp_path / "out", outs.row(1), outs.row(2, Outcome.DNS))
    merged, retried = Merged([out], partial=False), tmp_path / "retried"
    manifest.prepare(retried)
    chosen = selection.keep(retried, wanted_lines(merged, RETRYABLE), merged.parts, RETRYABLE)
    outs.make_out(retried, tmp_path / "urls.txt", [outs.row(2)], selection=chosen)
    with pytest.raises(UsageError, match=r"retries some lines of .*out; name that first"):
        run("refresh", retried, "-o", tmp_path / "again")


def test_a_crawl_has_no_url_file(tmp_path: Path, began: list[dict[str, Any]]) -> None:
    out = make_crawl(tmp_path / "out", {"http://a.test/": Page()}, ["http://a.test/"])
    with pytest.raises(UsageError, match="the lines of a crawl are in its log; leave it out"):
        run("refresh", out, "-o", tmp_path / "again", "--urls", tmp_path / "urls.txt")
    run("refresh", out, "-o", tmp_path / "again")
    assert began[0]["crawl"] == read_part(out).manifest.crawl
