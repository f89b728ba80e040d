"""Possible mistakes in a sink, each as a small change."""

from __future__ import annotations

from fetcher import bitset
from fetcher.commit.committer import BatchState, Committer, Delta, Recovered
from fetcher.errors import NoSpaceError
from fetcher.model import Chunk
from fetcher.protocol.totals import Totals
from support.sim.disk import SimStore
from support.sim.sink import SimSink


class AckBeforeFsync(Committer):
    """Publishes what was appended; syncs and records it one commit later."""

    _due: Delta | None = None

    def commit(self) -> int:
        if self._due is not None:
            self._store.sync()
            self._store.record(self._due)
            self._due = None
        if not self._masks:
            return 0
        self._store.append(self._rows, self._kept)
        self._due = self._delta()
        self._publish(self._due)
        self._clear()
        return 1


class CheckpointAheadOfTheLog(Committer):
    """Records in the journal before the rows are synced."""

    def commit(self) -> int:
        if not self._masks:
            return 0
        self._store.append(self._rows, self._kept)
        delta = self._delta()
        self._store.record(delta)
        self._store.sync()
        self._publish(delta)
        self._clear()
        return 1


class DoneAtItsLastIndex(Committer):
    """Calls a batch full when its last line is there."""

    def _delta(self) -> Delta:
        delta = super()._delta()
        batches = {
            batch: BatchState(state.full, state.full)
            if state.committed.bit_length() == state.full.bit_length()
            else state
            for batch, state in delta.batches.items()
        }
        return Delta(batches, delta.totals)


class PendingForgotten(Committer):
    """Looks for duplicates among the committed rows only."""

    def _seen(self, batch: int, full: int) -> int:
        masks_, self._masks = self._masks, {}
        try:
            return super()._seen(batch, full)
        finally:
            self._masks = masks_


class AcksOnAFullDisk(Committer):
    """Takes a full disk for a commit."""

    def commit(self) -> int:
        try:
            return super().commit()
        except NoSpaceError:
            self._publish(self._delta())
            self._clear()
            return 0


class DedupeInMemoryOnly(SimStore):
    """Recovers the count, and not which lines it was."""

    def recover(self) -> Recovered:
        totals = self._disk.journal[-1][0].totals if self._disk.journal else Totals()
        return Recovered(bitset.IdSet(), {}, totals)


class NoTailTruncation(SimStore):
    """Appends at the end of the file, whatever is there."""

    truncates_at_start = False
    rewinds = False


class NoSyncOfTheRecovered(SimStore):
    """Believes a commit that a killed process wrote and did not sync."""

    syncs_at_start = False


class NoRewind(SimStore):
    """Appends again what a failed journal transaction had appended already."""

    rewinds = False


class TakesAnyShare(SimSink):
    """Takes every row that comes."""

    def take(self, chunk: Chunk) -> None:
        self.offer(chunk)
