"""Decides when a worker that has nothing to do leaves; pure, time is an argument in seconds."""

from __future__ import annotations


class Idle:
    """How long a worker has had no lines; `idle_s`: when it is not needed any more, 0: never."""

    def __init__(self, idle_s: float) -> None:
        self._idle_s = idle_s
        self._since: float | None = None

    def is_over(self, now: float, *, is_idle: bool) -> bool:
        """Return whether the worker, idle now or not, has been idle for long enough to leave."""
        if not (is_idle and self._idle_s):
            self._since = None
            return False
        if self._since is None:
            self._since = now
        return now - self._since >= self._idle_s
