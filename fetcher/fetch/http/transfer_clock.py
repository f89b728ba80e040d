"""A clock that leaves out the time in which this process kept its event loop from the network.

Law: what the loop computes in one turn beyond a share is our own delay, and no server's. The clock
never goes back and is never faster than the system's. It looks at the loop's turns only while
somebody uses it, so that others do not pay for it.
"""

from __future__ import annotations

import time
from typing import Any, Final

from gevent import get_hub

_SHARE_S: Final = 0.02  # that every turn may take, as pages and rows are made
_HIGHEST, _LOWEST = 2, -2  # libev's priorities


class TransferClock:
    """Serves all transfers of one event loop."""

    def __init__(self) -> None:
        loop = get_hub().loop
        # The turn begins with the first callback behind the wait for events, and ends with the
        # last one before the next.
        self._begins: Any = loop.check(ref=False, priority=_HIGHEST)
        self._ends: Any = loop.prepare(ref=False, priority=_LOWEST)
        self._users = 0
        self._held_s = 0.0  # in the turns before this one
        self._began: float | None = None  # this turn; None: it is not looked at

    def now(self) -> float:
        """Seconds, only to be compared with each other."""
        now = time.monotonic()
        return now - self._held_s - self._excess_s(now)

    def start(self) -> None:
        """Look at the loop's turns until as many calls of `stop`."""
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
