"""The log of a crawl in memory: a store and files, with a disk that may be full."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from fetcher import bitset
from fetcher.commit.committer import Committer, Delta, Kept, Recovered
from fetcher.commit.crawl_record import Appended, CrawlRecord, Level
from fetcher.commit.growth import Growth
from fetcher.errors import NoSpaceError
from fetcher.frontier.admission import Frontier
from fetcher.frontier.admitted import RowLinks
from fetcher.frontier.links import Link
from fetcher.frontier.rules import CrawlRules
from fetcher.input import log_lines
from fetcher.input.log_lines import LogLine
from fetcher.model import Chunk
from fetcher.protocol import links
from fetcher.protocol.totals import Totals

SIZE = 4
RULES = CrawlRules(scope="any")


class Memory:
    """The store and the files of a crawl, with a disk that may be full."""

    def __init__(self) -> None:
        self.log: list[bytes] = []
        self.deltas: list[Delta] = []
        self.is_full = False

    def append(self, rows: list[bytes], kept: list[Kept]) -> None:
        pass

    def sync(self) -> None:
        pass

    def record(self, delta: Delta) -> None:
        if self.is_full:
            raise NoSpaceError("full")
        self.deltas.append(delta)
        self.log += b"".join(self.files.written.log).splitlines(keepends=True)

    @property
    def files(self) -> Files:
        return self._files

    def begin(self, rules: CrawlRules = RULES) -> Committer:
        self._files = Files(self)
        growth = Growth(rules, Frontier(rules, 1), CrawlRecord(1), self._files)
        recovered = Recovered(bitset.IdSet(), {}, Totals())
        return Committer(self, recovered, "job", "e", growth)

    @property
    def urls(self) -> list[str]:
        return [log_lines.decode(text).url for text in self.log]


class Files:
    """See commit.growth.CrawlFiles."""

    def __init__(self, memory: Memory) -> None:
        self._memory = memory
        self.written = Appended()

    def append(self, what: Appended, level: Level) -> None:
        self.written = what

    def log_texts(self, first: int, end: int) -> Iterable[bytes]:
        return [text[:-1] for text in self._memory.log[first - 1 : end - 1]]

    def found_after(self, level: Level) -> Iterator[RowLinks]:
        return iter(())


def seeds(*urls: str) -> list[bytes]:
    """The lines of a log for these seeds."""
    return [log_lines.encode(LogLine(url)) for url in urls]


def chunk(line: int, *urls: str, data: bytes | None = None) -> Chunk:
    """The row of a line with depth 0, which found these URLs."""
    found = links.encode(links.PageLinks(tuple(map(Link, urls)))) if data is None else data
    return Chunk(
        job="job",
        batch=(line - 1) // SIZE,
        batch_mask=b"\x0f",
        worker="w",
        lines=[line],
        row_bytes=[2],
        outcomes=[0],
        statuses=[200],
        body_bytes=[0],
        rows=b"{}",
        depths=[0],
        links=found,
        link_bytes=[len(found)],
    )


def growth_of(committer: Committer) -> Growth:
    """The growth of a committer that has one."""
    assert committer.growth is not None
    return committer.growth
