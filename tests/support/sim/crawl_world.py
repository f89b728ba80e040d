"""A simulated crawl: the real frontier, commit and sessions over a random web."""

from __future__ import annotations

import random
from collections.abc import Iterable

from msgspec.structs import replace

from fetcher import bitset
from fetcher.commit.committer import Committer
from fetcher.commit.growth import Growth
from fetcher.commit.levels import LevelGrowth
from fetcher.commit.session import CommitJob
from fetcher.frontier.admission import Frontier
from fetcher.frontier.links import Link
from fetcher.input import log_lines
from fetcher.leases.crawl_feed import CrawlFeed, SeedPage
from fetcher.leases.crawl_sessions import CrawlSessions
from fetcher.leases.ledger import Ledger
from fetcher.leases.sink_session import SinkSession
from fetcher.leases.types import Assignment
from fetcher.model import Batch, Chunk
from fetcher.protocol import links, messages
from fetcher.protocol.shard import Share
from support.line_texts import LineTexts
from support.sim.crawl_checks import CrawlChecks
from support.sim.crawl_disk import CrawlDisk, CrawlStore, SimCrawlFiles
from support.sim.crawl_web import Web, rules_of
from support.sim.disk import Violation
from support.sim.sink import SimSink
from support.sim.ventilator import SINK_SILENT_S, SimVentilator
from support.sim.world import World

_SEED_PAGE = 2  # seeds of one message


class CrawlJob(CommitJob):
    """Tells its log in small pages."""

    log_page_lines = 5


class CrawlLedger(Ledger):
    """Raises Violation if it gets a line twice."""

    def grow(
        self, batch: Batch, mask: int, suspects: Iterable[messages.Suspect] = (), route: int = 0
    ) -> None:
        if self.remaining(batch.id) & mask:
            raise Violation(f"lines of batch {batch.id} are given to the ledger twice")
        super().grow(batch, mask, suspects, route)


class CrawlSink(SimSink):
    """Extends the log."""

    job_class = CrawlJob
    store_class = CrawlStore
    files_class = SimCrawlFiles
    frontier_class = Frontier
    growth_class = Growth
    level_growth_class = LevelGrowth

    def _committer(self) -> Committer:
        world, disk, store = self._world, self._disk, self.store
        assert isinstance(disk, CrawlDisk) and isinstance(store, CrawlStore)
        assert isinstance(world, CrawlWorld)
        recovered = store.recover()
        files = self.files_class(disk, store, world.dice)
        growth = self._growth(world, disk, files)
        return self.committer_class(store, recovered, disk.job, self._epoch, growth)

    def _growth(self, world: CrawlWorld, disk: CrawlDisk, files: SimCrawlFiles) -> Growth:
        record = disk.record
        frontier = self.frontier_class(world.rules_of_crawl, record.key_seed)
        frontier.recover(bytes(disk.keys.data[: disk.lengths.keys]), record.seed_lines)
        if frontier.needs_seeds:
            seeds = disk.log_lines()[: record.seed_lines]
            frontier.recover_seeds([log_lines.decode(text).url for text in seeds])
        is_levels = world.rules_of_crawl.order == "levels"
        made = self.level_growth_class if is_levels else self.growth_class
        return made(world.rules_of_crawl, frontier, record, files)


class CrawlVentilator(SimVentilator):
    """Sends seeds, and learns the log."""

    ledger_class = CrawlLedger
    feed_class = CrawlFeed
    session_class = SinkSession

    def _sessions(self, world: World) -> CrawlSessions:
        made: type[CrawlSessions] = type(
            "Sessions", (CrawlSessions,), {"session_class": self.session_class}
        )
        return made(
            *(self.ledger, world.shares, self._session, SINK_SILENT_S, self._offer, world.now),
            self.feed_class(self._seeds, LineTexts()),
            world.routing,
        )

    def _seeds(self, first: int) -> SeedPage:
        assert isinstance(self._world, CrawlWorld)
        seeds = self._world.seed_texts
        return SeedPage(seeds[first : first + _SEED_PAGE], first + _SEED_PAGE >= len(seeds))

    def _offer(self, share: Share) -> messages.Open:
        assert isinstance(self._world, CrawlWorld)
        request = super()._offer(share)
        return replace(request, input=replace(request.input, crawl=self._world.rules_of_crawl))

    def _check_reading(self) -> None:
        pass


