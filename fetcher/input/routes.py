"""Decides which route each line of a job takes; only the workers of a route fetch its lines.

Pure. A line's own `route` decides, where it names a route; else the first route with a rule that
matches the line's URL; else `default`, which is always the first route. Two ventilators with
different rules may follow each other: a route says who fetches a line, never which row it has.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from fetcher import bitset, web_urls
from fetcher.model import Batch, Task
from fetcher.patterns import Patterns
from fetcher.settings.sections_routes import DEFAULT, HOST, URL

_MOST_UNKNOWN: Final = 20  # names that no route has, and that are kept to be reported
_RECENT: Final = 256  # batches whose masks are kept, as routes often read near each other


class Routing:
    """The routes of a job by number. `names`: `default` first; `count`: how many there are.

    `seen`: the lines of each route in all batches that were looked at. `unknown`: names of routes
    in lines that no route has: these lines go by their URL.
    """

    def __init__(
        self,
        rules: Sequence[tuple[str, Sequence[str]]],
        task_of: Callable[[int, bytes], Task],
    ) -> None:
        """`rules`: of each route but `default`: its name, and host:SUFFIX or url:EXPRESSION.

        Raises PatternError.
        """
        self.names = (DEFAULT, *(name for name, _ in rules))
        self.count = len(self.names)
        self.unknown: list[str] = []
        self.seen = [0] * self.count
        self._task_of = task_of
        self._numbers = {name: number for number, name in enumerate(self.names)}
        self._hosts: dict[str, int] = {}
        self._patterns: list[tuple[int, Patterns]] = []
        for number, (_, texts) in enumerate(rules, 1):
            self._add(number, texts)
        self._recent: dict[int, tuple[int, ...]] = {}  # masks by batch, the oldest first
        self._counted = bitset.IdSet()

    def _add(self, number: int, texts: Sequence[str]) -> None:
        for text in texts:
            if text.startswith(HOST):
                suffix = text.removeprefix(HOST).strip(".")
                # As URLs have it: names with other letters than ASCII are in their coded form.
                self._hosts.setdefault(web_urls.host_of(f"http://{suffix}/") or suffix, number)
        patterns = tuple(text.removeprefix(URL) for text in texts if text.startswith(URL))
        if patterns:
            self._patterns.append((number, Patterns(patterns)))

    # -- one line ----------------------------------------------------------------------------

    def of(self, url: str, named: str = "") -> int:
        """The route of a line with this URL; `named`: the route that the line itself names."""
        if named:
            known = self._numbers.get(named)
            if known is not None:
                return known
            if named not in self.unknown and len(self.unknown) < _MOST_UNKNOWN:
                self.unknown.append(named)
        found = self._by_host(url) if self._hosts else 0
        for number, patterns in self._patterns:
            if found and number > found:
                break
            if patterns.found_in(url):
                return number
        return found

    def _by_host(self, url: str) -> int:
        """The first route with a suffix of the URL's host; 0: there is none."""
        host = web_urls.host_of(url)
        if not host.startswith("["):
            host = host.partition(":")[0]
        found: set[int] = set()
        while host:
            found.add(self._hosts.get(host, self.count))
            host = host.partition(".")[2]
        first = min(found, default=self.count)
        return first if first < self.count else 0

    # -- a batch -----------------------------------------------------------------------------

    def masks(self, batch: Batch) -> tuple[int, ...]:
        """The lines of each route in a batch."""
        found = self._recent.get(batch.id)
        if found is None:
            found = self._recent[batch.id] = self._masks(batch)
            if len(self._recent) > _RECENT:
                del self._recent[next(iter(self._recent))]
        if batch.id not in self._counted:
            self._counted.add(batch.id)
            for route, mask in enumerate(found):
                self.seen[route] += mask.bit_count()
        return found

    def _masks(self, batch: Batch) -> tuple[int, ...]:
        masks = [0] * self.count
        if batch.mask:
            texts = batch.urls.split(b"\n")
            for offset, text in zip(bitset.offsets(batch.mask), texts, strict=True):
                task = self._task_of(batch.first_line + offset, text)
                masks[self.of(task.url, task.route)] |= 1 << offset
        return tuple(masks)
