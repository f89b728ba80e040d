"""Decides which links become lines of the log: `Frontier`, the one judge of the sink and of verify.

Deterministic: the same seeds and rows, in the same order, give the same log. A link is judged in
this order: its key is in the log (an edge, nothing else); URL and scope; traps; depth; the host's
budget; the budget of all pages. What is admitted counts from then on: the caller commits it, or
stops.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Final, NamedTuple

import msgspec
import numpy as np

from fetcher import web_urls
from fetcher.frontier.budgets import Budgets
from fetcher.frontier.keys import KEY_BYTES, KeyTexts, as_keys, digests_of, host_number
from fetcher.frontier.links import FROM_SITEMAPS, LINKS_PER_SITEMAP, SAME_DEPTH, Link, LinkRequest
from fetcher.frontier.rules import CrawlRules
from fetcher.frontier.scope import ScopeRules
from fetcher.frontier.seen import SeenSet
from fetcher.frontier.totals import Refusal, Totals
from fetcher.frontier.traps import is_too_long, trap

RECORD_BYTES: Final = KEY_BYTES + 8  # of a line in the keys' file: its key, its host's number
MAX_HOPS: Final = 10  # redirects and assets of assets in a row, at one depth
_PLAIN_REQUEST: Final = LinkRequest()

Edge = int | tuple[Refusal, str]  # the line, or why there is none, and the URL


class NewLine(NamedTuple):
    """A line that the log gets."""

    line: int
    link: Link
    found_on: int  # the finder's line; 0: a seed
    depth: int
    hops: int  # steps at this depth since the last ordinary link
    host: str  # in the form of Target.key; "" for a seed that is not a URL
    record: bytes  # for the keys' file, RECORD_BYTES
    is_foreign: bool  # on a host that is not a seed's; see scope


class Admitted(NamedTuple):
    """What became of the links of one row, in their order."""

    lines: list[NewLine]
    edges: list[Edge]
    totals: Totals


class RowLinks(msgspec.Struct, frozen=True, array_like=True):
    """The links of one row."""

    line: int
    depth: int
    links: tuple[Link, ...]
    hops: int = 0
    left_out: dict[Refusal, int] = {}  # links that the worker counted, but did not send


_NO_ROW: Final = RowLinks(0, 0, ())  # the finder of a seed
_LookedUp = tuple[Link, bytes, int]  # a link, its key, and its line or 0


class Frontier:
    """The state of a crawl's log: keys, budgets and seeds. A restart begins with `recover`."""

    def __init__(self, rules: CrawlRules, seed: int) -> None:
        self._rules = rules
        self._seed = seed
        self._texts = KeyTexts(rules)
        self._scope = ScopeRules(rules)
        self._seen = SeenSet()
        self._budgets = Budgets(rules)
        self._new: dict[bytes, int] = {}  # keys of the running call, in the order of their lines

    def __len__(self) -> int:
        """The lines of the log."""
        return self._budgets.lines

    @property
    def memory_bytes(self) -> int:
        """The memory of the keys."""
        return self._seen.memory_bytes

    def expect(self, lines: int) -> None:
        """Make room for so many lines, before `recover`: that is faster than to grow."""
        self._seen.expect(lines)

    def recover(self, records: bytes) -> None:
        """Take the next records of the keys' file, in its order: before anything is offered."""
        table = np.frombuffer(records, dtype="<u8").reshape(-1, RECORD_BYTES // 8)
        self._seen.add(table[:, :2])
        self._budgets.recover(table[:, 2])

    def recover_seeds(self, urls: Iterable[str]) -> None:
        """Know the seeds that are in the log already; together with `recover`."""
        for url in urls:
            self._scope.add_seed(url)

    def seeds(self, links: Sequence[Link]) -> Admitted:
        """Take seeds: each key once, within the budgets; scope and traps do not hold for them.

        A seed that is not a URL becomes a line, too, and its row says what is wrong with it. Links
        are in scope if they are near any seed, so that all seeds come before the first row.
        """
        admitted = Admitted([], [], Totals(links=len(links)))
        texts = [self._key_text(link) or f"invalid {link.url}" for link in links]
        for link, key, line in self._looked_up(links, texts):
            if line or key in self._new:
                admitted.edges.append((Refusal.DUPLICATE, link.url))
                continue
            host = web_urls.host_of(link.url)
            edge = self._within_budgets(_NO_ROW, link, key, host, admitted.lines, is_foreign=False)
            admitted.edges.append(edge)
            if isinstance(edge, int):
                self._scope.add_seed(link.url)
        self._keep_new()
        _count(admitted)
        return admitted

    def offer(self, links: Sequence[Link], found_on: int, depth: int, hops: int = 0) -> Admitted:
        """Judge the links of one row, of a line with this depth and these hops."""
        return self.offer_rows([RowLinks(found_on, depth, tuple(links), hops)])[0]

    def offer_rows(self, rows: Sequence[RowLinks]) -> list[Admitted]:
        """Judge the links of several rows, as one row after the other, but faster."""
        taken = [self._within_limit(row.links) for row in rows]
        links = [link for some in taken for link in some]
        # The key text of a request is not its URL; else a POST would be taken for its URL's page.
        texts = [
            link.key or (link.url if link.request is None else self._key_text(link) or link.url)
            for link in links
        ]
        looked_up = self._looked_up(links, texts)
        answers = [
            self._row(row, islice(looked_up, len(some)), len(row.links) - len(some))
            for row, some in zip(rows, taken, strict=True)
        ]
        self._keep_new()
        return answers

    def _within_limit(self, links: tuple[Link, ...]) -> tuple[Link, ...]:
        """Without what a row has too much of; a worker that keeps the rules sends no such row."""
        room = {False: self._rules.links_per_page, True: LINKS_PER_SITEMAP}
        if len(links) <= room[False]:
            return links
        kept = []
        for link in links:
            is_listed = link.via in FROM_SITEMAPS
            if room[is_listed]:
                room[is_listed] -= 1
                kept.append(link)
        return tuple(kept)

    def _looked_up(self, links: Sequence[Link], texts: list[str]) -> Iterator[_LookedUp]:
        keys = digests_of(texts, self._seed)
        lines: list[int] = self._seen.lines_of(as_keys(keys)).tolist()
        return zip(links, keys, lines, strict=True)

    def _row(self, row: RowLinks, looked_up: Iterator[_LookedUp], surplus: int) -> Admitted:
        found = len(row.links) + sum(row.left_out.values())
        admitted = Admitted([], [], Totals(links=found))
        admitted.totals.refuse(Refusal.LINKS_PER_PAGE, surplus)
        for reason, count in row.left_out.items():
            admitted.totals.refuse(reason, count)
        edges, new = admitted.edges, self._new
        for link, key, known in looked_up:
            line = known or new.get(key)
            edges.append(line or self._judged(row, link, key, admitted.lines))
        _count(admitted)
        return admitted

    def _judged(self, row: RowLinks, link: Link, told: bytes, lines: list[NewLine]) -> Edge:
        """The edge of a link whose key, as its worker told it, is unknown."""
        text = self._key_text(link)
        if text is None:
            return Refusal.INVALID, link.url
        key = told
        if text != (link.key or link.url):
            key = digests_of((text,), self._seed)[0]
            line = self._new.get(key) or int(self._seen.lines_of(as_keys((key,)))[0])
            if line:
                return line
        url = text.partition(" ")[0] if link.request is None else self._texts.of(link.url) or ""
        host = web_urls.host_of_written(url)
        reason = self._refusal(row, link, url, host)
        if reason is not None:
            return reason, link.url
        is_foreign = self._scope.is_foreign(url, host)
        return self._within_budgets(row, link, key, host, lines, is_foreign=is_foreign)

    def _key_text(self, link: Link) -> str | None:
        request = link.request or _PLAIN_REQUEST
        return self._texts.of(link.url, request.method, request.body)

    def _refusal(self, row: RowLinks, link: Link, url: str, host: str) -> Refusal | None:
        """Why the rules refuse this link; `url` is its URL in the standard's form."""
        if is_too_long(url, self._rules):
            return Refusal.URL_BYTES
        reason = self._scope.refusal(url, host, link.via)
        reason = reason or trap(url, self._rules)
        if reason is not None:
            return reason
        if link.via in SAME_DEPTH:
            return Refusal.HOPS if row.hops >= MAX_HOPS else None
        return Refusal.DEPTH if row.depth >= self._rules.depth else None

    def _within_budgets(
        self,
        row: RowLinks,
        link: Link,
        key: bytes,
        host: str,
        lines: list[NewLine],
        *,
        is_foreign: bool,
    ) -> Edge:
        number = host_number(host, self._seed)
        reason = self._budgets.refusal(number)
        if reason is not None:
            return reason, link.url
        self._budgets.count(number)
        is_same_depth = not row.line or link.via in SAME_DEPTH
        depth = row.depth if is_same_depth else row.depth + 1
        hops = row.hops + 1 if row.line and is_same_depth else 0
        line = self._new[key] = self._budgets.lines
        record = key + number.to_bytes(8, "little")
        lines.append(NewLine(line, link, row.line, depth, hops, host, record, is_foreign))
        return line

    def _keep_new(self) -> None:
        if self._new:
            self._seen.add(as_keys(self._new))
            self._new = {}


def _count(admitted: Admitted) -> None:
    """Count all edges and lines at once: that is faster than one after the other."""
    for reason, count in Counter(edge[0] for edge in admitted.edges if type(edge) is tuple).items():
        admitted.totals.refuse(reason, count)
    for depth, count in Counter(line.depth for line in admitted.lines).items():
        admitted.totals.count_lines(depth, count)
