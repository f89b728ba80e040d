"""Counts lines against the limits of a crawl; a limit is reached, never passed.

A line counts once it is in the log, or goes there with the next commit. Seeds that are not URLs
have no host: they count only as pages. Each of a million hosts costs 17 to 21 bytes of memory.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import numpy as np
import numpy.typing as npt

from fetcher.frontier.key_table import KeyTable
from fetcher.frontier.keys import NO_HOST, HostNumbers
from fetcher.frontier.rules import MAX_LINES, CrawlRules

_MORE_ROOM: Final = 16  # a table of counts grows by one part in so many


class Budgets:
    """The lines of a crawl, in all and by host."""

    def __init__(self, rules: CrawlRules) -> None:
        self._max_pages = rules.max_pages
        self._max_per_host = rules.max_pages_per_host
        self._lines = 0
        self._hosts = KeyTable(1)
        self._counts = np.zeros(0, dtype=np.uint32)  # lines of each host, in the table's order

    @property
    def lines(self) -> int:
        return self._lines

    @property
    def memory_bytes(self) -> int:
        """The memory of the hosts, with what is taken in advance."""
        return self._hosts.memory_bytes + self._counts.nbytes

    @property
    def room(self) -> int:
        """How many more lines the crawl may have, on any hosts."""
        return max(0, self._max_pages - self._lines)

    def rooms(self, hosts: Iterable[int]) -> dict[int, int]:
        """How many more lines each of these different hosts may have, regardless of `room`."""
        wanted = list(hosts)
        places = self._hosts.numbers_of(_as_keys(wanted)).astype(np.intp)
        # The place of an unknown host is 0, which reads the last count: it is not used.
        counts = self._counts[places - 1] if len(self._counts) else np.zeros_like(places)
        taken = np.where(places > 0, counts, 0)
        left = np.maximum(self._max_per_host - taken.astype(np.int64), 0).tolist()
        rooms: dict[int, int] = dict(zip(wanted, left, strict=True))
        if NO_HOST in rooms:
            rooms[NO_HOST] = MAX_LINES
        return rooms

    def count(self, hosts: HostNumbers) -> None:
        """Count lines, given the host of each."""
        self._lines += len(hosts)
        if len(hosts) and (hosts == hosts[0]).all():  # as nearly always; it need not be sorted
            numbers, counts = hosts[:1], np.array([len(hosts)])
        else:
            numbers, counts = np.unique(hosts, return_counts=True)
        places = self._hosts.numbers_of(numbers.reshape(-1, 1))
        known = places > 0
        self._counts[places[known] - 1] += counts[known].astype(np.uint32)
        self._add(numbers[~known], counts[~known])

    def _add(self, hosts: HostNumbers, counts: npt.NDArray[np.int64]) -> None:
        before = len(self._hosts)
        self._hosts.add(hosts.reshape(-1, 1))
        end = len(self._hosts)
        if end > len(self._counts):
            # In place, by realloc, so that no copy doubles the memory.
            self._counts.resize(end + end // _MORE_ROOM, refcheck=False)
        self._counts[before:end] = counts


def _as_keys(hosts: list[int]) -> HostNumbers:
    return np.array(hosts, dtype=np.uint64).reshape(-1, 1)
