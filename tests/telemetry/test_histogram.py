"""A histogram counts values by its bounds."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fetcher.telemetry.histogram import Distribution, Histogram


def test_a_value_at_a_bound_is_counted_below_it() -> None:
    histogram = Histogram(1, 10)
    for value in (0, 1, 1.5, 10, 11, 1000):
        histogram.add(value)
    assert histogram.distribution() == Distribution((1, 10), (2, 2, 2), 1023.5)


def test_a_look_does_not_change_when_more_values_come() -> None:
    histogram = Histogram(1)
    before = histogram.distribution()
    histogram.add(5)
    assert before == Distribution((1,), (0, 0), 0.0)


@given(st.lists(st.floats(0, 1e6)), st.lists(st.floats(0, 1e6), unique=True, min_size=1))
def test_every_value_is_counted_once(values: list[float], bounds: list[float]) -> None:
    bounds.sort()
    histogram = Histogram(*bounds)
    for value in values:
        histogram.add(value)
    found = histogram.distribution()
    assert sum(found.counts) == len(values)
    assert found.total == pytest.approx(sum(values))
    for number, bound in enumerate(bounds):
        assert sum(found.counts[: number + 1]) == sum(value <= bound for value in values)
