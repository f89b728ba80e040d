"""Samples of a worker's activity for people who watch a job: busy hosts and recent failed lines.

Nothing is decided by them. All sizes are bounded. The texts come from the input and from servers,
so whoever shows them must escape them.
"""

from __future__ import annotations

import heapq
from collections import Counter, deque
from collections.abc import Iterable
from typing import Final, NamedTuple

from fetcher import web_urls
from fetcher.humanize import shortened
from fetcher.model import Outcome, Result
from fetcher.protocol import bounds, messages

_MOST_FAILING: Final = 1_000  # hosts kept when twice as many have failures
_RECENT: Final = 5  # failed lines that a worker keeps for its next message
MAX_HOST: Final = 200


class Load(NamedTuple):
    """The load of one host at a worker."""

    host: str
    in_flight: int
    waiting: int
    rest_s: float = 0.0  # how long the host gets no requests from now on, as it asked
    rest_why: str = ""


def shown_host_of(text: str) -> str:
    """The host of a URL, or of an invalid URL the text at the host's place; never an error."""
    return (web_urls.host_of(text) or _guessed(text))[:MAX_HOST]


def _guessed(text: str) -> str:
    rest = text.partition("://")[2] or text
    return rest.partition("/")[0].partition("?")[0].rpartition("@")[2].lower()


def failed_line(result: Result) -> messages.FailedLine:
    """The data of a failed line for a message."""
    return messages.FailedLine(
        line=result.line,
        outcome=result.outcome.value,
        status=result.status or 0,
        url=shortened(result.url, bounds.MAX_SAID),
        error=shortened(result.error or "", bounds.MAX_SAID),
    )


class Failures:
    """Counts failed lines by host: exact for few hosts, nearly exact for the worst of many."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()

    def add(self, host: str) -> None:
        self._counts[host] += 1
        if len(self._counts) > 2 * _MOST_FAILING:
            self._counts = Counter(dict(self._counts.most_common(_MOST_FAILING)))

    def of(self, host: str) -> int:
        return self._counts[host]

    def worst(self, count: int) -> list[str]:
        """The hosts with the most failed lines."""
        return heapq.nlargest(count, self._counts, key=self._counts.__getitem__)


class Sampler:
    """Collects samples in a worker."""

    def __init__(self) -> None:
        self._failures = Failures()
        self._recent: deque[Result] = deque(maxlen=_RECENT)

    def failed(self, result: Result) -> None:
        """Note a line whose outcome is not ok."""
        if result.outcome is not Outcome.INVALID_URL:  # it has no host
            self._failures.add(shown_host_of(result.final_url or result.url))
        self._recent.append(result)

    def samples(self, loads: Iterable[Load]) -> messages.Samples:
        """The samples for a message. Each failed line is in one message only."""
        half = bounds.MAX_LOADS // 2
        by_host = {load.host: load for load in loads}
        busiest = heapq.nlargest(half, by_host.values(), key=lambda e: e.in_flight + e.waiting)
        names = dict.fromkeys([*(load.host for load in busiest), *self._failures.worst(half)])
        shown = [by_host.get(name, Load(name, 0, 0)) for name in names]
        failed = [failed_line(result) for result in self._recent]
        self._recent.clear()
        return messages.Samples([self._host_load(each) for each in shown], failed)

    def _host_load(self, load: Load) -> messages.HostLoad:
        return messages.HostLoad(
            load.host,
            load.in_flight,
            load.waiting,
            self._failures.of(load.host),
            load.rest_s,
            load.rest_why,
        )


def together(loads: Iterable[messages.HostLoad]) -> list[messages.HostLoad]:
    """Add up the loads of several workers by host; the busiest hosts first."""
    sums: dict[str, messages.HostLoad] = {}
    for each in loads:
        other = sums.get(each.host)
        sums[each.host] = _sum(each, other) if other else each
    ranked = sorted(sums.values(), key=lambda e: (-e.in_flight - e.waiting, -e.failed, e.host))
    return ranked[: bounds.MAX_LOADS]


def _sum(one: messages.HostLoad, other: messages.HostLoad) -> messages.HostLoad:
    longest = max(one, other, key=lambda each: each.rest_s)
    return messages.HostLoad(
        one.host,
        one.in_flight + other.in_flight,
        one.waiting + other.waiting,
        one.failed + other.failed,
        longest.rest_s,
        longest.rest_why,
    )
