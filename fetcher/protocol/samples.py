"""What goes on, in a few examples: busy hosts, and lines that failed lately.

Law: for those who watch; nothing is decided by it. Everything is bounded and cut, whatever the
input or a server holds, and the texts are others' words: whoever shows them escapes them.
"""

from __future__ import annotations

import heapq
from collections import Counter, deque
from collections.abc import Iterable
from typing import Final, NamedTuple

from fetcher import web_urls
from fetcher.model import Outcome, Result
from fetcher.protocol import messages

_MOST_FAILING: Final = 1_000  # hosts whose failures are counted; beyond twice that the least go
_UNSAID: Final = 5  # failed lines that a worker keeps for the next who asks
MAX_HOST: Final = 200


class Load(NamedTuple):
    """What one host has at a worker."""

    host: str
    in_flight: int
    waiting: int
    rest_s: float = 0.0  # that the host is left alone from now on, as it asked for that
    rest_why: str = ""


def host_of(text: str) -> str:
    """The host of a URL; of what is not a URL, what was meant to be its host: never an error."""
    return (web_urls.host_of(text) or _guessed(text))[:MAX_HOST]


def _guessed(text: str) -> str:
    rest = text.partition("://")[2] or text
    return rest.partition("/")[0].partition("?")[0].rpartition("@")[2].lower()


def cut(text: str) -> str:
    """As much of a text as a glimpse holds."""
    return text if len(text) <= messages.MAX_SAID else text[: messages.MAX_SAID - 1] + "…"


def mishap(result: Result) -> messages.FailedLine:
    """The line that failed, as it is told."""
    return messages.FailedLine(
        line=result.line,
        outcome=result.outcome.value,
        status=result.status or 0,
        url=cut(result.url),
        error=cut(result.error or ""),
    )


class Failures:
    """Failed lines by host: exact for few hosts, about right for the worst of many."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()

    def add(self, host: str) -> None:
        self._counts[host] += 1
        if len(self._counts) > 2 * _MOST_FAILING:
            self._counts = Counter(dict(self._counts.most_common(_MOST_FAILING)))

    def of(self, host: str) -> int:
        return self._counts[host]

    def worst(self, count: int) -> list[str]:
        """The hosts with the most."""
        return heapq.nlargest(count, self._counts, key=self._counts.__getitem__)


class Sampler:
    """A worker's, of what it has fetched."""

    def __init__(self) -> None:
        self._failures = Failures()
        self._unsaid: deque[Result] = deque(maxlen=_UNSAID)

    def failed(self, result: Result) -> None:
        """A line has ended, and is not ok."""
        if result.outcome is not Outcome.INVALID_URL:  # which is of no host
            self._failures.add(host_of(result.final_url or result.url))
        self._unsaid.append(result)

    def glimpse(self, loads: Iterable[Load]) -> messages.Samples:
        """To be told now; the failed lines are told once."""
        half = messages.MAX_LOADS // 2
        by_host = {load.host: load for load in loads}
        busiest = heapq.nlargest(half, by_host.values(), key=lambda e: e.in_flight + e.waiting)
        names = dict.fromkeys([*(load.host for load in busiest), *self._failures.worst(half)])
        told = [by_host.get(name, Load(name, 0, 0)) for name in names]
        mishaps = [mishap(result) for result in self._unsaid]
        self._unsaid.clear()
        return messages.Samples([self._told(each) for each in told], mishaps)

    def _told(self, load: Load) -> messages.HostLoad:
        return messages.HostLoad(
            load.host,
            load.in_flight,
            load.waiting,
            self._failures.of(load.host),
            load.rest_s,
            load.rest_why,
        )


def together(loads: Iterable[messages.HostLoad]) -> list[messages.HostLoad]:
    """What several workers have of the same hosts, added up: the busiest first."""
    sums: dict[str, messages.HostLoad] = {}
    for each in loads:
        other = sums.get(each.host)
        sums[each.host] = _sum(each, other) if other else each
    ranked = sorted(sums.values(), key=lambda e: (-e.in_flight - e.waiting, -e.failed, e.host))
    return ranked[: messages.MAX_LOADS]


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
