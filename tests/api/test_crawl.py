"""`crawl` as programs use it: the pages that seeds lead to, under settings of the program."""

from __future__ import annotations

from pathlib import Path

import pytest

from fetcher.api import Crawl, crawl
from fetcher.errors import ConfigError, ConflictError
from support.programs import ONE
from support.web import links, site

pytestmark = pytest.mark.usefixtures("temporary")
PAGES = {"/": links("/a", "/b"), "/a": links("/c"), "/b": "", "/c": "<title>the end</title>"}


def test_each_page_is_a_row_that_says_how_it_was_found(tmp_path: Path) -> None:
    with site(PAGES) as at:
        rows = {row.url: row for row in crawl(at.url(), settings=ONE, crawl={"title": True})}
        assert at.asked == dict.fromkeys(PAGES, 1)
    assert set(rows) == {at.url(path) for path in PAGES}
    last, before = rows[at.url("/c")], rows[at.url("/a")]
    assert (last.depth, last.found_on, last.via) == (2, before.line, "a")
    assert (last.title, before.title) == ("the end", None)
    assert (rows[at.url()].found_on, rows[at.url()].via) == (None, "seed")


def test_the_same_call_again_gives_the_same_rows_and_other_rules_are_refused(
    tmp_path: Path,
) -> None:
    out = tmp_path / "out"
    with site(PAGES) as at:
        seeds = [{"url": at.url(), "id": 5}]
        first = list(crawl(seeds, out=out, settings=ONE, crawl={"depth": 1}))
        assert list(crawl(seeds, out=out, settings=ONE)) == first
        assert at.asked == dict.fromkeys(("/", "/a", "/b"), 1)
        with pytest.raises(ConflictError, match=r"crawl\.depth = 1, not 2 \(crawl\)"):
            list(crawl(seeds, out=out, settings=ONE, crawl={"depth": 2}))
        with pytest.raises(ConflictError, match="belongs to another job"):
            list(crawl([at.url("/b")], out=out, settings=ONE))
    assert [row.id for row in first] == [5, None, None]


def test_a_crawl_can_be_watched_and_stopped(tmp_path: Path) -> None:
    endless = 1_000_000
    with (
        site(lambda path: links(f"/{int(path[1:] or 0) + 1}"), delay_s=0.01) as at,
        Crawl([at.url()], out=tmp_path / "out", settings=ONE) as job,
    ):
        for row in job.rows():
            if row.line >= 5:
                break
        assert job.progress.rows < endless
        job.stop()
        assert job.progress.state == "stopped"


def test_wrong_rules_are_refused_at_once() -> None:
    with pytest.raises(ConfigError, match=r"^crawl: crawl\.deny: '\*' is not a regular"):
        crawl("http://127.0.0.1/", crawl={"deny": ["*"]})
