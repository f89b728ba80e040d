"""Counts rows in bins of time, which become wider as they become many.

Pure; at most 2 * MOST_BINS bins whatever times come, also from clocks that are wrong by years. A
pause of the job (stopped on Friday, resumed on Monday) takes no bins and is cut out of the plot:
the axis is time at work.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from fetcher.commit.rate import PAUSE_S
from fetcher.report.sketches import LogHistogram

MOST_BINS: Final = 360
MOST_POINTS: Final = 160  # of a plot
_FIRST_WIDTH_S: Final = 1 / 16


class Bin:
    """The rows that ended within one span of time, and the lines of a crawl found in it."""

    __slots__ = ("body_bytes", "failed", "found", "latency_ms", "rows")

    def __init__(self) -> None:
        self.rows = 0
        self.found = 0
        self.failed = 0
        self.body_bytes = 0
        self.latency_ms = LogHistogram()

    def merge(self, other: Bin) -> None:
        """Add the other bin's rows."""
        self.rows += other.rows
        self.found += other.found
        self.failed += other.failed
        self.body_bytes += other.body_bytes
        self.latency_ms.merge(other.latency_ms)


class Point(NamedTuple):
    """One bin as drawn."""

    worked_s: float  # where the bin begins, in seconds at work
    at_s: float  # Unix time
    bin: Bin


class Drawn(NamedTuple):
    """All points, a bin's width, and where work paused: (worked_s, how long in seconds)."""

    points: list[Point]
    width_s: float
    pauses: list[tuple[float, float]]


class Timeline:
    """Rows by the time at which they ended."""

    def __init__(self) -> None:
        self.width_s = _FIRST_WIDTH_S
        self._bins: dict[int, Bin] = {}

    def at(self, time_s: float) -> Bin:
        """The bin of a Unix time."""
        index = int(time_s / self.width_s)
        found = self._bins.get(index)
        if found is None:
            if len(self._bins) >= 2 * MOST_BINS:
                self._bins, self.width_s = _wider(self._bins), self.width_s * 2
                return self.at(time_s)
            found = self._bins[index] = Bin()
        return found

    def drawn(self) -> Drawn:
        """At most MOST_POINTS points, with empty bins between them and without pauses."""
        bins, width_s = self._bins, self.width_s
        while (runs := _runs(bins, width_s)) and _length(runs) > MOST_POINTS:
            bins, width_s = _wider(bins), width_s * 2
        points: list[Point] = []
        pauses: list[tuple[float, float]] = []
        before = None
        for first, last in runs:
            if before is not None:
                pauses.append((len(points) * width_s, (first - before - 1) * width_s))
            for index in range(first, last + 1):
                of = bins.get(index) or Bin()
                points.append(Point(len(points) * width_s, index * width_s, of))
            before = last
        return Drawn(points, width_s, pauses)


def _wider(bins: dict[int, Bin]) -> dict[int, Bin]:
    found: dict[int, Bin] = {}
    for index, of in bins.items():
        # The timeline goes on with these bins: merge into new ones.
        found.setdefault(index // 2, Bin()).merge(of)
    return found


def _runs(bins: dict[int, Bin], width_s: float) -> list[tuple[int, int]]:
    """The first and the last index of each time without a pause."""
    runs: list[tuple[int, int]] = []
    for index in sorted(bins):
        if runs and (index - runs[-1][1] - 1) * width_s < PAUSE_S:
            runs[-1] = (runs[-1][0], index)
        else:
            runs.append((index, index))
    return runs


def _length(runs: list[tuple[int, int]]) -> int:
    return sum(last - first + 1 for first, last in runs)
