"""Ends a transfer that takes too long, by the transfer clock, which leaves out our own delays.

A transfer ends within its limits on that clock; pauses for lack of memory do not count. libcurl's
own limits, which are longer by `slack_s`, end it whatever that clock says.

All transfers are checked at least once in CHECK_S (see speed_watch). A limit that comes before the
next check gets a timer, so that it is exact. Most transfers end long before: a timer for each costs
more than all checks.
"""

from __future__ import annotations

import math
from typing import Any, Final

import pycurl

from fetcher.fetch.transfer.curl_loop import CurlLoop
from fetcher.fetch.transfer.transfer_clock import TransferClock

CHECK_S: Final = 1.0
_EXACT_S: Final = 0.001
_LEAST_SLACK_S: Final = 10.0


def slack_s(total_timeout_s: float) -> float:
    """The longest own delay for which a transfer gets more time."""
    return max(total_timeout_s, _LEAST_SLACK_S)


class Deadline:
    """When a handle's transfer must end: its connection has a limit, and all of it has one."""

    __slots__ = (
        *("_clock", "_connect_s", "_easy", "_ends_at", "_loop"),
        *("_paused_at", "_timer", "due_at", "paused_s"),
    )

    def __init__(
        self, loop: CurlLoop, clock: TransferClock, easy: pycurl.Curl, connect_s: float
    ) -> None:
        self._loop = loop
        self._clock = clock
        self._easy = easy
        self._connect_s = connect_s
        self._ends_at = math.inf  # the limit for all of the transfer
        self.due_at = math.inf  # the first limit that it may reach; none without a transfer
        self._paused_at: float | None = None
        self.paused_s = 0.0  # in this transfer
        self._timer: Any = None  # runs before a limit that is near

    def begin(self, now: float, total_s: float) -> None:
        """A transfer begins, which may take so long."""
        self.paused_s = 0.0
        self._ends_at = now + total_s
        first_s = self._connect_s if self._connect_s < total_s else total_s  # faster than `min`
        self.due_at = now + first_s
        if first_s <= CHECK_S:
            self._arm(first_s)

    def pause(self) -> None:
        """The transfer waits for room in our memory."""
        self._paused_at = self._clock.now()

    def resume(self) -> None:
        """The transfer continues, if it has not ended meanwhile."""
        now = self._clock.now()
        self._end_pause(now)
        self.check(now)

    def end(self) -> None:
        """The transfer has ended."""
        if self._paused_at is not None:
            self._end_pause(self._clock.now())
        self.due_at = math.inf
        if self._timer is not None:
            self._disarm()

    def check(self, now: float) -> None:
        """Set a timer if the limit comes before the next check."""
        # In a pause only libcurl's own limit counts.
        if self.due_at - now > CHECK_S or self._timer is not None or self._paused_at is not None:
            return
        left_s = self._left_s(now)
        if left_s <= CHECK_S:
            self._arm(left_s)

    def _left_s(self, now: float) -> float:
        if self._is_connected():
            self.due_at = self._ends_at
        return self.due_at - now

    def _is_connected(self) -> bool:
        return bool(self._easy.getinfo(pycurl.PRETRANSFER_TIME_T) > 0)

    def _end_pause(self, now: float) -> None:
        if self._paused_at is not None:
            paused_s = now - self._paused_at
            self._paused_at = None
            self.paused_s += paused_s
            self._ends_at += paused_s
            self.due_at = self._ends_at  # a transfer that has paused is connected

    def _arm(self, after_s: float) -> None:
        self._timer = self._loop.hub.loop.timer(max(after_s, _EXACT_S))
        self._timer.start(self._on_ring)

    def _disarm(self) -> None:
        self._timer.stop()
        self._timer.close()
        self._timer = None

    def _on_ring(self) -> None:
        self._disarm()
        if self._paused_at is not None:  # `resume` checks again
            return
        now = self._clock.now()
        left_s = self._left_s(now)
        if left_s > _EXACT_S:
            self.check(now)
            return
        words = "Operation timed out" if self._is_connected() else "Connection timed out"
        self._loop.cut(self._easy, (pycurl.E_OPERATION_TIMEDOUT, words))
