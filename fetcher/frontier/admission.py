"""Decides which links become lines of the log: `Frontier`, for the sink and for verify.

Deterministic: the same seeds and rows, in the same order, give the same log. A link is judged in
this order: its key is in the log (an edge, nothing else); URL and scope; traps; depth; the host's
budget; the budget of all pages. What is admitted counts from then on: the caller commits it, or
stops. The links of all rows of a call are judged together, and then admitted in their order.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import accumulate, chain, pairwise
from typing import Final

import numpy as np

from fetcher.frontier.admitted import RECORD_BYTES, Admitted, Edge, RowLinks, admitted
from fetcher.frontier.budgets import Budgets
from fetcher.frontier.judge import Judge, Verdict
from fetcher.frontier.key_table import KeyTable
from fetcher.frontier.keys import (
    HostNumbers,
    as_keys,
    digests_of,
    host_numbers,
    with_schemes,
    without_schemes,
)
from fetcher.frontier.links import FROM_SITEMAPS, LINKS_PER_SITEMAP, SAME_DEPTH, Link, packed_kinds
from fetcher.frontier.rules import CrawlRules
from fetcher.frontier.scope import ScopeRules
from fetcher.frontier.totals import Refusal, Totals

MAX_HOPS: Final = 10  # redirects and assets of assets in a row, at one depth
_SEEDS: Final = RowLinks(0, 0, ())  # the row of seeds


@dataclass(slots=True)
class _Batch:
    """The links of one call, and what is known about each, by its index."""

    links: Sequence[Link]
    keys: list[bytes]
    edges: list[Edge]  # 0: not decided yet
    asked: list[int]  # the links that lead to no line yet, in ascending order
    verdicts: list[Verdict] = field(default_factory=list)  # on the links in `asked`
    origins: list[str] = field(default_factory=list)  # of these, by web_urls.plain_origins
    is_corrected: bool = False  # whether links in `asked` may lead to a line after all
    new: list[int] = field(default_factory=list)  # the links that became lines
    first_line: int = 0  # of these
    records: bytes = b""  # of these
    foreign: list[bool] = field(default_factory=list)  # whether each of these is


class Frontier:
    """The state of a crawl's log: keys, budgets and seeds. A restart begins with `recover`."""

    def __init__(self, rules: CrawlRules, seed: int) -> None:
        self._rules = rules
        self._seed = seed
        self._scope = ScopeRules(rules, seed)
        self._judge = Judge(rules, seed, self._scope)
        self._seen = KeyTable(2)  # the key of line n is number n
        self._budgets = Budgets(rules)

    def __len__(self) -> int:
        """The lines of the log."""
        return len(self._seen)

    @property
    def memory_bytes(self) -> int:
        """The memory of the keys."""
        return self._seen.memory_bytes

    # -- at start ------------------------------------------------------------------------------

    def expect(self, lines: int) -> None:
        """Make room for `lines` lines, before `recover`: that is faster than to grow."""
        self._seen.expect(lines)

    def recover(self, records: bytes, seeds: int) -> None:
        """Take the next records of the keys' file, in its order: before anything is offered.

        `seeds`: how many of them, from the first one on, are of seeds.
        """
        table = np.frombuffer(records, dtype="<u8").reshape(-1, RECORD_BYTES // 8)
        self._seen.add(table[:, :2])
        hosts = without_schemes(table[:, 2])
        self._budgets.count(hosts)
        self._scope.add_hosts(hosts[:seeds])
        self._scope.add_homes(table[:seeds, 2])

    @property
    def needs_seeds(self) -> bool:
        """Whether `recover` is not enough, and `recover_seeds` is needed, too."""
        return self._scope.needs_urls

    def recover_seeds(self, urls: Iterable[str]) -> None:
        """Take the seeds that are in the log already."""
        self._scope.add_urls(urls)

    # -- seeds and links -----------------------------------------------------------------------

    def seeds(self, links: Sequence[Link]) -> Admitted:
        """Take seeds: each key once, within the budgets; scope and traps do not hold for them.

        A seed that is not a URL becomes a line, too, and its row says what is wrong with it. Links
        are in scope if they are near any seed, so that all seeds come before the first row.
        """
        texts, hosts, origins = self._judge.seeds(links)
        numbers = host_numbers(hosts, self._seed)
        batch = self._looked_up(links, texts)
        batch.verdicts = numbers[batch.asked].tolist()
        batch.origins = [origins[at] for at in batch.asked]
        self._admit(batch)
        self._scope.add_hosts(numbers[batch.new])
        self._scope.add_homes(_origins(batch.records))
        self._scope.add_urls(links[at].url for at in batch.new)
        self._judge.forget_hosts()
        new = set(batch.new)
        for at, edge in enumerate(batch.edges):
            if isinstance(edge, int) and at not in new:
                batch.edges[at] = Refusal.DUPLICATE, links[at].url, links[at].via
        batch.foreign = [False] * len(batch.new)
        return _answers([_SEEDS], [0, len(links)], batch)[0]

    def offer(self, links: Sequence[Link], found_on: int, depth: int, hops: int = 0) -> Admitted:
        """Judge the links of one row, of a line with this depth and these hops."""
        return self.offer_rows([RowLinks(found_on, depth, tuple(links), hops)])[0]

    def offer_rows(self, rows: Sequence[RowLinks]) -> list[Admitted]:
        """Judge the links of several rows, as one row after the other, but faster."""
        taken = [self._within_limit(row.links) for row in rows]
        links = list(chain.from_iterable(taken))
        starts = list(accumulate(map(len, taken), initial=0))
        # The key text of a request is not its URL; else a POST would be taken for its URL's page.
        texts = [
            link.key or (link.url if link.request is None else self._text_of(link))
            for link in links
        ]
        batch = self._looked_up(links, texts)
        if batch.asked:
            self._judge_asked(batch)
            for row, (start, end) in zip(rows, pairwise(starts), strict=True):
                self._stop_at_depth(row, start, end, batch)
            self._admit(batch)
            batch.foreign = self._scope.are_foreign(_origins(batch.records))
        answers = _answers(rows, starts, batch)
        for row, some, answer in zip(rows, taken, answers, strict=True):
            _count_left_out(row, len(row.links) - len(some), answer.totals)
        return answers

    def _text_of(self, link: Link) -> str:
        return self._judge.text_of(link) or link.url

    def _within_limit(self, links: tuple[Link, ...]) -> tuple[Link, ...]:
        """Return the links up to the limits of a row; only a faulty worker sends more."""
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

    def _looked_up(self, links: Sequence[Link], texts: list[str]) -> _Batch:
        """Links with these key texts, and the lines that they lead to."""
        keys = digests_of(texts, self._seed)
        edges: list[Edge] = self._seen.numbers_of(as_keys(keys)).tolist()
        return _Batch(links, keys, edges, [at for at, line in enumerate(edges) if not line])

    def _judge_asked(self, batch: _Batch) -> None:
        """Find the verdicts, and correct key texts that workers sent wrong."""
        judged = self._judge.judge([batch.links[at] for at in batch.asked])
        batch.verdicts, batch.origins = judged.verdicts, judged.origins
        if judged.texts:
            keys = digests_of(judged.texts.values(), self._seed)
            lines: list[int] = self._seen.numbers_of(as_keys(keys)).tolist()
            for index, key, line in zip(judged.texts, keys, lines, strict=True):
                at = batch.asked[index]
                batch.keys[at], batch.edges[at] = key, line
            batch.is_corrected = True

    def _stop_at_depth(self, row: RowLinks, start: int, end: int, batch: _Batch) -> None:
        """Refuse those links of a row that go further than its depth and its hops allow."""
        is_at_depth, is_at_hops = row.depth >= self._rules.depth, row.hops >= MAX_HOPS
        if not (is_at_depth or is_at_hops):
            return
        asked, verdicts = batch.asked, batch.verdicts
        for index in range(bisect_left(asked, start), bisect_left(asked, end)):
            is_same_depth = batch.links[asked[index]].via in SAME_DEPTH
            if isinstance(verdicts[index], int) and (is_at_hops if is_same_depth else is_at_depth):
                verdicts[index] = Refusal.HOPS if is_same_depth else Refusal.DEPTH

    def _admit(self, batch: _Batch) -> None:
        """Decide about the links in `asked`, by verdicts and budgets, in their order."""
        counts = Counter([each for each in batch.verdicts if type(each) is int])
        rooms = self._budgets.rooms(counts)
        batch.first_line = len(self) + 1
        is_room = counts.total() <= self._budgets.room and all(
            count <= rooms[host] for host, count in counts.items()
        )
        # A link whose key text was corrected may lead to a line.
        if is_room and not batch.is_corrected:
            taken, lines = _admitted_without_budgets(batch)
        else:
            taken, lines = self._admitted_within(rooms, batch)
        if taken:
            batch.new = [batch.asked[index] for index in taken]
            hosts = np.array([batch.verdicts[index] for index in taken], dtype=np.uint64)
            origins = [batch.origins[index] for index in taken]
            batch.records = self._keep(lines, hosts, batch, origins)

    def _admitted_within(
        self, rooms: dict[int, int], batch: _Batch
    ) -> tuple[list[int], dict[bytes, int]]:
        """The same, one link after the other, where budgets may not be enough for all."""
        room, line, edges = self._budgets.room, len(self), batch.edges
        lines: dict[bytes, int] = {}
        taken: list[int] = []
        for index, (at, verdict) in enumerate(zip(batch.asked, batch.verdicts, strict=True)):
            key = batch.keys[at]
            known = edges[at] or lines.get(key)
            if known:
                edges[at] = known
                continue
            if not isinstance(verdict, int):
                refusal = verdict
            elif not rooms[verdict]:
                refusal = Refusal.PAGES_PER_HOST
            elif not room:
                refusal = Refusal.PAGES
            else:
                line, room = line + 1, room - 1
                rooms[verdict] -= 1
                edges[at] = lines[key] = line
                taken.append(index)
                continue
            edges[at] = refusal, batch.links[at].url, batch.links[at].via
        return taken, lines

    def _keep(
        self, keys: Iterable[bytes], hosts: HostNumbers, batch: _Batch, origins: Sequence[str]
    ) -> bytes:
        """Record these keys and hosts for the next lines; return their records."""
        urls = [batch.links[at].url for at in batch.new]
        table = np.empty((len(hosts), RECORD_BYTES // 8), dtype="<u8")
        table[:, :2], table[:, 2] = as_keys(keys), with_schemes(hosts, urls, origins)
        self._seen.add(table[:, :2])
        self._budgets.count(hosts)
        return table.tobytes()


def _admitted_without_budgets(batch: _Batch) -> tuple[list[int], dict[bytes, int]]:
    """Admit each key whose verdict allows it: the indices in `asked`, and the lines by key.

    None of the links may lead to a line already.
    """
    asked, verdicts, edges, links = batch.asked, batch.verdicts, batch.edges, batch.links
    keys = [batch.keys[at] for at in asked]
    taken = [index for index, verdict in enumerate(verdicts) if type(verdict) is int]
    places = {keys[index]: index for index in reversed(taken)}  # the first of each key
    if len(places) < len(taken):
        taken = [index for index in taken if places[keys[index]] == index]
    lines = {keys[index]: line for line, index in enumerate(taken, batch.first_line)}
    if len(taken) == len(asked):
        for at, line in zip(asked, lines.values(), strict=True):
            edges[at] = line
        return taken, lines
    if not taken:  # as of pages that lead to other sites alone
        for at, verdict in zip(asked, verdicts, strict=True):
            assert not isinstance(verdict, int)
            link = links[at]
            edges[at] = verdict, link.url, link.via
        return taken, lines
    for index, (at, verdict) in enumerate(zip(asked, verdicts, strict=True)):
        if type(verdict) is int or (lines and places.get(keys[index], index) < index):
            edges[at] = lines[keys[index]]
        else:
            assert not isinstance(verdict, int)
            link = links[at]
            edges[at] = verdict, link.url, link.via
    return taken, lines


def _origins(records: bytes) -> HostNumbers:
    """The numbers of the origins in records for the keys' file."""
    return np.frombuffer(records, dtype="<u8").reshape(-1, RECORD_BYTES // 8)[:, 2]


def _answers(rows: Sequence[RowLinks], starts: Sequence[int], batch: _Batch) -> list[Admitted]:
    """The decisions on the links of each row; `starts`: the index of each row's first link."""
    answers = []
    for row, (start, end) in zip(rows, pairwise(starts), strict=True):
        first, last = bisect_left(batch.new, start), bisect_left(batch.new, end)
        new = [batch.links[at] for at in batch.new[first:last]]
        records = batch.records[first * RECORD_BYTES : last * RECORD_BYTES]
        foreign, edges = batch.foreign[first:last], batch.edges[start:end]
        kinds = packed_kinds([link.via for link in batch.links[start:end]])
        line = batch.first_line + first
        answers.append(admitted(row, line, new, records, foreign, edges, kinds))
    return answers


def _count_left_out(row: RowLinks, surplus: int, totals: Totals) -> None:
    """Count the links that are not among those that were judged."""
    totals.links += surplus + sum(row.left_out.values())
    totals.refuse(Refusal.LINKS_PER_PAGE, surplus)
    for reason, count in row.left_out.items():
        totals.refuse(reason, count)
