"""Links of one body are gathered up to its limits."""

from __future__ import annotations

from fetcher.extract.found import Collector
from fetcher.frontier.links import Via
from fetcher.frontier.totals import Refusal


def test_each_url_is_kept_once_as_it_was_found_first() -> None:
    collector = Collector(10, 100, frozenset())
    for url, via in (("b", Via.A), ("a", Via.IMAGE), ("b", Via.FRAME)):
        collector.add(url, via)
    assert [tuple(link) for link in collector.links()] == [("b", Via.A), ("a", Via.IMAGE)]
    assert collector.left_out() == {}


def test_links_beyond_the_limits_are_counted_by_reason() -> None:
    collector = Collector(2, 3, frozenset({Via.FRAME}))
    for url in ("aaa", "aaaa", "b", "c", "d", "aaa"):
        collector.add(url, Via.A)
    collector.add("f", Via.FRAME)
    assert [url for url, _ in collector.links()] == ["aaa", "b"]
    assert collector.left_out() == {
        Refusal.URL_BYTES: 1,
        Refusal.LINKS_PER_PAGE: 2,
        Refusal.NOFOLLOW: 1,
    }


def test_links_that_were_not_gathered_one_by_one_are_counted_too() -> None:
    collector = Collector(2, 3, frozenset())
    collector.leave_out(Refusal.NOFOLLOW, 0)
    assert collector.left_out() == {}
    collector.leave_out(Refusal.NOFOLLOW, 4)
    collector.leave_out(Refusal.NOFOLLOW)
    assert collector.left_out() == {Refusal.NOFOLLOW: 5}
