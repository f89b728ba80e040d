"""The files of a crawl on a simulated disk, with the steps of the real ones."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

from fetcher.commit import levels
from fetcher.commit.committer import Delta
from fetcher.commit.crawl_record import Appended, CrawlRecord, Level
from fetcher.errors import NoSpaceError
from fetcher.frontier.admitted import RowLinks
from support.sim.disk import Disk, Killed, SimStore, Violation

KEY_SEED: Final = 7


class Lengths(NamedTuple):
    """Committed bytes of each file; `found` of the running level's."""

    log: int = 0
    keys: int = 0
    edges: int = 0
    found: int = 0


class File:
    """What is written, and how much of it is synced."""

    def __init__(self) -> None:
        self.data = bytearray()
        self.synced = 0

    def cut(self, length: int) -> None:
        del self.data[length:]
        self.synced = min(self.synced, length)


class CrawlDisk(Disk):
    """A disk with the files of a crawl besides the rows."""

    def __init__(self, dice: random.Random) -> None:
        super().__init__(dice)
        self.log, self.keys, self.edges = File(), File(), File()
        self.found: dict[int, File] = {}  # by level
        self.ends: dict[int, Lengths] = {}  # by the journal's length

    def lose_power(self) -> None:
        super().lose_power()
        for file in (self.log, self.keys, self.edges, *self.found.values()):
            file.cut(self._dice.randint(file.synced, len(file.data)))
            file.synced = len(file.data)

    @property
    def record(self) -> CrawlRecord:
        """The committed state of the crawl."""
        return (
            self.journal[-1][0].crawl or CrawlRecord(KEY_SEED)
            if self.journal
            else CrawlRecord(KEY_SEED)
        )

    @property
    def lengths(self) -> Lengths:
        return self.ends[len(self.journal)] if self.journal else Lengths()

    def log_lines(self) -> list[bytes]:
        """The committed lines of the log. Raises Violation if some are missing."""
        length = self.lengths.log
        if length > len(self.log.data):
            raise Violation("the log is shorter than what the journal calls committed")
        lines = bytes(self.log.data[:length]).split(b"\n")[:-1]
        if len(lines) != self.record.lines:
            raise Violation(f"{len(lines)} lines in the log, and {self.record.lines} are recorded")
        return lines


class SimCrawlFiles:
    """See commit.growth.CrawlFiles."""

    truncates = True

    def __init__(self, disk: CrawlDisk, store: CrawlStore, dice: random.Random) -> None:
        self._disk = disk
        self._store = store
        self._dice = dice
        if self.truncates:
            self._cut()

    def _files(self) -> tuple[File, File, File, File]:
        disk, number = self._disk, self._disk.record.level.number
        return disk.log, disk.keys, disk.edges, disk.found.setdefault(number, File())

    def _cut(self) -> None:
        level = self._disk.record.level
        lengths = self._disk.lengths._replace(found=level.found_bytes)
        for file, length in zip(self._files(), lengths, strict=True):
            if len(file.data) < length:
                raise Violation("a file of the crawl is shorter than what is committed")
            file.cut(length)

    def append(self, what: Appended, level: Level) -> None:
        if level.number != self._disk.record.level.number:
            raise Violation("links for another level than the running one")
        if self.truncates:
            self._cut()
        files = self._files()
        for file, records in zip(files, (what.log, what.keys, what.edges, what.found), strict=True):
            self._write(file, b"".join(records))
        for file in files:
            self._store.step()
            file.synced = len(file.data)

    def _write(self, file: File, data: bytes) -> None:
        if self._store.dies_now():
            file.data += data[: self._dice.randint(0, len(data))]
            raise Killed
        if self._disk.full and self._dice.random() < 0.5:
            raise NoSpaceError("the simulated disk is full")
        file.data += data

    def log_texts(self, first: int, end: int) -> Iterable[bytes]:
        return self._disk.log_lines()[first - 1 : end - 1]

    def found_after(self, level: Level) -> Iterator[RowLinks]:
        data = bytes(self._disk.found.setdefault(level.number, File()).data[: level.found_bytes])
        rows, start = [], 0
        while start < len(data):
            _, size = levels.head(data[start : start + levels.HEAD_BYTES])
            start += levels.HEAD_BYTES + size
            rows.append(levels.unpacked(data[start - size : start], "found"))
        yield from sorted((r for r in rows if r.line > level.judged_to), key=lambda r: r.line)


class CrawlStore(SimStore):
    """Records the lengths of the crawl's files with each commit."""

    def dies_now(self) -> bool:
        """Whether the process dies in this step."""
        return self._step()

    def record(self, delta: Delta) -> None:
        disk = self._disk
        assert isinstance(disk, CrawlDisk)
        ends = Lengths(len(disk.log.data), len(disk.keys.data), len(disk.edges.data))
        disk.ends[len(disk.journal) + 1] = ends
        super().record(delta)
