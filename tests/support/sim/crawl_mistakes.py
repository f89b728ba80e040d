"""Mistakes in a crawl that somebody could make, each as a small change."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from msgspec.structs import replace

from fetcher import bitset
from fetcher.commit.committer import Committer
from fetcher.commit.crawl_record import CrawlRecord
from fetcher.commit.growth import Growth
from fetcher.commit.levels import LevelGrowth
from fetcher.commit.session import CommitSession
from fetcher.errors import NoSpaceError
from fetcher.frontier.admission import Frontier
from fetcher.frontier.admitted import Admitted, RowLinks
from fetcher.frontier.links import Link
from fetcher.input import log_lines
from fetcher.leases.crawl_feed import CrawlFeed
from fetcher.leases.crawl_sessions import CrawlSessions
from fetcher.leases.sink_session import SinkSession
from fetcher.model import Chunk
from fetcher.protocol import messages
from support.sim.crawl_disk import SimCrawlFiles
from support.sim.crawl_world import CrawlJob, CrawlVentilator, LinklessCrawl

# -- the sink: what is found -----------------------------------------------------------------


class IndexBeforeTheCommit(Growth):
    """Makes the keys of new lines durable when they are found."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        files: Any = self.files
        self._index: set[str] = files._disk.__dict__.setdefault("index", set())
        self._earlier = frozenset(self._index)  # of sinks before this one

    def _judge(self, rows: Sequence[RowLinks]) -> None:
        lost = self._earlier
        super()._judge(
            [replace(row, links=tuple(x for x in row.links if x.url not in lost)) for row in rows]
        )

    def _take(self, admitted: Admitted) -> None:
        super()._take(admitted)
        self._index.update(link.url for link in admitted.new)


class LinksInTheNextCommit(Growth):
    """Commits rows first, and what they have found with the next ones."""

    def __init__(self, *args: Any) -> None:
        self._late: list[RowLinks] = []
        super().__init__(*args)

    def found(self, rows: Sequence[RowLinks]) -> None:
        self._late += rows

    def publish(self, record: CrawlRecord) -> None:
        super().publish(record)
        super().found(self._late)
        self._late = []


class DedupeAgainstTheCommitted(Growth):
    """Does not know what the pending group has found."""

    def __init__(self, rules: Any, frontier: Frontier, record: CrawlRecord, files: Any) -> None:
        super().__init__(rules, frontier, record, files)
        self._rules = rules

    def _judge(self, rows: Sequence[RowLinks]) -> None:
        files: Any = self.files
        disk = files._disk
        self._frontier = Frontier(self._rules, self.committed.key_seed)
        records = bytes(disk.keys.data[: disk.lengths.keys])
        self._frontier.recover(records, self.committed.seed_lines)
        if self._frontier.needs_seeds:
            self._frontier.recover_seeds(
                [seed.url for seed in _log_of(disk)[: self.committed.seed_lines]]
            )
        super()._judge(rows)


class ForgetsOnAFullDisk(Growth):
    """Drops what was found when the disk has no room for it."""

    def write(self) -> None:
        try:
            super().write()
        except NoSpaceError:
            self._clear()
            raise


class DuplicatesBringLinks(Committer):
    """Takes the links of rows that it has already."""

    def offer(self, chunk: Chunk, batch_size: int) -> None:
        first = chunk.batch * batch_size + 1
        offered = bitset.mask_of([line - first for line in chunk.lines])
        seen = offered & self._seen(chunk.batch, int.from_bytes(chunk.batch_mask, "little"))
        assert self.growth is not None
        self.growth.found(
            [row for row in self.growth.found_in(chunk) if seen >> (row.line - first) & 1]
        )
        super().offer(chunk, batch_size)


class CountsBeforeDedupe(Frontier):
    """Links to known lines cost budget, too."""

    def offer_rows(self, rows: Sequence[RowLinks]) -> list[Admitted]:
        answers = super().offer_rows(rows)
        for answer in answers:
            known = sum(isinstance(edge, int) for edge in answer.edges) - len(answer.new)
            self._budgets._max_pages -= known
        return answers


class ForgetsTheSeeds(Frontier):
    """After a restart, nothing is near a seed."""

    def recover(self, records: bytes, seeds: int) -> None:
        super().recover(records, 0)

    def recover_seeds(self, urls: Any) -> None:
        pass


class LogNotTruncated(SimCrawlFiles):
    """Appends at the end of the files, whatever is there."""

    truncates = False


# -- the sink: seeds, and what is told -------------------------------------------------------


class SeedsTwice(Growth):
    """Takes a page of seeds that comes again as the next one."""

    def seeds(self, first: int, texts: Sequence[bytes], *, at_end: bool) -> None:
        super().seeds(self._seeds, texts, at_end=at_end)


