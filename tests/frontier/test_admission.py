"""The frontier: which links become lines of a crawl, and in which order; nothing is dropped."""

from __future__ import annotations

from fetcher.frontier.admission import Frontier
from fetcher.frontier.links import Link
from fetcher.frontier.rules import CrawlRules
from fetcher.frontier.totals import Totals

SEED = 7


def frontier(*seeds: str, rules: CrawlRules | None = None) -> Frontier:
    made = Frontier(rules or CrawlRules(), SEED)
    made.seeds([Link(url) for url in seeds])
    return made


def test_a_link_becomes_a_line_once_and_is_an_edge_each_time() -> None:
    made = frontier("http://a.b/")
    first = made.offer([Link("http://a.b/x"), Link("http://a.b/"), Link("http://a.b/x")], 1, 0)
    assert [(new.line, new.link.url, new.found_on, new.depth) for new in first.lines] == [
        (2, "http://a.b/x", 1, 1)
    ]
    assert first.edges == [2, 1, 2]
    assert first.totals == Totals(links=3, lines={1: 1})
    again = made.offer([Link("http://a.b/x")], 2, 1)
    assert (again.lines, again.edges) == ([], [2])
