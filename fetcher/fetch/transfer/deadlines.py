"""Ends a transfer that takes too long, by the transfer clock, which leaves out our own delays.

A transfer ends within its limits on that clock; pauses for lack of memory do not count. libcurl's
own limits, which are longer by `slack_s`, end it whatever that clock says.
"""

from __future__ import annotations

from typing import Any, Final

import pycurl
from gevent import get_hub

from fetcher.fetch.transfer.curl_loop import CurlLoop
from fetcher.fetch.transfer.transfer_clock import TransferClock

_EXACT_S: Final = 0.001
_LEAST_SLACK_S: Final = 10.0


def slack_s(total_timeout_s: float) -> float:
    """The longest own delay for which a transfer gets more time."""
    return max(total_timeout_s, _LEAST_SLACK_S)


class Deadlines:
    """The deadlines of one transfer: for its connection, and for all of it."""

    def __init__(
        self,
        loop: CurlLoop,
        easy: pycurl.Curl,
        clock: TransferClock,
        connect_s: float,
        total_s: float,
    ) -> None:
        self._loop = loop
        self._easy = easy
        self._clock = clock
        self._connect_s = connect_s
        self._total_s = total_s
        self._began = clock.now()
        self._paused_at: float | None = None
        self.paused_s = 0.0
        self._is_overdue = False  # the timer rang in a pause
        self._timer: Any = None
        self._arm(min(connect_s, total_s))

    def pause(self) -> None:
        """The transfer waits for room in our memory."""
        self._paused_at = self._clock.now()

    def resume(self) -> None:
        """The transfer continues."""
        self._end_pause()
        if self._is_overdue:
            self._is_overdue = False
            self._arm(_EXACT_S)

    def stop(self) -> None:
        """The transfer has ended."""
        self._end_pause()
        self._disarm()

    def _end_pause(self) -> None:
        if self._paused_at is not None:
            self.paused_s += self._clock.now() - self._paused_at
            self._paused_at = None

    def _arm(self, after_s: float) -> None:
        self._disarm()
        self._timer = get_hub().loop.timer(after_s)
        self._timer.start(self._on_ring)

    def _disarm(self) -> None:
        if self._timer is not None:
            self._timer.stop()
            self._timer.close()
            self._timer = None

    def _on_ring(self) -> None:
        if self._paused_at is not None:  # libcurl's own limit counts
            self._is_overdue = True
            return
        is_connected = self._easy.getinfo(pycurl.PRETRANSFER_TIME_T) > 0
        limit_s = self._total_s if is_connected else min(self._connect_s, self._total_s)
        left_s = limit_s - (self._clock.now() - self._began - self.paused_s)
        if left_s > _EXACT_S:
            self._arm(left_s)
            return
        words = "Operation timed out" if is_connected else "Connection timed out"
        self._loop.cut(self._easy, (pycurl.E_OPERATION_TIMEDOUT, words))