class CrawlWorld(World):
    """Crawls; some by levels."""

    disk_class = CrawlDisk
    checks_class = CrawlChecks
    sink_class = CrawlSink
    ventilator_class = CrawlVentilator
    has_budgets = False
    has_edges = True
    by_levels = 0.3  # the share of jobs

    def _make_input(self, seed: int) -> None:
        web_dice = random.Random(f"the web of {seed}")
        self.shares = 1
        self.web = web = Web(web_dice)
        is_by_levels = web_dice.random() < self.by_levels
        self.rules_of_crawl = rules_of(
            web_dice, has_budgets=self.has_budgets, by_levels=is_by_levels
        )
        if not self.has_edges:
            self.rules_of_crawl = replace(self.rules_of_crawl, keep_links=False)
        self.seed_texts = [log_lines.encode(log_lines.LogLine(url)) for url in web.seeds]
        super()._make_input(seed)
        self.batches = self._all_batches(web.most_lines)
        self.share_batches = [self.batches]
        self.share_lines = [set()]
        self.lines = {0}  # the seeds are one source
        doomed = web_dice.sample(web.urls, min(len(web.urls), web_dice.choice((0, 0, 0, 1, 2))))
        self.doomed = {url: web_dice.random() < 0.3 for url in doomed}  # whether it hangs
        self.poison, self.hung = set(), set()
        self.turns_s = {
            line: web_dice.uniform(1, 90)
            for line in range(1, web.most_lines)
            if self.turns_s and web_dice.random() < 0.3
        }
        self.texts: dict[int, bytes] = {}  # of the lines that were handed out

    def _all_batches(self, lines: int) -> list[Batch]:
        size = self.batch_size
        full = (1 << size) - 1
        return [Batch(n, n * size + 1, full, b"") for n in range(lines // size + 2)]

    def url_of(self, line: int) -> str:
        """The URL of a line that was handed out."""
        return log_lines.decode(self.texts[line]).url

    # -- what is handed out, and what comes back -----------------------------------------------

    def hand_out(self, ventilator: SimVentilator, assignment: Assignment) -> bool:
        first = assignment.batch.first_line
        lines = [first + offset for offset in bitset.offsets(assignment.mask)]
        for line, text in zip(lines, assignment.urls.split(b"\n"), strict=True):
            assert isinstance(self.checks, CrawlChecks)
            self.checks.handed_out_text(line, text)
            self.texts[line] = text
            if self.url_of(line) in self.doomed and self.has_faults:
                (self.hung if self.doomed[self.url_of(line)] else self.poison).add(line)
                self.is_calm = False
        return super().hand_out(ventilator, assignment)

    def links_of(self, worker: str, line: int) -> tuple[Link, ...]:
        """The links that a worker sends with the row of a line."""
        return self.web.links.get(self.url_of(line), ())

    def to_sink(self, chunk: Chunk) -> None:
        super().to_sink(self._of_crawl(chunk))

    def _of_crawl(self, chunk: Chunk) -> Chunk:
        """The chunk with the places of its lines, and the links of its pages."""
        tasks = [log_lines.task_of(line, self.texts[line]) for line in chunk.lines]
        found = [task.found for task in tasks if task.found is not None]
        placed = replace(
            chunk, depths=[each.depth for each in found], hops=[each.hops for each in found]
        )
        if chunk.worker == "ventilator":  # the zero marks the row of a crashed line
            rows = [b"0%d:0%d\n" % (line, line) for line in chunk.lines]
            return replace(placed, rows=b"".join(rows), row_bytes=list(map(len, rows)))
        pages = [self.links_of(chunk.worker, line) for line in chunk.lines]
        data = [links.encode(links.PageLinks(page)) if page else b"" for page in pages]
        if not any(data):
            return placed
        return replace(placed, links=b"".join(data), link_bytes=list(map(len, data)))


class FaultlessCrawl(CrawlWorld):
    """Nothing fails."""

    has_faults = False


class BudgetedCrawl(CrawlWorld):
    """Limits of pages, hosts and depth are reached."""

    has_budgets = True


class LinklessCrawl(CrawlWorld):
    """No edges are kept, so that a mistake shows in the log or not at all."""

    has_edges = False
    by_levels = 0.0


class LevelCrawl(CrawlWorld):
    """All jobs go level by level."""

    by_levels = 1.0


class DuplicatedCrawl(CrawlWorld):
    """Chunks arrive twice, answers come late, sinks start again and again."""

    restarts_per_s = 0.5

    def __init__(self, seed: int, *, kill_workers: bool = True) -> None:
        super().__init__(seed, kill_workers=kill_workers)
        self._twice = 0.4
        self.late = 0.1
