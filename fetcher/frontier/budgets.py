"""Counts lines against the limits of a crawl; a limit is reached, never passed.

A line counts once it is in the log, or goes there with the next commit. Seeds that are not URLs
have no host: they count as pages alone.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from fetcher.frontier.keys import NO_HOST
from fetcher.frontier.rules import CrawlRules
from fetcher.frontier.totals import Refusal


class Budgets:
    """The lines of a crawl, in all and by host."""

    def __init__(self, rules: CrawlRules) -> None:
        self._max_pages = rules.max_pages
        self._max_per_host = rules.max_pages_per_host
        self._lines = 0
        self._by_host: dict[int, int] = {}

    @property
    def lines(self) -> int:
        return self._lines

    @property
    def hosts(self) -> int:
        return len(self._by_host)

    def refusal(self, host: int) -> Refusal | None:
        """Why one more line of this host is too many."""
        if host != NO_HOST and self._by_host.get(host, 0) >= self._max_per_host:
            return Refusal.PAGES_PER_HOST
        return Refusal.PAGES if self._lines >= self._max_pages else None

    def count(self, host: int) -> None:
        """One more line of this host."""
        self._lines += 1
        self._by_host[host] = self._by_host.get(host, 0) + 1

    def recover(self, hosts: npt.NDArray[np.uint64]) -> None:
        """Count the lines of a log again, one host a line."""
        self._lines += len(hosts)
        numbers, counts = np.unique(hosts, return_counts=True)
        for host, count in zip(numbers.tolist(), counts.tolist(), strict=True):
            self._by_host[host] = self._by_host.get(host, 0) + count
