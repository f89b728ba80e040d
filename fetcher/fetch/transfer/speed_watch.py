"""Ends transfers that are too slow for too long, see http.low_speed_s and http.low_speed_bytes_s.

All transfers are checked eight times within that limit, or once a second if that is more often.
A transfer ends once all checks for as long as the limit have found too few bytes since the check
before: at the limit, or at most one interval later. Headers count; a part of a line counts as one
byte. Of a stall of this process, no more than one interval counts.

As it knows all transfers, the watch also asks them to look at their deadlines (see deadlines).

libcurl's own limit is not used: it acts seconds late, as it averages over several; it rounds a slow
drip down to nothing; and it does not count headers.
"""

from __future__ import annotations

import math
import time
from typing import Any, Final, Protocol

import pycurl

from fetcher.fetch.transfer.curl_loop import CurlLoop, CurlResult
from fetcher.fetch.transfer.deadlines import CHECK_S
from fetcher.settings.schema import Http

_LEAST_CHECKS: Final = 8  # within the limit
# A timer may ring early or late by so much of the time between two checks.
_JITTER: Final = 0.1
TOO_SLOW: Final[CurlResult] = (pycurl.E_OPERATION_TIMEDOUT, "Operation too slow")


class Transfer(Protocol):
    """What the watch asks of a transfer."""

    def moved_bytes(self) -> int:
        """Bytes of the answer, headers included, and of the request's body, so far."""

    def waits_for_server(self) -> bool:
        """Whether it is connected, and does not wait for us."""

    def was_heard(self, heard: set[int]) -> bool:
        """Whether its connection is one of those descriptors, and serves no other transfer."""

    def check_deadline(self) -> None:
        """Set a timer if a limit of its time comes before the next check."""

    def cut(self, result: CurlResult) -> None:
        """End the transfer."""


class _Seen:
    """What the last check of a transfer found."""

    __slots__ = ("moved_bytes", "slow_s")

    def __init__(self, moved_bytes: int) -> None:
        self.moved_bytes = moved_bytes
        self.slow_s = 0.0  # so long it has been too slow


class SpeedWatch:
    """Watches all transfers of a loop that have the limits of these settings."""

    def __init__(self, loop: CurlLoop, http: Http) -> None:
        self._loop = loop
        self._limit_s = http.low_speed_s
        self._bytes_s = http.low_speed_bytes_s
        checks = max(_LEAST_CHECKS, math.ceil(self._limit_s / CHECK_S))
        self.check_s = self._limit_s / checks
        self._transfers: dict[Transfer, _Seen | None] = {}  # None: not checked yet
        self._timer: Any = None
        self._checked_at = 0.0

    def begin(self, transfer: Transfer) -> None:
        """The transfer begins."""
        self._transfers[transfer] = None
        if self._timer is None:
            self._checked_at = time.monotonic()
            self._timer = self._loop.hub.loop.timer(self.check_s, self.check_s)
            self._timer.start(self._on_timer)

    def end(self, transfer: Transfer) -> None:
        """The transfer has ended."""
        del self._transfers[transfer]

    def _on_timer(self) -> None:
        now = time.monotonic()
        after_s, self._checked_at = now - self._checked_at, now
        if not self._transfers:
            self._timer.stop()
            self._timer.close()
            self._timer = None
            return
        for transfer in self._transfers:
            transfer.check_deadline()
        heard = self._loop.take_heard()
        for transfer in self.check(after_s, heard):
            transfer.cut(TOO_SLOW)

    def check(self, after_s: float, heard: set[int]) -> list[Transfer]:
        """Check all transfers; returns those that must end.

        `after_s`: seconds since the last check. `heard`: the descriptors that could be read since.
        """
        least_bytes = max(1, int(self._bytes_s * after_s))
        after_s = min(after_s, self.check_s * (1 + _JITTER))
        ended = []
        for transfer, seen in self._transfers.items():
            moved_bytes = transfer.moved_bytes()
            if seen is None:
                self._transfers[transfer] = _Seen(moved_bytes)
                continue
            is_fast = moved_bytes - seen.moved_bytes >= least_bytes
            seen.moved_bytes = moved_bytes
            if is_fast or self._is_excused(transfer, least_bytes, heard):
                seen.slow_s = 0.0
                continue
            seen.slow_s += after_s
            if seen.slow_s > self._limit_s - self.check_s * _JITTER:
                ended.append(transfer)
        return ended

    def _is_excused(self, transfer: Transfer, least_bytes: int, heard: set[int]) -> bool:
        """Whether it is not for the server to send, or it sent what libcurl does not show yet."""
        if not transfer.waits_for_server():
            return True
        return least_bytes == 1 and transfer.was_heard(heard)
