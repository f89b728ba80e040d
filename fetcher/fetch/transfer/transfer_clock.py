"""A clock that leaves out the time in which this process kept its event loop from the network.

If a turn of the loop computes for longer than a fixed share, the rest is our own delay, and not the
server's. The clock never goes back and is never faster than the system's. It watches the loop's
turns only while it is in use, as that costs time.
"""

from __future__ import annotations

import time
from typing import Any, Final

from gevent import get_hub

_SHARE_S: Final = 0.02  # of every turn, for making rows and pages
_HIGHEST, _LOWEST = 2, -2  # libev's priorities


class TransferClock:
    """Serves all transfers of one event loop."""

    def __init__(self) -> None:
        loop = get_hub().loop
        # A turn begins with the first callback after the wait for events, and ends with the last
        # one before the next wait.
        self._begins: Any = loop.check(ref=False, priority=_HIGHEST)
        self._ends: Any = loop.prepare(ref=False, priority=_LOWEST)
        self._users = 0
        self._held_s = 0.0  # in the turns before this one
        self._began: float | None = None  # this turn; None: turns are not watched

    def now(self) -> float:
        """Seconds, to be compared only with other readings of this clock."""
        now = time.monotonic()
        if self._began is None:
            return now - self._held_s
        return now - self._held_s - self._excess_s(now)

    def start(self) -> None:
        """Watch the loop's turns, until `stop` was called as often as `start`."""
        self._users += 1
        if self._users == 1:
            self._on_begin()
            self._begins.start(self._on_begin)
            self._ends.start(self._on_end)

    def stop(self) -> None:
        """See `start`."""
        self._users -= 1
        if not self._users:
            self._on_end()
            self._begins.stop()
            self._ends.stop()

    def _on_begin(self) -> None:
        self._began = time.monotonic()

    def _on_end(self) -> None:
        self._held_s += self._excess_s(time.monotonic())
        self._began = None

    def _excess_s(self, now: float) -> float:
        return 0.0 if self._began is None else max(0.0, now - self._began - _SHARE_S)
