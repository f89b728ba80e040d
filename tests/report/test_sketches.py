"""Summaries are bounded, and right as far as they say."""

from __future__ import annotations

import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fetcher.report.sketches import PER_DECADE, Bounded, LogHistogram


@given(st.lists(st.floats(0.002, 1e9), min_size=1, max_size=300), st.floats(0.01, 1))
def test_a_quantile_is_right_to_the_width_of_a_bucket(values: list[float], share: float) -> None:
    histogram = LogHistogram()
    for value in values:
        histogram.add(value)
    exact = sorted(values)[math.ceil(share * len(values)) - 1]
    found = histogram.quantile(share)
    assert found is not None
    assert exact / 1.08 <= found <= exact * 1.08
    assert histogram.number == len(values)


def test_no_value_has_no_quantile_and_odd_ones_do_no_harm() -> None:
    histogram = LogHistogram()
    assert histogram.quantile(0.5) is histogram.mean is None
    for value in (0.0, 1e300, 5e-324):
        histogram.add(value)
    assert histogram.highest == 1e300


@given(st.lists(st.floats(0, 1e6)), st.lists(st.floats(0, 1e6)))
def test_a_merged_histogram_is_that_of_all_values(some: list[float], more: list[float]) -> None:
    parts = [LogHistogram(), LogHistogram(), LogHistogram()]
    for part, values in zip(parts, (some, more, some + more), strict=True):
        for value in values:
            part.add(value)
    merged, other, whole = parts
    merged.merge(other)
    assert merged.counts == whole.counts
    assert (merged.number, merged.lowest, merged.highest) == (
        *(whole.number, whole.lowest, whole.highest),
    )
    assert merged.total == pytest.approx(whole.total)


def test_the_highest_value_is_exact() -> None:
    histogram = LogHistogram()
    for value in (1.0, 2.0, 777.7):
        histogram.add(value)
    assert histogram.quantile(1) == 777.7
    assert histogram.quantile(0) == pytest.approx(1.0, rel=0.08)
    assert histogram.mean == pytest.approx(260.2333, abs=0.001)


def test_wider_buckets_hold_the_same_values() -> None:
    histogram = LogHistogram()
    for value in (0.0, 1.0, 9.9, 10.0, 12.0, 100.0):
        histogram.add(value)
    assert histogram.coarse(1) == {-3: 1, 0: 2, 1: 2, 2: 1}
    assert histogram.coarse(PER_DECADE) == histogram.counts


class Weight:
    def __init__(self) -> None:
        self.rows = 0


def test_a_bounded_table_keeps_the_heaviest_and_says_what_it_missed() -> None:
    table = Bounded[int, Weight](10, Weight, "rows")
    dice = random.Random(1)
    heavy = dict.fromkeys(range(5), 0)
    for step in range(20_000):
        key = dice.randrange(5) if step % 2 else dice.randrange(5, 100_000)
        table[key].rows += 1
        if key in heavy:
            heavy[key] += 1
    assert len(table) <= 20
    kept = dict(table.top("rows", 5))
    assert kept.keys() == heavy.keys()
    assert table.given_up > 0
    for key, rows in heavy.items():
        assert rows - table.missed["rows"] <= kept[key].rows <= rows


def test_the_top_leaves_out_zeros_and_orders_equals_by_name() -> None:
    table = Bounded[str, Weight](10, Weight, "rows")
    for key, rows in (("b", 2), ("a", 2), ("c", 0), ("d", 5)):
        table[key].rows = rows
    assert [key for key, _ in table.top("rows", 9)] == ["d", "a", "b"]
    assert [key for key, _ in table.top("rows", 1)] == ["d"]


def test_a_key_that_is_heavy_by_any_weight_stays() -> None:
    table = Bounded[int, Pair](2, Pair, "rows", "failed")
    for key in range(8):
        table[key].rows, table[key].failed = key, 7 - key
    _ = table[99]  # the table is full
    assert set(table) == {0, 1, 6, 7, 99}
    assert table.missed == {"rows": 5, "failed": 5}
    assert table.given_up == 4


class Pair:
    def __init__(self) -> None:
        self.rows = self.failed = 0
