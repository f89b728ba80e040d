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
from itertools import accumulate, chain, pairwise
from typing import Final

import numpy as np

from fetcher.frontier.admitted import RECORD_BYTES, Admitted, RowLinks
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
from fetcher.frontier.link_batch import (
    LinkBatch,
    admitted_without_budgets,
    answers_to,
    chosen,
)
from fetcher.frontier.links import FROM_SITEMAPS, LINKS_PER_SITEMAP, SAME_DEPTH, Link
from fetcher.frontier.rules import CrawlRules
from fetcher.frontier.scope import ScopeRules
from fetcher.frontier.totals import CrawlTotals, Refusal

MAX_HOPS: Final = 10  # redirects and assets of assets in a row, at one depth
_SEEDS: Final = RowLinks(0, 0, ())  # the row of seeds


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
        return answers_to([_SEEDS], [0, len(links)], batch)[0]

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
        answers = answers_to(rows, starts, batch)
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

    def _looked_up(self, links: Sequence[Link], texts: list[str]) -> LinkBatch:
        """Links with these key texts, and the lines that they lead to."""
        keys = digests_of(texts, self._seed)
        lines = self._seen.numbers_of(as_keys(keys))
        return LinkBatch(links, keys, lines.tolist(), (lines == 0).nonzero()[0].tolist())

    def _judge_asked(self, batch: LinkBatch) -> None:
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

    def _stop_at_depth(self, row: RowLinks, start: int, end: int, batch: LinkBatch) -> None:
        """Refuse those links of a row that go further than its depth and its hops allow."""
        is_at_depth, is_at_hops = row.depth >= self._rules.depth, row.hops >= MAX_HOPS
        if not (is_at_depth or is_at_hops):
            return
        asked, verdicts = batch.asked, batch.verdicts
        for index in range(bisect_left(asked, start), bisect_left(asked, end)):
            is_same_depth = batch.links[asked[index]].via in SAME_DEPTH
            if isinstance(verdicts[index], int) and (is_at_hops if is_same_depth else is_at_depth):
                verdicts[index] = Refusal.HOPS if is_same_depth else Refusal.DEPTH

    def _admit(self, batch: LinkBatch) -> None:
        """Decide about the links in `asked`, by verdicts and budgets, in their order."""
        counts = Counter(
            {host: count for host, count in Counter(batch.verdicts).items() if type(host) is int}
        )
        rooms = self._budgets.rooms(counts)
        batch.first_line = len(self) + 1
        is_room = counts.total() <= self._budgets.room and all(
            count <= rooms[host] for host, count in counts.items()
        )
        # A link whose key text was corrected may lead to a line.
        if is_room and not batch.is_corrected:
            taken, lines = admitted_without_budgets(
                batch, all_may_be=counts.total() == len(batch.verdicts)
            )
        else:
            taken, lines = self._admitted_within(rooms, batch)
        if taken:
            batch.new = chosen(batch.asked, taken)
            hosts = _as_numbers(chosen(batch.verdicts, taken))
            batch.records = self._keep(lines, hosts, batch, chosen(batch.origins, taken))

    def _admitted_within(
        self, rooms: dict[int, int], batch: LinkBatch
    ) -> tuple[Sequence[int], dict[bytes, int]]:
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
        self, keys: Iterable[bytes], hosts: HostNumbers, batch: LinkBatch, origins: Sequence[str]
    ) -> bytes:
        """Record these keys and hosts for the next lines; return their records."""
        urls = (batch.links[at].url for at in batch.new)
        table = np.empty((len(hosts), RECORD_BYTES // 8), dtype="<u8")
        table[:, :2], table[:, 2] = as_keys(keys), with_schemes(hosts, urls, origins)
        self._seen.add(table[:, :2])
        self._budgets.count(hosts)
        return table.tobytes()


def _as_numbers(hosts: list[Verdict]) -> HostNumbers:
    """The same numbers of hosts, of which there is one at least."""
    if hosts.count(hosts[0]) == len(hosts):  # as of the links of most pages
        return np.full(len(hosts), hosts[0], dtype=np.uint64)
    return np.array(hosts, dtype=np.uint64)


def _origins(records: bytes) -> HostNumbers:
    """The numbers of the origins in records for the keys' file."""
    return np.frombuffer(records, dtype="<u8").reshape(-1, RECORD_BYTES // 8)[:, 2]


def _count_left_out(row: RowLinks, surplus: int, totals: CrawlTotals) -> None:
    """Count the links that are not among those that were judged."""
    totals.links += surplus + sum(row.left_out.values())
    totals.refuse(Refusal.LINKS_PER_PAGE, surplus)
    for reason, count in row.left_out.items():
        totals.refuse(reason, count)
