"""A disk that can lose what was not synced, and a store on it with the steps of the real one."""

from __future__ import annotations

import random

from fetcher import bitset
from fetcher.commit.committer import BatchState, Delta, Kept, Recovered
from fetcher.commit.session import JobFacts
from fetcher.errors import NoSpaceError
from fetcher.protocol.totals import Totals


class Killed(Exception):
    """The process died at this very moment."""


class Violation(AssertionError):
    """The promise was broken."""


class Disk:
    """One segment and one journal, each with what is written and what of it is synced."""

    def __init__(self, dice: random.Random) -> None:
        self._dice = dice
        self.segment = bytearray()
        self.segment_synced = 0
        self.journal: list[tuple[Delta, int]] = []  # with the segment's length
        self.journal_synced = 0
        self.facts = JobFacts()  # written and synced in one
        self.job = ""  # once a ventilator has begun it
        self.full = False

    def lose_power(self) -> None:
        """Lose the bytes that were not synced, from some point on."""
        del self.segment[self._dice.randint(self.segment_synced, len(self.segment)) :]
        del self.journal[self._dice.randint(self.journal_synced, len(self.journal)) :]
        self.segment_synced = len(self.segment)
        self.journal_synced = len(self.journal)

    def committed_bytes(self) -> int:
        return self.journal[-1][1] if self.journal else 0

    @property
    def totals(self) -> Totals:
        """The line numbers of the rows that are committed by the journal."""
        return self.journal[-1][0].totals if self.journal else Totals()

    def committed_lines(self) -> list[int]:
        """The lines of the rows below the committed length. Raises Violation on a broken row."""
        committed = self.committed_bytes()
        if committed > len(self.segment):
            raise Violation("the segment is shorter than what the journal calls committed")
        lines = []
        for row in bytes(self.segment[:committed]).split(b"\n")[:-1]:
            line, _, copy = row.partition(b":")
            if line != copy:
                raise Violation(f"a torn row: {row!r}")
            lines.append(int(line))
        if committed and self.segment[committed - 1] != ord("\n"):
            raise Violation("the committed rows end in the middle of one")
        return lines


def row_of(line: int) -> bytes:
    """A row that shows when it is torn."""
    return b"%d:%d\n" % (line, line)


class SimStore:
    """A CommitStore that dies in the middle of a step when its fuse has burnt down."""

    syncs_at_start = True
    truncates_at_start = True
    rewinds = True

    def __init__(self, disk: Disk, dice: random.Random) -> None:
        self._disk = disk
        self._dice = dice
        self.fuse: int | None = None  # steps until death
        if self.syncs_at_start:
            disk.journal_synced = len(disk.journal)
        self._committed = disk.committed_bytes()
        if len(disk.segment) < self._committed:
            raise Violation("the segment is shorter than what the journal calls committed")
        if self.truncates_at_start:
            self._cut()

    def _cut(self) -> None:
        del self._disk.segment[self._committed :]
        self._disk.segment_synced = min(self._disk.segment_synced, self._committed)

    def step(self) -> None:
        """The process may die here."""
        if self._step():
            raise Killed

    def _step(self) -> bool:
        """Whether the process dies in this step."""
        if self.fuse is None:
            return False
        self.fuse -= 1
        return self.fuse <= 0

    def append(self, rows: list[bytes], _kept: list[Kept]) -> None:
        if self.rewinds:
            self._cut()
        data = b"".join(rows)
        if self._step():
            self._disk.segment += data[: self._dice.randint(0, len(data))]
            raise Killed
        if self._disk.full and self._dice.random() < 0.7:
            raise NoSpaceError("the simulated disk is full")
        self._disk.segment += data

    def sync(self) -> None:
        self.step()
        self._disk.segment_synced = len(self._disk.segment)
        self.step()

    def record(self, delta: Delta) -> None:
        if self._disk.full:
            raise NoSpaceError("the simulated disk is full")
        self.step()
        self._disk.journal.append((delta, len(self._disk.segment)))
        self.step()  # written, not synced: readable after a kill, lost with the power
        self._disk.journal_synced = len(self._disk.journal)
        self._committed = len(self._disk.segment)
        self.step()

    def recover(self) -> Recovered:
        """The content of the journal."""
        done = bitset.IdSet()
        partial: dict[int, BatchState] = {}
        totals = Totals()
        for delta, _ in self._disk.journal:
            totals = delta.totals
            for batch, state in delta.batches.items():
                if state.committed == state.full:
                    done.add(batch)
                    partial.pop(batch, None)
                else:
                    partial[batch] = state
        return Recovered(done, partial, totals)
