"""A line that a worker fetches, and the lines that are being fetched at the moment."""

from __future__ import annotations

import msgspec

from fetcher.fetch.interface import Fetch
from fetcher.model import Task
from fetcher.protocol.bounds import MAX_SLOW
from fetcher.roles.worker.lease_buffer import LeaseBuffer


class Line(msgspec.Struct, eq=False):
    """A line of a lease, from its arrival to its row."""

    buffer: LeaseBuffer
    task: Task
    host: str  # whose turn the line needs; FREE if it needs none
    fetch: Fetch | None = None  # once it has begun

    @property
    def bit(self) -> int:
        """The line's bit in the mask of its lease."""
        return 1 << (self.task.line - self.buffer.first_line)

    @property
    def url(self) -> str:
        """The URL that the next step requests."""
        return self.fetch.url if self.fetch else self.task.url


class RunningLines(dict[Line, float]):
    """The lines in a step -> when the step began (monotonic seconds), the oldest first."""

    def __init__(self) -> None:
        super().__init__()
        self._most = 0

    def start(self, line: Line, now: float) -> None:
        """A step of this line begins."""
        self[line] = now
        count = len(self)
        if count > self._most:  # noqa: PLR1730 (`max` takes twice as long)
            self._most = count

    def take_most(self) -> int:
        """Return the largest number of lines at once since the last call."""
        most, self._most = self._most, len(self)
        return most

    def oldest(self, now: float) -> tuple[float, int]:
        """Return the age in seconds of the oldest step and its line number, (0, 0) if none runs."""
        for line, since in self.items():
            return now - since, line.task.line
        return 0.0, 0

    def by_lease(self, now: float, slow_s: float) -> tuple[dict[int, float], dict[int, int]]:
        """Return, by lease, the age in seconds of its oldest step, and a mask of its slow lines.

        A line is slow if its step has run for `slow_s` and another worker could fetch it without
        the turn of a host. At most MAX_SLOW leases have a mask.
        """
        oldest_s: dict[int, float] = {}
        slow: dict[int, int] = {}
        for line, since in self.items():
            lease, age_s = line.buffer.lease, now - since
            oldest_s.setdefault(lease, age_s)
            is_slow = age_s >= slow_s and not line.host and line.fetch and not line.fetch.result
            if is_slow and (lease in slow or len(slow) < MAX_SLOW):
                slow[lease] = slow.get(lease, 0) | line.bit
        return oldest_s, slow
