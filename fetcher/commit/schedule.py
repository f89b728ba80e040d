"""Decides when the rows that wait are committed.

A commit costs the same for one row as for thousands, so rows wait for others: for the interval, or
until there are enough bytes. Two kinds of rows do not wait: the first ones after a pause, and the
last ones of the job. After a restart of the sink its first rows do wait: workers then send all rows
that they have kept meanwhile, and a second kill must not lose most of them.
"""

from __future__ import annotations

from typing import Final

RETRY_S: Final = 1.0  # after a commit that found the disk full


class CommitSchedule:
    """The time of the next commit; times are of a monotonic clock, in seconds."""

    def __init__(self, interval_s: float, *, has_rows: bool) -> None:
        """`has_rows`: rows were committed before this process began."""
        self._interval_s = interval_s
        self._due_at = 0.0
        self._committed_at: float | None = None if has_rows else float("-inf")

    def is_due(self, now: float) -> bool:
        """Whether the pending rows should be committed now."""
        return now >= self._due_at

    def wait_s(self, now: float) -> float:
        """Seconds until the next commit, not below 0."""
        return max(self._due_at - now, 0.0)

    def arrived(self, now: float, *, is_urgent: bool) -> None:
        """Rows wait. `is_urgent`: they are the last ones of the job, or many bytes."""
        if self._committed_at is None:
            self._committed_at = now
        self._due_at = float("-inf") if is_urgent else self._committed_at + self._interval_s

    def committed(self, rows: int, now: float, *, has_room: bool) -> None:
        """A commit of `rows` rows was tried; `has_room`: the disk took them."""
        if rows:
            self._committed_at = now
        self._due_at = now + (self._interval_s if has_room else RETRY_S)
