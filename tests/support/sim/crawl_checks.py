"""What must be true of a simulated crawl besides what is true of any job."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, cast

import msgpack
from msgspec import UNSET

from fetcher import bitset
from fetcher.frontier.links import SAME_DEPTH
from fetcher.frontier.totals import Refusal
from fetcher.input import log_lines
from fetcher.input.log_lines import LogLine
from fetcher.leases.crawl_feed import CrawlFeed
from fetcher.leases.crawl_sessions import CrawlSessions
from fetcher.leases.sink_session import SinkSession
from fetcher.protocol import messages
from fetcher.store.crawl_links import RowLinks
from support.sim.checks import Checks, Known
from support.sim.crawl_disk import CrawlDisk
from support.sim.crawl_web import Right
from support.sim.disk import Violation

if TYPE_CHECKING:
    from support.sim.crawl_world import CrawlWorld
    from support.sim.ventilator import SimVentilator

_BUDGETS = {Refusal.PAGES, Refusal.PAGES_PER_HOST, Refusal.DEPTH, Refusal.HOPS}


class CrawlChecks(Checks):
    """Raise Violation."""

    @property
    def _crawl(self) -> CrawlWorld:
        return cast("CrawlWorld", self._world)

    @property
    def _crawl_disk(self) -> CrawlDisk:
        return cast("CrawlDisk", self._world.disks[0])

    def _log(self) -> list[LogLine]:
        return [log_lines.decode(text) for text in self._crawl_disk.log_lines()]

    def disk(self, index: int) -> None:
        """Rows are of lines of the log."""
        self._read_log()
        super().disk(index)

    def _read_log(self) -> None:
        lines = len(self._crawl_disk.log_lines())
        self._world.share_lines[0] = set(range(1, lines + 1))

    # -- while it runs -----------------------------------------------------------------------

    def _suspected(self, index: int, suspects: list[messages.Suspect]) -> None:
        self._read_log()
        super()._suspected(index, suspects)

    def _answered_what(self, index: int, answer: messages.AnyMessage) -> None:
        super()._answered_what(index, answer)
        told = getattr(answer, "crawl", UNSET)
        if told is not UNSET and told.lines > self._durable_lines():
            raise Violation("lines are told that are not durable")
        if told is not UNSET and told.seeds > self._crawl_disk.record.seeds:
            raise Violation("seeds are confirmed that are not durable")

    def _durable_lines(self) -> int:
        disk = self._crawl_disk
        if disk.journal_synced < len(disk.journal) or disk.log.synced < disk.lengths.log:
            return 0
        return disk.record.lines

    def handed_out_text(self, line: int, text: bytes) -> None:
        """A line is handed out as it is in the log, once it is durable."""
        log = self._crawl_disk.log_lines()
        if line > len(log) or log[line - 1] != text:
            raise Violation(f"line {line} is handed out, and it is not in the log so")

    def heard(
        self,
        ventilator: SimVentilator,
        one: SinkSession,
        request: messages.AnyMessage,
        answered: Known,
    ) -> None:
        """What the ventilator believes to be committed is; what is committed, it knows."""
        feed = _feed_of(ventilator)
        for batch in self._world.batches:
            known = max(min(feed.next_line - batch.first_line, len(bin(batch.mask)) - 2), 0)
            lines = (1 << known) - 1
            left = feed._open.get(batch.id, 0)
            if left & answered.of(batch):
                raise Violation(f"committed, and not believed: lines of batch {batch.id}")
            if lines & ~left & ~answered.of(batch):
                raise Violation(f"believed, and not committed: lines of batch {batch.id}")
            if ventilator.ledger.remaining(batch.id) & ~left:
                raise Violation(f"leased, and committed: lines of batch {batch.id}")
        is_told = isinstance(request, messages.Poll) and request.suspects is not None
        if is_told and one._unsaved_suspects is None:
            self._knows_deaths(ventilator, one, answered)

    def taken_over(self, one: SinkSession, answered: Known) -> None:
        """The suspects in what is not read yet are among those that the sink has."""
        known = {
            (each.batch, offset)
            for each in answered.suspects
            for offset in bitset.offsets(bitset.unpack(each.mask))
        }
        for several in one._suspects.values():
            for each in several:
                offsets = bitset.offsets(bitset.unpack(each.mask))
                if any((each.batch, offset) not in known for offset in offsets):
                    raise Violation("suspects are believed that a sink does not have")

    # -- the end -----------------------------------------------------------------------------

    def end(self) -> None:
        super().end()
        log = self._log()
        self._files_agree(log)
        if len({entry.url for entry in log}) != len(log):
            raise Violation("a URL is in the log twice")
        if self._crawl.has_budgets:
            self._budgets(log)
        else:
            self._oracle(log)
        self._finders(log)
        self._edges(log)

    def _files_agree(self, log: list[LogLine]) -> None:
        disk = self._crawl_disk
        record = disk.record
        if not record.has_all_seeds or record.seeds != len(self._crawl.seed_texts):
            raise Violation(f"{record.seeds} seeds of {len(self._crawl.seed_texts)} were taken")
        if len(disk.keys.data[: disk.lengths.keys]) != 24 * len(log):
            raise Violation("the file of keys has another length than the log")
        if sum(record.totals.lines.values()) != len(log):
            raise Violation("the totals do not agree with the log")
        seeds = [entry for entry in log if not entry.found_on]
        if log[: record.seed_lines] != seeds:
            raise Violation("the seeds are not the first lines of the log")
        refused = record.totals.refused
        duplicates = len(self._crawl.web.seeds) - len(set(self._crawl.web.seeds))
        if not self._crawl.has_budgets and refused.get(Refusal.DUPLICATE, 0) != duplicates:
            raise Violation("duplicates of seeds are counted wrongly")

    def _crashed(self) -> set[int]:
        disk = self._crawl_disk
        rows = bytes(disk.segment[: disk.committed_bytes()]).split(b"\n")[:-1]
        return {int(row.partition(b":")[0]) for row in rows if row.startswith(b"0")}

    def _finders(self, log: list[LogLine]) -> None:
        """Each line's finder is an earlier line, whose row brought the link."""
        crashed = self._crashed()
        for line, entry in enumerate(log, 1):
            if not entry.found_on:
                continue
            if entry.found_on >= line or entry.found_on in crashed:
                raise Violation(f"line {line} was found on line {entry.found_on}")
            finder = log[entry.found_on - 1]
            vias = {link.via for link in self._crawl.web.links[finder.url] if link.url == entry.url}
            if entry.via not in vias:
                raise Violation(f"line {line} is not linked from its finder")
            if entry.depth != finder.depth + (entry.via not in SAME_DEPTH):
                raise Violation(f"line {line} has a wrong depth")

    def _edges(self, log: list[LogLine]) -> None:
        """Each link of each row is an edge to its line, or has a reason."""
        if not self._crawl.rules_of_crawl.keep_links:
            return
        disk = self._crawl_disk
        edges: Counter[tuple[int, Any, str | None]] = Counter()
        records = msgpack.Unpacker()
        records.feed(bytes(disk.edges.data[: disk.lengths.edges]))
        for record in records:
            found = RowLinks(*record)
            for end, via in zip(found.to, found.vias(), strict=True):
                edges[found.line, end if isinstance(end, int) else end[1], via] += 1
                self._refused_rightly(log, end)
        lines = {entry.url: line for line, entry in enumerate(log, 1)}
        right: Counter[tuple[int, Any, str | None]] = Counter()
        crashed = self._crashed()
        for line, entry in enumerate(log, 1):
            for link in self._crawl.web.links.get(entry.url, ()) if line not in crashed else ():
                right[line, lines.get(link.url, link.url), link.via] += 1
        if not self._crawl.has_budgets and edges != right:
            raise Violation("the edges are not the links of the rows")
        if sum(edges.values()) != sum(right.values()):
            raise Violation("some links have no edge, or several")

    def _refused_rightly(self, log: list[LogLine], end: Any) -> None:
        if isinstance(end, int):
            return
        reason, url, _ = end
        seeds = {entry.url.split("/")[2] for entry in log if not entry.found_on}
        is_in_scope = url.split("/")[2] in seeds
        if is_in_scope != (reason != Refusal.SCOPE) or (is_in_scope and reason not in _BUDGETS):
            raise Violation(f"{url} is refused by {reason}")
        rules = self._crawl.rules_of_crawl
        if reason == Refusal.PAGES and len(log) < rules.max_pages:
            raise Violation("a budget that is not reached has refused a link")

    def _budgets(self, log: list[LogLine]) -> None:
        rules = self._crawl.rules_of_crawl
        hosts = Counter(entry.url.split("/")[2] for entry in log)
        if len(log) > rules.max_pages or max(hosts.values()) > rules.max_pages_per_host:
            raise Violation("a budget is overshot")
        if max(entry.depth for entry in log) > rules.depth:
            raise Violation("a line is too deep")

    def _oracle(self, log: list[LogLine]) -> None:
        crashed = {log[line - 1].url for line in self._crashed()}
        right = self._crawl.web.reachable(crashed)
        found = {entry.url for entry in log}
        if found != right:
            raise Violation(f"missing: {sorted(right - found)}, too many: {sorted(found - right)}")
        if self._crawl.rules_of_crawl.order == "levels":
            ordered = [Right(entry.url, entry.depth) for entry in log]
            if ordered != self._crawl.web.by_levels(crashed):
                raise Violation("another order than that of the levels")

    def closed(self, ventilator: SimVentilator) -> None:
        super().closed(ventilator)
        if _feed_of(ventilator)._open:
            raise Violation("complete, and its ventilator waits for lines")


def _feed_of(ventilator: SimVentilator) -> CrawlFeed:
    assert isinstance(ventilator.sinks, CrawlSessions)
    return ventilator.sinks.feed
