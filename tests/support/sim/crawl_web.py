"""A small random web, and the log that a crawl of it must have."""

from __future__ import annotations

import random
from collections.abc import Iterable
from typing import Final, NamedTuple

from fetcher.frontier.links import SAME_DEPTH, Link
from fetcher.frontier.rules import CrawlRules

_VIAS: Final = ("a", "a", "a", "area", "redirect")


class Right(NamedTuple):
    """A line as it must be in the log."""

    url: str
    depth: int


class Web:
    """Pages on a few hosts; each has links to pages, some of them twice, some out of scope."""

    def __init__(self, dice: random.Random) -> None:
        hosts = dice.randint(1, 4)
        count = dice.randint(1, 45)
        self.urls = [f"http://h{dice.randrange(hosts)}.test/{n}" for n in range(count)]
        self.seeds = [dice.choice(self.urls) for _ in range(dice.randint(1, 5))]
        self.links = {url: self._links(dice) for url in self.urls}

    def _links(self, dice: random.Random) -> tuple[Link, ...]:
        found: dict[str, Link] = {}
        for _ in range(dice.choice((0, 1, 3, 8))):
            url = dice.choice(self.urls)
            if dice.random() < 0.1:
                url = f"http://elsewhere.test/{dice.randrange(3)}"
            found.setdefault(url, Link(url, dice.choice(_VIAS)))
        return tuple(found.values())

    @property
    def most_lines(self) -> int:
        """More lines than any crawl of it has."""
        return len(self.urls) + len(self.seeds) + 3

    def is_in_scope(self, url: str) -> bool:
        """Whether a link leads to the host of a seed."""
        return _host(url) in {_host(seed) for seed in self.seeds}

    def reachable(self, crashed: Iterable[str]) -> set[str]:
        """All URLs that a crawl finds; the pages of crashed lines have brought no links."""
        found: set[str] = set()
        ahead = list(self.seeds)
        lost = set(crashed)
        while ahead:
            url = ahead.pop()
            if url in found:
                continue
            found.add(url)
            if url not in lost:
                ahead += self._followed(url)
        return found

    def _followed(self, url: str) -> list[str]:
        return [link.url for link in self.links.get(url, ()) if self.is_in_scope(link.url)]

    def by_levels(self, crashed: Iterable[str]) -> list[Right]:
        """The log of a crawl by levels, line by line."""
        lost = set(crashed)
        log = [Right(url, 0) for url in dict.fromkeys(self.seeds)]
        begins, judged = 0, 0
        while True:
            grown = self._step(log, log[judged:], lost, is_same_depth=True)
            if grown:
                judged, log = len(log), log + grown
                continue
            grown = self._step(log, log[begins:], lost, is_same_depth=False)
            if not grown:
                return log
            begins = judged = len(log)
            log = log + grown

    def _step(
        self, log: list[Right], finders: list[Right], lost: set[str], *, is_same_depth: bool
    ) -> list[Right]:
        known = {each.url for each in log}
        grown: dict[str, Right] = {}
        for finder in finders:
            for link in self.links.get(finder.url, ()) if finder.url not in lost else ():
                if (link.via in SAME_DEPTH) != is_same_depth or not self.is_in_scope(link.url):
                    continue
                if link.url not in known:
                    depth = finder.depth + (not is_same_depth)
                    grown.setdefault(link.url, Right(link.url, depth))
        return list(grown.values())


def rules_of(dice: random.Random, *, has_budgets: bool, by_levels: bool) -> CrawlRules:
    """Random rules."""
    return CrawlRules(
        scope="host",
        order="levels" if by_levels else "log",
        keep_links=dice.random() < 0.8,
        max_pages=dice.randint(1, 30) if has_budgets else 10_000,
        max_pages_per_host=dice.randint(1, 15) if has_budgets else 10_000,
        depth=dice.randint(0, 4) if has_budgets else 1000,
    )


def _host(url: str) -> str:
    return url.split("/")[2]