class SeedsBeforeTheyAreDurable(CommitSession):
    """Answers what will be durable with the next commit."""

    def _take_seeds(self, job: Any, page: messages.Seeds) -> messages.AnyMessage:
        job.take_seeds(page)
        record = job.committer.growth.record()
        state = messages.CrawlState(
            record.seeds, record.has_all_seeds, job.crawl.lines, record.totals
        )
        return messages.Seeded(state)


class TellsWhatIsPending(CrawlJob):
    """Tells of lines that are not committed."""

    @property
    def crawl(self) -> messages.CrawlState:
        assert self.committer.growth is not None
        record = self.committer.growth.record()
        return messages.CrawlState(record.seeds, record.has_all_seeds, record.lines, record.totals)


class EndsWithoutAllSeeds(Growth):
    """Is complete when the seeds so far, and what they found, have rows."""

    @property
    def is_at_rest(self) -> bool:
        return not self.is_pending


# -- levels ----------------------------------------------------------------------------------


class ClosesTheLevelEarly(CrawlJob):
    """Judges a level while one of its rows is missing."""

    def _has_all_rows(self) -> bool:
        growth, rows = self.committer.growth, self.committer.totals.rows
        assert growth is not None
        if growth.is_at_rest and 0 < growth.committed.ready_lines - rows <= 1 and growth.extend():
            self.is_finishing = True
            return False
        return super()._has_all_rows()


class ReadyAtOnce(LevelGrowth):
    """Hands out the first lines of a level while its last ones are judged."""

    def record(self) -> CrawlRecord:
        record = super().record()
        return replace(record, ready_lines=record.lines)

    def extend(self) -> bool:
        self._ready_lines = self.committed.ready_lines
        return super().extend()


class RedirectsWithTheLinks(LevelGrowth):
    """Judges all links of a level in one step."""

    def _of_step(self, row: RowLinks) -> RowLinks:
        return row if self._level.is_at_links else replace(row, links=(), left_out={})


class ForgetsWhereItWas(LevelGrowth):
    """Judges a level from its beginning after a restart."""

    def publish(self, record: CrawlRecord) -> None:
        super().publish(record)
        self.committed = record

    def record(self) -> CrawlRecord:
        record = super().record()
        return replace(record, level=replace(record.level, judged_to=0))


# -- the worker and the ventilator -----------------------------------------------------------


class SuppressesWhatItSent(LinklessCrawl):
    """A worker leaves out the links that it has sent before."""

    def _make_input(self, seed: int) -> None:
        super()._make_input(seed)
        self._sent: defaultdict[str, set[str]] = defaultdict(set)

    def links_of(self, worker: str, line: int) -> tuple[Link, ...]:
        sent = self._sent[worker]
        links = tuple(link for link in super().links_of(worker, line) if link.url not in sent)
        sent.update(link.url for link in links)
        return links


class EndsWhenNothingWaits(CrawlVentilator):
    """Takes an empty queue for the end."""

    def turn(self) -> None:
        super().turn()
        assert isinstance(self.sinks, CrawlSessions)
        feed = self.sinks.feed
        if self.sinks.is_open and not feed.wants_seeds and not feed._open:
            self.is_finished = feed.next_line > 1


class ReadsTheLogAgain(CrawlFeed):
    """Reads the log from its beginning when the sink has restarted."""

    def begin(self, batch_size: int, state: messages.CrawlState) -> None:
        super().begin(batch_size, state)
        self.next_line = 1


class SkipsWhatDidNotFit(CrawlFeed):
    """Takes a page for all that is new."""

    def hear(self, news: messages.Committed) -> None:
        super().hear(news)
        if news.crawl:
            self.next_line = news.crawl.lines + 1


class ForgetsRowsWhileLinesWait(CrawlFeed):
    """Hears of rows of leased lines alone."""

    def committed(self, batch: int, mask: int, now: float) -> None:
        first = batch * self._batch_size + 1
        for offset in bitset.offsets(self._open.get(batch, 0) & mask):
            if first + offset in self._hosts[0]._out:
                super().committed(batch, 1 << offset, now)


class KeepsWhatWasOpen(CrawlFeed):
    """Does not look at what a restarted sink has committed."""

    def open_batches(self) -> list[int]:
        return []


class TakesNoSuspects(SinkSession):
    """Forgets what lines were blamed for before they are handed out again."""

    def take_suspects(self, batch: int, mask: int) -> list[messages.Suspect]:
        super().take_suspects(batch, mask)
        return []


def _log_of(disk: Any) -> list[log_lines.LogLine]:
    return [log_lines.decode(text) for text in disk.log_lines()]
