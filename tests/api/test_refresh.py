"""`refresh` as programs use it: a row for each line, which says whether its body is unchanged."""

from __future__ import annotations

from pathlib import Path

import pytest

from fetcher.api import crawl, fetch, refresh
from fetcher.errors import UsageError
from support.programs import ONE
from support.web import Page, links, site

pytestmark = pytest.mark.usefixtures("temporary")


def test_rows_say_which_bodies_are_unchanged_and_the_same_call_resumes(tmp_path: Path) -> None:
    pages: dict[str, str | Page] = {"/same": Page(b"1", etag='"1"'), "/new": "old"}
    out, again = tmp_path / "out", tmp_path / "again"
    with site(pages) as of:
        assert len(list(fetch(map(of.url, pages), out=out, settings=ONE))) == 2
        pages["/new"] = "new"
        rows = list(refresh(out, out=again, settings=ONE))
        of.asked.clear()
        assert len(list(refresh([str(out)], out=again, settings=ONE))) == 2
        assert not of.asked
    assert sorted((row.line, row.status, row.unchanged) for row in rows) == [
        (1, 304, True),
        (2, 200, False),
    ]


def test_a_crawl_is_crawled_again_and_without_out_its_rows_are_temporary(tmp_path: Path) -> None:
    pages = {"/": Page(links("/1").encode(), etag='"0"'), "/1": Page(b"1", etag='"1"')}
    with site(pages) as of:
        assert len(list(crawl(of.url(), out=tmp_path / "out", settings=ONE))) == 2
        rows = list(refresh(tmp_path / "out", settings=ONE))
    assert sorted((row.depth, row.unchanged) for row in rows) == [(0, True), (1, True)]


def test_an_engine_may_place_its_workers(tmp_path: Path) -> None:
    with site({"/": Page(b"1", etag='"1"')}) as of:
        assert len(list(fetch([of.url()], out=tmp_path / "out", settings=ONE))) == 1
        engine = {"engine.name": "command"}
        (row,) = refresh(tmp_path / "out", out=tmp_path / "again", settings=ONE | engine)
    assert (row.status, row.unchanged) == (304, True)
    assert row.worker.startswith("command@")


def test_a_job_must_be_named() -> None:
    with pytest.raises(UsageError, match="name the directory of a job"):
        refresh([])
