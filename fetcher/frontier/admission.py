"""Decides which links become lines of the log: `Frontier`, for the sink and for verify.

Deterministic: the same seeds and rows, in the same order, give the same log. A link is judged in
this order: its key is in the log (an edge, nothing else); URL and scope; traps; depth; the host's
budget; the budget of all pages. What is admitted counts from then on: the caller commits it, or
stops. The links of all rows of a call are judged together, and then admitted in their order.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Final

import numpy as np
from msgspec.structs import replace

from fetcher.frontier.admitted import RECORD_BYTES, Admitted, Edge, RowLinks
from fetcher.frontier.asked_links import AskedLinks
from fetcher.frontier.budgets import Budgets
from fetcher.frontier.judge import Judge, Verdict
from fetcher.frontier.key_table import KeyTable, Numbers
from fetcher.frontier.keys import (
    HostNumbers,
    as_keys,
    digests_of,
    host_numbers,
    with_schemes,
    without_schemes,
)
from fetcher.frontier.link_batch import LinkBatch, admitted_without_budgets, chosen
from fetcher.frontier.link_table import LinkTable
from fetcher.frontier.links import (
    FROM_SITEMAPS,
    LINKS_PER_SITEMAP,
    SAME_DEPTH,
    Link,
    encoded,
    packed_kinds,
)
from fetcher.frontier.rules import CrawlRules
from fetcher.frontier.scope import ScopeRules
from fetcher.frontier.totals import Refusal

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
        keys = digests_of(encoded(texts), self._seed)
        _, unknown = self._looked_up(keys)
        batch = LinkBatch(LinkTable.of(links).chosen(unknown), chosen(keys, unknown))
        batch.verdicts = numbers[unknown].tolist()
        batch.origins = chosen(origins, unknown)
        self._admit(batch)
        new = batch.links.chosen(batch.new)
        self._scope.add_hosts(numbers[[unknown[at] for at in batch.new]])
        self._scope.add_homes(_origins(batch.records))
        self._scope.add_urls(new.texts())
        self._judge.forget_hosts()
        edges: list[Edge] = [(Refusal.DUPLICATE, link.url, link.via) for link in links]
        admitted_at = set(batch.new)
        for at, (place, edge) in enumerate(zip(unknown, batch.edges, strict=True)):
            if at in admitted_at or not isinstance(edge, int):
                edges[place] = edge
        kinds = packed_kinds([link.via for link in links])
        foreign = [False] * len(new)
        return Admitted(
            _SEEDS,
            links=len(links),
            to=edges,
            kinds=kinds,
            unknown=len(links),
            first_line=batch.first_line,
            new=new,
            records=batch.records,
            foreign=foreign,
        )

    def offer(self, links: Sequence[Link], found_on: int, depth: int, hops: int = 0) -> Admitted:
        """Judge the links of one row, of a line with this depth and these hops."""
        return self.offer_rows([RowLinks(found_on, depth, tuple(links), hops)])[0]

    def offer_rows(self, rows: Sequence[RowLinks]) -> list[Admitted]:
        """Judge the links of several rows, as one row after the other, but faster."""
        asked = self._asked(rows)
        if asked.most > self._rules.links_per_page:
            rows = [self._within_limit(row) for row in rows]
            asked = self._asked(rows)
        lines, unknown = self._looked_up((asked.keys,))
        if not unknown:  # as of most pages of a site that is known
            return asked.known(rows, lines)
        links, starts = asked.links(unknown)
        batch = LinkBatch(links, asked.keys_of(unknown))
        self._judge_links(batch)
        for row, (start, end) in zip(rows, pairwise(starts), strict=True):
            self._stop_at_depth(row, start, end, batch)
        self._admit(batch)
        batch.foreign = self._scope.are_foreign(_origins(batch.records))
        return asked.admitted(rows, lines, unknown, batch, starts)

    def _asked(self, rows: Sequence[RowLinks]) -> AskedLinks:
        return AskedLinks([LinkTable.of(row.links) for row in rows], self._text_of, self._seed)

    def _text_of(self, link: Link) -> str:
        return self._judge.text_of(link) or link.url

    def _within_limit(self, row: RowLinks) -> RowLinks:
        """Leave out the links beyond the limits of a row; only a faulty worker sends more."""
        room = {False: self._rules.links_per_page, True: LINKS_PER_SITEMAP}
        kept = []
        for link in row.links:
            is_listed = link.via in FROM_SITEMAPS
            if room[is_listed]:
                room[is_listed] -= 1
                kept.append(link)
        surplus = len(row.links) - len(kept) + row.left_out.get(Refusal.LINKS_PER_PAGE, 0)
        left_out = row.left_out | {Refusal.LINKS_PER_PAGE: surplus} if surplus else row.left_out
        return replace(row, links=kept, left_out=left_out)

    def _looked_up(self, keys: Iterable[bytes]) -> tuple[Numbers, list[int]]:
        """The line of each of these keys or 0, and the indices of those without one."""
        lines = self._seen.numbers_of(as_keys(keys))
        return lines, (lines == 0).nonzero()[0].tolist()

    def _judge_links(self, batch: LinkBatch) -> None:
        """Find the verdicts, and correct key texts that workers sent wrong."""
        judged = self._judge.judge(batch.links, batch.urls)
        batch.verdicts, batch.origins = judged.verdicts, judged.origins
        if judged.texts:
            keys = digests_of(encoded(judged.texts.values()), self._seed)
            lines, _ = self._looked_up(keys)
            for at, key, line in zip(judged.texts, keys, lines.tolist(), strict=True):
                batch.keys[at], batch.edges[at] = key, line
            batch.is_corrected = True

    def _stop_at_depth(self, row: RowLinks, start: int, end: int, batch: LinkBatch) -> None:
        """Refuse those links of a row that go further than its depth and its hops allow."""
        is_at_depth, is_at_hops = row.depth >= self._rules.depth, row.hops >= MAX_HOPS
        if not (is_at_depth or is_at_hops):
            return
        verdicts = batch.verdicts
        for at in range(start, end):
            is_same_depth = batch.vias[at] in SAME_DEPTH
            if isinstance(verdicts[at], int) and (is_at_hops if is_same_depth else is_at_depth):
                verdicts[at] = Refusal.HOPS if is_same_depth else Refusal.DEPTH

    def _admit(self, batch: LinkBatch) -> None:
        """Decide about the links, by verdicts and budgets, in their order."""
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
            batch.new = list(taken)
            hosts = _as_numbers(chosen(batch.verdicts, taken))
            batch.records = self._keep(lines, hosts, batch, chosen(batch.origins, taken))

    def _admitted_within(
        self, rooms: dict[int, int], batch: LinkBatch
    ) -> tuple[Sequence[int], dict[bytes, int]]:
        """The same, one link after the other, where budgets may not be enough for all."""
        room, line, edges = self._budgets.room, len(self), batch.edges
        lines: dict[bytes, int] = {}
        taken: list[int] = []
        for at, (key, verdict) in enumerate(zip(batch.keys, batch.verdicts, strict=True)):
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
                taken.append(at)
                continue
            edges[at] = refusal, batch.urls[at], batch.vias[at]
        return taken, lines

    def _keep(
        self, keys: Iterable[bytes], hosts: HostNumbers, batch: LinkBatch, origins: Sequence[str]
    ) -> bytes:
        """Record these keys and hosts for the next lines; return their records."""
        urls = (batch.urls[at] for at in batch.new)
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
