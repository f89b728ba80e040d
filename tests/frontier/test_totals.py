"""The counts of a crawl."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from fetcher.frontier.totals import MAX_DEPTHS, CrawlTotals, Refusal

_COUNTS = st.integers(1, 9)
_TOTALS = st.builds(
    CrawlTotals,
    st.integers(0, 9),
    st.dictionaries(st.integers(0, 3), _COUNTS),
    st.dictionaries(st.sampled_from(["scope", "depth"]), _COUNTS),
)


def copy(of: CrawlTotals) -> CrawlTotals:
    return CrawlTotals(of.links, dict(of.lines), dict(of.refused))


def plus(one: CrawlTotals, other: CrawlTotals) -> CrawlTotals:
    total = copy(one)
    total.add(other)
    return total


def test_lines_are_counted_by_depth_and_the_deepest_together() -> None:
    totals = CrawlTotals()
    totals.count_lines(0, 2)
    totals.count_lines(MAX_DEPTHS, 1)
    totals.count_lines(MAX_DEPTHS + 7, 4)
    totals.count_lines(0, 1)
    assert totals.lines == {0: 3, MAX_DEPTHS: 5}


def test_refusals_are_counted_by_reason_and_a_reason_without_any_has_no_entry() -> None:
    totals = CrawlTotals()
    totals.refuse(Refusal.SCOPE)
    totals.refuse(Refusal.SCOPE, 3)
    totals.refuse(Refusal.DEPTH, 0)
    assert totals.refused == {"scope": 4}


@given(_TOTALS, _TOTALS)
def test_a_sum_has_each_count_of_both(one: CrawlTotals, other: CrawlTotals) -> None:
    before = copy(other)
    total = plus(one, other)
    assert other == before
    assert total.links == one.links + other.links
    for depth in range(5):
        assert total.lines.get(depth, 0) == one.lines.get(depth, 0) + other.lines.get(depth, 0)
    for reason in ("scope", "depth"):
        parts = [each.refused.get(reason, 0) for each in (one, other)]
        assert total.refused.get(reason, 0) == sum(parts)
    assert total == plus(other, one)
