"""Bounded summaries of unbounded streams: a histogram of fixed log buckets, and a table of the top.

Pure; memory does not grow with the number of rows or of different keys. Dropped entries are
counted, so that a report can say how exact it is.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from operator import attrgetter
from typing import Any, Final, TypeVar

K = TypeVar("K")
V = TypeVar("V")

PER_DECADE: Final = 32  # a bucket is 7.5 % wide, so a quantile is right to about 4 %
_LOWEST: Final = -3 * PER_DECADE  # 0.001 and all below it
_HIGHEST: Final = 15 * PER_DECADE


class LogHistogram:
    """Counts of values >= 0 in buckets whose bounds are the powers of 10 ** (1 / PER_DECADE)."""

    __slots__ = ("counts", "highest", "lowest", "number", "total")

    def __init__(self) -> None:
        self.counts: dict[int, int] = {}  # by bucket: floor(log10(value) * PER_DECADE)
        self.number = 0
        self.total = 0.0
        self.lowest = math.inf
        self.highest = 0.0

    def add(self, value: float) -> None:
        """Count a value."""
        bucket = math.floor(math.log10(value) * PER_DECADE) if value > 0.001 else _LOWEST
        bucket = min(bucket, _HIGHEST)
        counts = self.counts
        counts[bucket] = counts.get(bucket, 0) + 1
        self.number += 1
        self.total += value
        self.highest = max(self.highest, value)
        self.lowest = min(self.lowest, value)

    def merge(self, other: LogHistogram) -> None:
        """Add the other histogram's values."""
        for bucket, count in other.counts.items():
            self.counts[bucket] = self.counts.get(bucket, 0) + count
        self.number += other.number
        self.total += other.total
        self.highest = max(self.highest, other.highest)
        self.lowest = min(self.lowest, other.lowest)

    @property
    def mean(self) -> float | None:
        """None without values."""
        return self.total / self.number if self.number else None

    def quantile(self, share: float) -> float | None:
        """The value that `share` (0 to 1) of all do not exceed: the middle of its bucket."""
        if not self.number:
            return None
        left = max(math.ceil(share * self.number), 1)
        if left == self.number:
            return self.highest
        for bucket in sorted(self.counts):
            left -= self.counts[bucket]
            if left <= 0:
                middle = 10 ** ((bucket + 0.5) / PER_DECADE)
                return float(min(max(middle, self.lowest), self.highest))
        raise AssertionError

    def coarse(self, per_decade: int) -> dict[int, int]:
        """Counts by wider buckets; `per_decade`: how many, a divisor of PER_DECADE."""
        found: dict[int, int] = {}
        for bucket, count in self.counts.items():
            wide = bucket * per_decade // PER_DECADE
            found[wide] = found.get(wide, 0) + count
        return found


class Bounded(dict[K, V]):
    """A table that makes missing values by `new` and keeps the heaviest keys.

    `weights` names attributes of a value. When the table is full, the keys that are among the first
    `most` by any of the weights stay, and the others are dropped. A dropped key that comes again
    starts from zero, so that a count may be too low by at most `missed[weight]`.
    """

    def __init__(self, most: int, new: Callable[[], V], *weights: str) -> None:
        super().__init__()
        self._most = most
        self._limit = 2 * most * len(weights)
        self._new = new
        self._weights = [(name, attrgetter(name)) for name in weights]
        self.missed: dict[str, Any] = dict.fromkeys(weights, 0)
        self.given_up = 0  # dropped entries; a key may be dropped more than once

    def __missing__(self, key: K) -> V:
        if len(self) >= self._limit:
            self._prune()
        value = self[key] = self._new()
        return value

    def _prune(self) -> None:
        keep: set[K] = set()
        for _, weight in self._weights:
            keep.update(sorted(self, key=lambda key: -weight(self[key]))[: self._most])
        gone = [key for key in self if key not in keep]
        for name, weight in self._weights:
            self.missed[name] += max(weight(self[key]) for key in gone)
        for key in gone:
            del self[key]
        self.given_up += len(gone)

    def top(self, weight: str, count: int) -> Iterator[tuple[K, V]]:
        """The `count` heaviest entries above 0, heaviest first; equal ones by their key."""
        of = attrgetter(weight)
        heavy = [item for item in self.items() if of(item[1]) > 0]
        yield from sorted(heavy, key=lambda item: (-of(item[1]), str(item[0])))[:count]
