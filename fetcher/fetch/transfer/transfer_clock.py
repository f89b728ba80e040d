"""A clock that leaves out the time in which this process kept its event loop from the network.

If a turn of the loop computes for longer than a fixed share, the rest is our own delay, and not the
server's. The clock never goes back and is never faster than the system's. It watches the loop's
turns only where it is told to, as that costs time in each turn.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import Any, Final

from gevent import get_hub

_SHARE_S: Final = 0.02  # of every turn, for making rows and pages
_HIGHEST, _LOWEST = 2, -2  # libev's priorities


class TransferClock:
    """Serves all transfers of one event loop.

    `now`: returns seconds, to be compared only with other readings of this clock.
    """

    now: Callable[[], float]

    def __init__(self) -> None:
        loop = get_hub().loop
        # A turn begins with the first callback after the wait for events, and ends with the last
        # one before the next wait.
        self._begins: Any = loop.check(ref=False, priority=_HIGHEST)
        self._ends: Any = loop.prepare(ref=False, priority=_LOWEST)
        self._is_on = False  # turns are watched
        self._held_s = 0.0  # in the turns before this one
        self._share_ends_at = math.inf  # in this turn; infinite between two, or if none is watched
        # As long as no time was left out, the system's clock says the same, and faster.
        self.now = time.monotonic

    def _now(self) -> float:
        now = time.monotonic()
        # Without `min`, which takes twice the time: several readings are made for each line.
        return (now if now < self._share_ends_at else self._share_ends_at) - self._held_s

    def watch_turns(self, *, is_on: bool) -> None:
        """Watch the loop's turns from now on, or no longer; without, no time is left out."""
        if is_on == self._is_on:
            return
        self._is_on = is_on
        if is_on:
            self.now = self._now
            self._on_begin()
            self._begins.start(self._on_begin)
            self._ends.start(self._on_end)
        else:
            self._on_end()
            if not self._held_s:
                self.now = time.monotonic
            self._begins.stop()
            self._ends.stop()

    def _on_begin(self) -> None:
        self._share_ends_at = time.monotonic() + _SHARE_S

    def _on_end(self) -> None:
        excess_s = time.monotonic() - self._share_ends_at
        self._share_ends_at = math.inf
        if excess_s > 0:
            self._held_s += excess_s
