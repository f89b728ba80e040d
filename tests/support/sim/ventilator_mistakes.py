"""What somebody could get wrong in a ventilator or around it, each as a small change."""

from __future__ import annotations

from collections.abc import Iterator

from fetcher.leases.ledger import Ledger
from fetcher.leases.types import Lease, LeaseState, Piece, WorkerReport
from fetcher.model import Batch, Chunk
from support.sim.ventilator import SimVentilator
from support.sim.world import World


class CompleteWhenAllIsSent(SimVentilator):
    """Ends the job when nothing is left to hand out."""

    def turn(self) -> None:
        super().turn()
        if self.sinks.is_open and self.ledger.source_ended:
            self.is_finished = self.ledger.take(self._world.now) is None


class TrustsItsCursor(SimVentilator):
    """Goes on reading where its predecessor was."""

    def _readers(self) -> list[Iterator[Batch]]:
        self._positions = getattr(self._world, "positions", [(-1, 0)] * self._world.shares)
        for one, (_, lines_read) in zip(self.sinks, self._positions, strict=True):
            one.lines_read = lines_read
        return [
            (batch for batch in reader if batch.id > last)
            for reader, (last, _) in zip(super()._readers(), self._positions, strict=True)
        ]

    def turn(self) -> None:
        super().turn()
        self._world.positions = [  # type: ignore[attr-defined]
            (max(one._read_to, last), one.lines_read)
            for one, (last, _) in zip(self.sinks, self._positions, strict=True)
        ]


class NeverHandsOutAgain(SimVentilator):
    """Lets no lease lapse."""

    def turn(self) -> None:
        for lease in self.ledger._book.leases.values():
            lease.expires_at = 1e12
        super().turn()


class LosesWhatIsReturned(Ledger):
    """Takes a returned piece for somebody else's."""

    def returned(self, worker: str, lease_id: int, now: float, mask: int = 0) -> None:
        super().returned(worker, lease_id, now, mask)
        if lease_id not in self._book.leases and self._backlog.has_ready:
            self._backlog.pop(lambda piece: piece)


class WaitsForTheHung(Ledger):
    """Tries no suspect as long as some worker holds a line that it never ends."""

    def _is_quiet(self, now: float) -> bool:
        return super()._is_quiet(now) and not self._strange


class TriesSuspectsInCompany(Ledger):
    """Tries a suspect while other lines are out, which may be the ones that kill."""

    def _is_quiet(self, now: float) -> bool:
        return True


class FetchesOnAndOn(Ledger):
    """Does not count how often a line's row was lost."""

    def _instead_of(self, lease: Lease, mask: int, *, died: bool) -> list[Piece]:
        lease.is_excused = True
        return super()._instead_of(lease, mask, died=died)


class CondemnsWhatWasLeftAlone(Ledger):
    """Blames a line that is the last one of its piece for what happened in company."""

    def _instead_of(self, lease: Lease, mask: int, *, died: bool) -> list[Piece]:
        lease.is_alone = mask.bit_count() == 1 and not lease.is_copy
        return super()._instead_of(lease, mask, died=died)


class BelievesOneWorker(Ledger):
    """Condemns a line of which one worker has sent rows that were lost, whoever else is there."""

    def _instead_of(self, lease: Lease, mask: int, *, died: bool) -> list[Piece]:
        workers, self._workers = self._workers, {}
        pieces = super()._instead_of(lease, mask, died=died)
        self._workers = workers
        return pieces


class ThawsAll(Ledger):
    """One sink is back: so are all."""

    def thaw(self, now: float, index: int = 0) -> None:
        for each in range(len(self._last_added)):
            super().thaw(now, each)


class FreezesAll(Ledger):
    """Hands out nothing at all while one sink is away."""

    def _has_window(self) -> bool:
        shares = range(len(self._last_added))
        return super()._has_window() and not any(self.is_frozen(index) for index in shares)


class ThawEndsThePause(Ledger):
    """A sink is back: its share goes on, whatever was asked."""

    def thaw(self, now: float, index: int = 0) -> None:
        self._backlog.is_paused, is_paused = False, self._backlog.is_paused
        super().thaw(now, index)
        self._backlog.is_paused = is_paused


class ResumeThawsAll(Ledger):
    """All goes on, also for a sink that is away."""

    def resume(self, now: float) -> None:
        for each in range(len(self._last_added)):
            super().thaw(now, each)
        super().resume(now)


class PauseCostsTime(Ledger):
    """Deadlines run on in a pause."""

    def resume(self, now: float) -> None:
        before = [(lease, lease.expires_at) for lease in self._book.leases.values()]
        super().resume(now)
        for lease, expires_at in before:
            lease.expires_at = expires_at


class WaitsForTheAway(Ledger):
    """Takes what a sink that is away cannot tell of for what may kill."""

    def _may_kill(self, lease: Lease, now: float) -> bool:
        return lease.state is not LeaseState.FINISHED


class OneReaderForAll(SimVentilator):
    """Reads on for one sink where it was for another, and drops what is not for the one."""

    def _readers(self) -> list[Iterator[Batch]]:
        first, *others = super()._readers()
        return [first for _ in [first, *others]]


class ForgetsThePause(SimVentilator):
    """Begins to hand out where the one before it was paused."""

    def __init__(self, world: World, number: int, *, shall_pause: bool) -> None:
        super().__init__(world, number, shall_pause=False)


class SendsByLine(World):
    """Sends rows by their line's number."""

    def sink_of(self, chunk: Chunk) -> int:
        return chunk.lines[0] % self.shares


class CopiesWhatWaits(Ledger):
    """Takes all that is out for long at the end for slow, whatever its worker says of it."""

    def _tail_copy(self, now: float) -> Piece | None:
        for lease in self._book.leases.values():
            lease.slow = -1
        return super()._tail_copy(now)


class LosesSightOfWhatWaits(Ledger):
    """Lets a lease lapse that a busy worker has and does not claim yet."""

    def _seen_waiting(self, lease_id: int, now: float) -> None:
        """Nothing is noted."""


class TakesSlownessForAStall(Ledger):
    """Lets a lease lapse of which no line is committed in time, though its lines wait or fly."""

    def _renew(self, lease: Lease, report: WorkerReport, now: float) -> None:
        before = lease.expires_at
        super()._renew(lease, report, now)
        lease.expires_at = before
