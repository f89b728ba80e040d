"""The counts of a crawl: they add up, and do not grow with it."""

from __future__ import annotations

from fetcher.frontier.totals import MAX_DEPTHS, Refusal, Totals


def test_counts_add_up_by_depth_and_by_reason() -> None:
    total = Totals(links=3, lines={0: 1}, refused={"scope": 1})
    total.add(Totals(links=4, lines={0: 1, 1: 2}, refused={"scope": 2, "depth": 1}))
    assert total == Totals(links=7, lines={0: 2, 1: 2}, refused={"scope": 3, "depth": 1})


def test_depths_beyond_a_limit_are_counted_together() -> None:
    totals = Totals()
    for depth in (MAX_DEPTHS - 1, MAX_DEPTHS, MAX_DEPTHS + 1, 10**6):
        totals.count_lines(depth, 2)
    assert totals.lines == {MAX_DEPTHS - 1: 2, MAX_DEPTHS: 6}


def test_nothing_leaves_no_trace() -> None:
    totals = Totals()
    totals.count_lines(4, 0)
    totals.refuse(Refusal.SCOPE, 0)
    assert totals == Totals()
