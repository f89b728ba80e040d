"""The folder of a refreshed crawl finds the line of a URL, and the links of a line."""

from __future__ import annotations

import contextlib
from pathlib import Path

import pytest

from fetcher.frontier.links import Link, Via
from fetcher.frontier.rules import CrawlRules
from fetcher.store import parent_files
from fetcher.store.manifest import PARENT_NAME
from fetcher.store.parent_crawl import ParentLines
from fetcher.store.parent_index import load_index
from fetcher.store.parent_links import ParentLinks
from fetcher.store.reader import read_part
from support.crawl_outs import Page, make_crawl

SEED = "http://a.test/"
OTHER = "http://other.test/"
PAGES = {
    SEED: Page((Link(f"{SEED}1?b=2&a=1"), Link(f"{SEED}2.png", Via.IMAGE), Link(OTHER))),
    f"{SEED}1?b=2&a=1": Page((Link(SEED), Link(f"{SEED}3"), Link(f"{SEED}2.png", Via.IMAGE))),
}


def folder_of(tmp_path: Path, rules: CrawlRules) -> Path:
    out = make_crawl(tmp_path / "out", PAGES, [SEED], rules, segment_bytes=100)
    (tmp_path / "again").mkdir()
    parent_files.build(tmp_path / "again", [read_part(out)], is_conditional=True)
    return tmp_path / "again" / PARENT_NAME


@pytest.mark.parametrize("sort_query", [False, True])
def test_the_line_of_a_url_is_found_by_its_key(tmp_path: Path, sort_query: bool) -> None:
    folder = folder_of(tmp_path, CrawlRules(assets=True, sort_query=sort_query))
    lines = ParentLines(folder, load_index(folder))
    assert list(lines.of(SEED)) == [1]
    assert list(lines.of(f"{SEED}#part")) == [1]
    assert list(lines.of(f"{SEED}1?b=2&a=1")) == [2]
    assert list(lines.of(f"{SEED}1?a=1&b=2")) == ([2] if sort_query else [])
    assert list(lines.of(f"{SEED}unknown")) == []
    assert list(lines.of("not a url")) == []


@pytest.mark.parametrize("order", ["log", "levels"])
def test_the_links_of_a_line_are_those_that_its_page_had(tmp_path: Path, order: str) -> None:
    rules = CrawlRules(assets=True, order=order)  # type: ignore[arg-type]
    folder = folder_of(tmp_path, rules)
    index = load_index(folder)
    lines = ParentLines(folder, index)
    with contextlib.closing(ParentLinks(folder, index, lines.texts)) as links:
        for url, page in PAGES.items():
            (line,) = lines.of(url)
            found = {(link.url, link.via) for link in links.of(line)}
            assert found == {(link.url, link.via) for link in page.links}
        (line,) = lines.of(f"{SEED}3")
        assert links.of(line) == []
