"""Shares the event loop's turns between computations and the network.

In one turn of the loop, computations (rows, handlers) get a share of time; further ones wait for
the next turn, first come, first served. Between two turns the loop serves its sockets and
timers. One computation alone may take longer than the share: nothing can interrupt it.
"""

from __future__ import annotations

import time
from collections import deque
from typing import Any, Final

from gevent import get_hub, getcurrent
from greenlet import greenlet

# Rows cost about 50 us each, so a burst of a few hundred still fits into one turn.
_SHARE_S: Final = 0.02


class CpuShare:
    """Decides which greenlets may compute in a turn of the loop; a worker process has one."""

    def __init__(self) -> None:
        self._hub = get_hub()
        self._waiting: deque[greenlet] = deque()
        # Fires in the loop's next turn, once a greenlet has computed. A callback would run before
        # the loop looks at its sockets; a timer runs after them.
        self._timer: Any = self._hub.loop.timer(0)
        self._has_begun = False  # a greenlet has computed in this turn
        self._began = 0.0  # when this turn's first computation began
        self._longest_s = 0.0

    @property
    def waiting(self) -> int:
        """Greenlets that wait for a later turn."""
        return len(self._waiting)

    def wait(self) -> float:
        """Return when the calling greenlet may compute, usually at once; the result is the time."""
        now = time.monotonic()
        if not self._has_begun:
            self._begin(now)
        elif self._waiting or now - self._began > _SHARE_S:
            self._waiting.append(getcurrent())
            self._hub.switch()
            return time.monotonic()
        return now

    def take_longest_s(self) -> float:
        """Return how long the longest turn's computations took since the last call."""
        longest_s, self._longest_s = self._longest_s, 0.0
        return longest_s

    def _begin(self, now: float) -> None:
        self._began = now
        self._has_begun = True
        self._timer.start(self._on_next_turn)

    def _on_next_turn(self) -> None:
        self._has_begun = False
        now = time.monotonic()
        self._longest_s = max(self._longest_s, now - self._began)
        if not self._waiting:
            return
        self._begin(now)
        while self._waiting and time.monotonic() - now <= _SHARE_S:
            self._waiting.popleft().switch()
