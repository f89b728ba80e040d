"""A histogram over fixed bounds; adding a value costs one addition."""

from __future__ import annotations

from bisect import bisect_left

import msgspec


class Distribution(msgspec.Struct, frozen=True):
    """`counts[k]`: values up to `bounds[k]` and above `bounds[k - 1]`; the last: all above."""

    bounds: tuple[float, ...]
    counts: tuple[int, ...]
    total: float  # sum of all values


class Histogram:
    """Counts values; `distribution` returns how they are spread so far."""

    def __init__(self, *bounds: float) -> None:
        """`bounds` are in rising order."""
        self._bounds = bounds
        self._counts = [0] * (len(bounds) + 1)
        self._total = 0.0

    def add(self, value: float) -> None:
        self._counts[bisect_left(self._bounds, value)] += 1
        self._total += value

    def distribution(self) -> Distribution:
        return Distribution(self._bounds, tuple(self._counts), self._total)
