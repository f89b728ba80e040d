"""The least time that a list can take if only waiting counts: no CPU, no start, no end. Pure."""

from __future__ import annotations

import heapq
import itertools
from collections import Counter, defaultdict, deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """Requests in flight: all, and to a host (0: any number), begun so far apart."""

    pool: int
    per_host: int = 0
    delay_s: float = 0.0


def list_s(requests: Iterable[tuple[str, float]], limits: Limits) -> float:
    """Seconds until the last request ends. Each has a host, and lasts so many seconds.

    They begin in the order of the list, except that one whose host is not free lets others pass.
    """
    return _Run(limits).until_end(iter(requests))


class _Run:
    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._now = self._last = 0.0
        self._free = limits.pool
        self._running: Counter[str] = Counter()
        self._next_at: dict[str, float] = {}
        self._parked: defaultdict[str, deque[float]] = defaultdict(deque)
        self._woken: deque[str] = deque()
        self._events: list[tuple[float, int, str, bool]] = []  # at, number, host, a request's end
        self._numbers = itertools.count()

    def until_end(self, rest: Iterator[tuple[str, float]]) -> float:
        """Seconds."""
        while True:
            self._begin_woken()
            self._begin_next(rest)
            if not self._events:
                return self._last
            self._now, _, host, is_end = heapq.heappop(self._events)
            if is_end:
                self._last = self._now
                self._free += 1
                self._running[host] -= 1
            self._woken.append(host)

    def _begin_woken(self) -> None:
        while self._free and self._woken:
            host = self._woken.popleft()
            if self._parked[host] and self._is_ready(host):
                self._begin(host, self._parked[host].popleft())

    def _begin_next(self, rest: Iterator[tuple[str, float]]) -> None:
        while self._free:
            request = next(rest, None)
            if request is None:
                return
            host, lasts_s = request
            if self._is_ready(host) and not self._parked[host]:
                self._begin(host, lasts_s)
            else:
                self._parked[host].append(lasts_s)

    def _is_ready(self, host: str) -> bool:
        most = self._limits.per_host
        has_room = not most or self._running[host] < most
        return has_room and self._next_at.get(host, 0.0) <= self._now

    def _begin(self, host: str, lasts_s: float) -> None:
        self._free -= 1
        self._running[host] += 1
        self._push(self._now + lasts_s, host, is_end=True)
        if self._limits.delay_s:
            self._next_at[host] = self._now + self._limits.delay_s
            self._push(self._next_at[host], host, is_end=False)

    def _push(self, at: float, host: str, *, is_end: bool) -> None:
        heapq.heappush(self._events, (at, next(self._numbers), host, is_end))
