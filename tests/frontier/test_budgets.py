"""Budgets: the room of hosts and of all pages, counted exactly in a few bytes a host."""

from __future__ import annotations

from collections import Counter

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from fetcher.frontier.budgets import Budgets
from fetcher.frontier.keys import NO_HOST
from fetcher.frontier.rules import MAX_LINES, CrawlRules

_HOSTS = st.sampled_from([1, 2, 3, 2**32, 2**63, 2**64 - 1, 1009, 1009 * 1008])


def hosts(*numbers: int) -> np.ndarray[tuple[int], np.dtype[np.uint64]]:
    return np.array(numbers, dtype=np.uint64)


@settings(deadline=None)
@given(st.lists(st.lists(_HOSTS, max_size=20), max_size=10))
def test_each_host_has_the_room_that_its_lines_leave(calls: list[list[int]]) -> None:
    budgets = Budgets(CrawlRules(max_pages_per_host=7, max_pages=50))
    lines = Counter[int]()
    for call in calls:
        budgets.count(hosts(*call))
        lines.update(call)
        assert budgets.lines == lines.total()
        assert budgets.room == max(0, 50 - lines.total())
        asked = set(call) | {5}
        assert budgets.rooms(asked) == {host: max(0, 7 - lines[host]) for host in asked}


def test_seeds_that_are_not_urls_share_no_room() -> None:
    budgets = Budgets(CrawlRules(max_pages_per_host=1))
    budgets.count(hosts(NO_HOST, NO_HOST, 4))
    assert budgets.rooms({NO_HOST, 4}) == {NO_HOST: MAX_LINES, 4: 0}
    assert budgets.lines == 3


def test_nobody_has_no_room() -> None:
    assert Budgets(CrawlRules()).rooms(()) == {}


def test_a_host_costs_at_most_24_bytes() -> None:
    budgets, dice = Budgets(CrawlRules()), np.random.default_rng(1)
    for number in range(1, 101):
        budgets.count(dice.integers(1, 2**64, 8000, dtype=np.uint64))
        assert number < 50 or budgets.memory_bytes <= 24 * 8000 * number
