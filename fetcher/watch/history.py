"""The course of a job so far, for a plot: a bounded number of points, however long it runs."""

from __future__ import annotations

from typing import Final

import msgspec

_MOST: Final = 600  # points


class Point(msgspec.Struct, frozen=True, array_like=True):
    """The job at one moment."""

    at_s: float  # Unix time
    rows: int  # committed
    most_in_flight: int  # within the step around it


class History:
    """Points at least `step_s` apart. When there are too many, each two become one."""

    def __init__(self) -> None:
        self.step_s = 1.0
        self._points: tuple[Point, ...] = ()
        self._most_in_flight = 0  # since the last point

    def add(self, point: Point) -> None:
        """Add a later point. Threads that call `since` meanwhile see the old or the new points."""
        self._most_in_flight = max(self._most_in_flight, point.most_in_flight)
        points = self._points
        if points and point.at_s - points[-1].at_s < self.step_s:
            return
        if len(points) >= _MOST:
            points = _halved(points)
            self.step_s *= 2
        most, self._most_in_flight = self._most_in_flight, 0
        self._points = (*points, msgspec.structs.replace(point, most_in_flight=most))

    def since(self, at_s: float) -> list[Point]:
        """The points later than that Unix time, in order."""
        return [point for point in self._points if point.at_s > at_s]


def _halved(points: tuple[Point, ...]) -> tuple[Point, ...]:
    """The first point of each two, with the higher `most_in_flight` of both."""
    pairs = zip(points[::2], points[1::2], strict=True)
    return tuple(
        msgspec.structs.replace(
            first, most_in_flight=max(first.most_in_flight, second.most_in_flight)
        )
        for first, second in pairs
    )
