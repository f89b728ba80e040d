"""The course of a job so far, for a plot: few points, however long it goes on."""

from __future__ import annotations

from typing import Final

import msgspec

_MOST: Final = 600


class Point(msgspec.Struct, frozen=True, array_like=True):
    """The job at one moment."""

    at_s: float  # Unix time
    rows: int  # committed
    in_flight: int


class History:
    """Points at least `step_s` apart; when there are too many, half of them go."""

    def __init__(self) -> None:
        self.step_s = 1.0
        self._points: tuple[Point, ...] = ()

    def add(self, point: Point) -> None:
        """A later one. Whoever holds `since` is not disturbed, in whatever thread."""
        points = self._points
        if points and point.at_s - points[-1].at_s < self.step_s:
            return
        if len(points) >= _MOST:
            points = points[::2]
            self.step_s *= 2
        self._points = (*points, point)

    def since(self, at_s: float) -> list[Point]:
        """Those later than that, in order."""
        return [point for point in self._points if point.at_s > at_s]
