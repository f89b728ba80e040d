"""Slots go where most is free."""

from __future__ import annotations

import pytest

from fetcher.engines.dask.spread import spread


@pytest.mark.parametrize(
    ("slots", "free", "given"),
    [
        (0, {"a": 4}, {}),
        (3, {}, {}),
        (2, {"a": 0, "b": -1, "c": 1}, {"c": 1}),
        (4, {"a": 8, "b": 8}, {"a": 2, "b": 2}),
        (5, {"a": 1, "b": 4}, {"a": 1, "b": 4}),
        (3, {"a": 1, "b": 4}, {"b": 3}),
        (9, {"a": 2, "b": 3}, {"a": 2, "b": 3}),
    ],
)
def test_slots_are_spread(slots: int, free: dict[str, int], given: dict[str, int]) -> None:
    assert spread(slots, free) == given
