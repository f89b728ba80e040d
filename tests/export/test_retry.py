"""A retry chooses its lines once, and reads the same file as the first job."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from fetcher.errors import ConflictError, InputError, UsageError
from fetcher.export.retry import PreparedRetry, RetryRequest, prepare, unmatched
from fetcher.input.formats import LineFormat
from fetcher.input.selection import RETRYABLE, parse
from fetcher.model import Outcome
from fetcher.settings import load
from fetcher.settings.schema import Input
from support import outs
from support.crawl_outs import Page, make_crawl

LINES = 12


@pytest.fixture
def first(tmp_path: Path) -> Path:
    """The OUT of a complete job: lines 3, 6, 9 and 12 timed out, line 4 was not found."""
    kinds = {4: Outcome.HTTP_ERROR}
    rows = [
        outs.row(line, kinds.get(line, Outcome.OK if line % 3 else Outcome.TIMEOUT))
        for line in range(1, LINES + 1)
    ]
    return outs.make_out(tmp_path / "out", outs.write_input(tmp_path / "urls.txt", LINES), rows)


def given(**overrides: Any) -> load.Loaded:
    named = {key.replace("__", "."): (value, "--set") for key, value in overrides.items()}
    return load.load(environ={}, overrides=named)


def prepared(out: Path, *parents: Path, **request: Any) -> PreparedRetry:
    wanted = request.pop("wanted", RETRYABLE)
    settings = request.pop("settings", given())
    return prepare(out, RetryRequest(parents, wanted, **request), settings)


def test_the_wanted_lines_are_recorded_in_the_new_out(first: Path, tmp_path: Path) -> None:
    found = prepared(tmp_path / "again", first)
    assert (found.urlfile, found.input_name) == (tmp_path / "urls.txt", "")
    assert (found.selection.lines, found.selection.wanted) == (4, RETRYABLE)
    assert found.selection.parent == str(first)
    assert not found.is_of_crawl
    assert (tmp_path / "again" / "selection.bits").exists()


def test_if_no_row_matches_no_line_is_chosen(first: Path, tmp_path: Path) -> None:
    assert prepared(tmp_path / "again", first, wanted=parse("dns", None)).selection.lines == 0
    assert unmatched([first]) == {"http_error": 1, "timeout": 4}


def test_the_lines_are_read_as_the_first_job_read_them(tmp_path: Path) -> None:
    urls = tmp_path / "urls.csv"
    urls.write_text("page,link\n/a,http://test.invalid/2\n")
    of = LineFormat("csv", ",", ("page", "link"), "link", True)
    row = outs.row(2, Outcome.TIMEOUT)
    out = outs.make_out(tmp_path / "out", urls, [row], of)
    settings = prepared(tmp_path / "again", out).settings
    assert settings.input == Input(format="csv", url_column="link", keep_columns=True)


def test_a_setting_that_would_read_them_otherwise_is_refused(first: Path, tmp_path: Path) -> None:
    with pytest.raises(ConflictError, match=r"was begun with input\.format .*leave .* out"):
        prepared(tmp_path / "again", first, settings=given(input__format="jsonl"))
    assert not (tmp_path / "again").exists()


def test_a_job_that_has_not_ended_must_be_asked_for(tmp_path: Path) -> None:
    urls = outs.write_input(tmp_path / "urls.txt", LINES)
    half = outs.make_out(tmp_path / "out", urls, [outs.row(1, Outcome.DNS)])
    with pytest.raises(UsageError, match="has not ended"):
        prepared(tmp_path / "again", half)
    assert prepared(tmp_path / "again", half, partial=True).selection.lines == 1


def test_the_directory_itself_is_refused_also_under_another_name(
    first: Path, tmp_path: Path
) -> None:
    (tmp_path / "link").symlink_to(first)
    for out in (first, tmp_path / "link"):
        with pytest.raises(UsageError, match="is the directory to retry; name another one"):
            prepared(out, first)


def test_a_file_that_was_moved_must_be_named(first: Path, tmp_path: Path) -> None:
    moved = tmp_path / "moved.txt"
    (tmp_path / "urls.txt").rename(moved)
    with pytest.raises(InputError, match=r"urls\.txt: the URL file of .*out is not there"):
        prepared(tmp_path / "again", first)
    assert prepared(tmp_path / "again", first, urlfile=moved).urlfile == moved


def test_a_file_of_another_format_or_content_is_refused(first: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.txt"
    shutil.copy(tmp_path / "urls.txt", other)
    other.write_text(other.read_text().replace("/7", "/8"))
    with pytest.raises(ConflictError, match=r"other\.txt is not the file that .*out was begun"):
        prepared(tmp_path / "again", first, urlfile=other)
    assert not (tmp_path / "again").exists()


def begun(first: Path, tmp_path: Path) -> Path:
    """A retry that has begun: its OUT has a manifest."""
    found = prepared(tmp_path / "again", first)
    rows = [outs.row(line) for line in (3, 6)]
    return outs.make_out(tmp_path / "again", tmp_path / "urls.txt", rows, selection=found.selection)


def test_a_retry_resumes_with_its_choice_whatever_the_file_holds_now(
    first: Path, tmp_path: Path
) -> None:
    out = begun(first, tmp_path)
    assert prepared(out, first).selection.lines == 4


def test_another_choice_for_the_same_out_is_refused(first: Path, tmp_path: Path) -> None:
    out = begun(first, tmp_path)
    with pytest.raises(ConflictError, match=r"again was begun with --outcome dns,.*resume it"):
        prepared(out, first, wanted=parse("ok", None))


def test_the_out_of_something_else_is_refused(first: Path, tmp_path: Path) -> None:
    again = begun(first, tmp_path)
    urls = tmp_path / "urls.txt"
    own = outs.make_out(tmp_path / "own", urls, [outs.row(line) for line in range(1, LINES + 1)])
    with pytest.raises(ConflictError, match=r"own is a run of its own, not a retry of .*out"):
        prepared(own, first)
    with pytest.raises(ConflictError, match=r"again is a retry of .*out, not a retry of .*own"):
        prepared(again, own)


def test_a_crawl_is_retried_from_a_copy_of_its_log(tmp_path: Path) -> None:
    pages = {"http://a.test/": Page((), Outcome.TIMEOUT, None)}
    first = make_crawl(tmp_path / "crawl", pages, ["http://a.test/"])
    found = prepared(tmp_path / "again", first)
    assert found.is_of_crawl
    assert (found.urlfile.parent, found.input_name) == (tmp_path / "again", "the log of crawl")
    assert (found.settings.input.format, found.selection.lines) == ("log", 1)
    with pytest.raises(UsageError, match="the lines of a crawl are in its log; leave it out"):
        prepared(tmp_path / "other", first, urlfile=Path("x"))
