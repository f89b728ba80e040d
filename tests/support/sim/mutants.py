"""Mistakes that somebody could make, each as a small change; the simulator must catch every one."""

from __future__ import annotations

from typing import Final

from fetcher.core import masks
from fetcher.core.intake import BatchState, Delta, Intake, Recovered
from fetcher.core.ledger import Ledger
from fetcher.core.tally import Totals
from fetcher.errors import NoSpaceError
from support.sim.disk import SimStore
from support.sim.roles import SimSink, SimVentilator
from support.sim.world import World


def _world(
    name: str,
    *,
    intake: type[Intake] = Intake,
    store: type[SimStore] = SimStore,
    sink: type[SimSink] = SimSink,
    ventilator: type[SimVentilator] = SimVentilator,
) -> type[World]:
    sink_class = type(f"{name}Sink", (sink,), {"intake_class": intake, "store_class": store})
    members = {"sink_class": sink_class, "ventilator_class": ventilator}
    return type(f"{name}World", (World,), members)


class AckBeforeFsync(Intake):
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


class CheckpointAheadOfTheLog(Intake):
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


class DoneAtItsLastIndex(Intake):
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


class PendingForgotten(Intake):
    """Looks for duplicates among the committed rows only."""

    def _seen(self, batch: int, full: int) -> int:
        masks_, self._masks = self._masks, {}
        try:
            return super()._seen(batch, full)
        finally:
            self._masks = masks_


class AcksOnAFullDisk(Intake):
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
        return Recovered(masks.IdSet(), {}, totals)


class NoTailTruncation(SimStore):
    """Appends behind whatever is there."""

    truncates_at_start = False
    rewinds = False


class NoSyncOfTheRecovered(SimStore):
    """Believes a commit that a killed process wrote and did not sync."""

    syncs_at_start = False


class NoRewind(SimStore):
    """Appends again what a failed journal transaction had appended already."""

    rewinds = False


class CompleteWhenAllIsSent(SimVentilator):
    """Ends the job when nothing is left to hand out."""

    def turn(self) -> None:
        super().turn()
        if self.epoch and self.ledger.source_ended and self.ledger.take(self._world.now) is None:
            self.finished = True


class TrustsItsCursor(SimVentilator):
    """Goes on reading where its predecessor was."""

    def __init__(self, world: World, first_lease: int) -> None:
        super().__init__(world, first_lease)
        self.cursor = getattr(world, "last_cursor", 0)

    def turn(self) -> None:
        super().turn()
        self._world.last_cursor = self.cursor  # type: ignore[attr-defined]


class NeverHandsOutAgain(SimVentilator):
    """Lets no lease lapse."""

    def turn(self) -> None:
        for lease in self.ledger._leases.values():
            lease.expires_at = 1e12
        super().turn()


class LosesWhatIsReturned(SimVentilator):
    """Takes a returned piece for somebody else's."""

    class ledger_class(Ledger):
        def returned(self, worker: str, lease_id: int, now: float) -> None:
            super().returned(worker, lease_id, now)
            if lease_id not in self._leases and self._backlog.has_ready:
                self._backlog.pop(lambda piece: piece)


class WaitsForTheHung(SimVentilator):
    """Tries no suspect as long as some worker holds a line that it never ends."""

    class ledger_class(Ledger):
        def _is_quiet(self, now: float) -> bool:
            return super()._is_quiet(now) and not self._strange


MUTANTS: Final[dict[str, type[World]]] = {
    "ack before fsync": _world("Ack", intake=AckBeforeFsync),
    "dedupe held in memory only": _world("Dedupe", store=DedupeInMemoryOnly),
    "a ventilator that trusts its own cursor": _world("Cursor", ventilator=TrustsItsCursor),
    "no tail truncation": _world("Tail", store=NoTailTruncation),
    "a checkpoint ahead of the log": _world("Ahead", intake=CheckpointAheadOfTheLog),
    "a batch done at its last index": _world("Last", intake=DoneAtItsLastIndex),
    "no fsync of the recovered tail": _world("Recovered", store=NoSyncOfTheRecovered),
    "completion inferred from all sent": _world("Sent", ventilator=CompleteWhenAllIsSent),
    "pending rows forgotten in dedupe": _world("Pending", intake=PendingForgotten),
    "a full disk that acknowledges": _world("Full", intake=AcksOnAFullDisk),
    "no rewind after a failed record": _world("Rewind", store=NoRewind),
    "leases that never lapse": _world("Lapse", ventilator=NeverHandsOutAgain),
    "returned pieces that are forgotten": _world("Returned", ventilator=LosesWhatIsReturned),
    "suspects that wait for a hung worker": _world("Hung", ventilator=WaitsForTheHung),
}
