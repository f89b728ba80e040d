"""The maze serves what its graph says, and its oracle knows the right answer."""

from __future__ import annotations

import pytest

from fetcher.extract import page
from fetcher.frontier.key_texts import KeyTexts
from fetcher.frontier.rules import CrawlRules
from tools.maze import graph, oracle, render
from tools.maze.graph import Size


def test_each_page_has_a_target_of_its_own() -> None:
    targets = [graph.target_of(page) for page in range(3000)]
    assert len(set(targets)) == len(targets)
    assert [graph.page_of(target) for target in targets] == list(range(3000))
    assert graph.page_of("/p/1.html") is None, "page 1 has another spelling"


@pytest.mark.parametrize("pages", [1, 7, 500])
def test_a_right_crawl_reaches_every_page(pages: int) -> None:
    found = oracle.requests_of(graph.MAIN, Size(pages, 12))
    assert {graph.target_of(page) for page in range(pages)} <= found
    assert not any("never" in target for target in found)


def test_endless_parts_end_at_the_depth_or_at_traps() -> None:
    size = Size(100, 4)
    assert len(oracle.requests_of(graph.CALENDAR, size)) == 1 + 2 * 4
    assert len(oracle.requests_of(graph.SESSIONS, size)) == 2**5 - 1
    # /deep/, then each sequence of at most three a and at most three b.
    assert len(oracle.requests_of(graph.SPIRAL, Size(100, 12))) == 69


def test_the_links_of_each_page_are_read_as_the_graph_has_them() -> None:
    """However they are written, and nothing else is read as a link."""
    origin, rules, size = "http://127.0.0.2:8080", CrawlRules(), Size(400, 12)
    keys = KeyTexts(rules)
    for number in range(size.pages):
        target = graph.target_of(number)
        links = graph.links_of(number, size, size.pages)
        body = render.page(origin, target, links, is_latin=graph.is_latin(number))
        found = page.read(body, origin + target, rules, content_type="text/html")
        own = {origin + target}  # an empty href
        read = {keys.of(url) for url in found.links}
        assert read - own == {origin + link for link in links} - own, number
