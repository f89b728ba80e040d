"""A frontier that is rebuilt from the keys of its log judges as the one that wrote them."""

from __future__ import annotations

import pytest

from fetcher.frontier.admission import Frontier
from fetcher.frontier.links import Link
from fetcher.frontier.rules import CrawlRules

RULES = CrawlRules(max_pages_per_host=2000)


@pytest.mark.parametrize("room", [None, 0, 10, 5000])
def test_known_keys_and_budgets_are_there_whatever_room_was_made(room: int | None) -> None:
    first = Frontier(RULES, 3)
    seeds = first.seeds([Link("http://a.test/", "seed")])
    links = [Link(f"http://a.test/{n}") for n in range(1500)]
    found = first.offer(links, 1, 0)
    again = Frontier(RULES, 3)
    if room is not None:
        again.expect(room)
    again.recover(seeds.records + found.records, seeds=1)
    assert not again.needs_seeds
    assert again.offer(links, 2, 0).edges == list(range(2, 1502))
    more = again.offer([Link(f"http://a.test/x{n}") for n in range(600)], 2, 0)
    assert len(more.lines) == 2000 - 1501


def test_a_worker_that_tells_a_wrong_key_adds_no_line_twice() -> None:
    frontier = Frontier(CrawlRules(scope="any"), 3)
    frontier.seeds([Link("http://a.test/", "seed")])
    lies = [Link("http://a.test/", "a", "http://b.test/"), Link("http://c.test/", "a", "no key")]
    admitted = frontier.offer([*lies, Link("http://c.test/")], 1, 0)
    assert admitted.edges == [1, 2, 2]
    assert [new.link.url for new in admitted.lines] == ["http://c.test/"]
