"""Mistakes in the ledger, the ventilator and around it, each as a small change."""

from __future__ import annotations

import math
from collections.abc import Iterator

from fetcher.leases.issuer import Issuer
from fetcher.leases.ledger import Ledger
from fetcher.leases.live_workers import LiveWorkers
from fetcher.leases.reissuer import Reissuer
from fetcher.leases.types import BatchPart, Lease, LeaseState, WorkerReport
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
    """Goes on reading where its predecessor stopped."""

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
    """Lets no lease expire."""

    def turn(self) -> None:
        for lease in self.ledger._book.leases.values():
            lease.expires_at = 1e12
        super().turn()


class LosesWhatIsReturned(Ledger):
    """Drops the next part of the queue when a lease is returned."""

    def returned(self, worker: str, lease_id: int, now: float, mask: int = 0) -> None:
        super().returned(worker, lease_id, now, mask)
        if lease_id not in self._book.leases and self._queue.has_ready():
            self._queue.pop(lambda part: part)


class WaitsForTheHung(Issuer):
    """Tries no suspect as long as a worker holds a line that it never finishes."""

    def _is_quiet(self, now: float) -> bool:
        return super()._is_quiet(now) and not self._state.workers.may_hold_stale(now, math.inf)


class TriesSuspectsInCompany(Issuer):
    """Tries a suspect while other lines are out, which may be the ones that kill."""

    def _is_quiet(self, now: float) -> bool:
        return True


class FetchesOnAndOn(Reissuer):
    """Does not count how often the row of a line was lost."""

    def _instead_of(self, lease: Lease, mask: int, *, died: bool) -> list[BatchPart]:
        lease.is_excused = True
        return super()._instead_of(lease, mask, died=died)


class CondemnsWhatWasLeftAlone(Reissuer):
    """Blames the last line of a part for a death that any of its lines may have caused."""

    def _instead_of(self, lease: Lease, mask: int, *, died: bool) -> list[BatchPart]:
        lease.is_alone = mask.bit_count() == 1 and not lease.is_copy
        return super()._instead_of(lease, mask, died=died)


class BelievesOneWorker(Reissuer):
    """Condemns a line whose rows from one worker were lost, though another worker is there."""

    def _instead_of(self, lease: Lease, mask: int, *, died: bool) -> list[BatchPart]:
        workers, self._state.workers = self._state.workers, LiveWorkers()
        parts = super()._instead_of(lease, mask, died=died)
        self._state.workers = workers
        return parts


class ThawsAll(Ledger):
    """Thaws all shares when one sink is back."""

    def thaw(self, now: float, index: int = 0) -> None:
        for each in range(len(self._frozen)):
            super().thaw(now, each)


class FreezesAll(Issuer):
    """Hands out nothing at all while one sink is away."""

    def has_room(self, route: int = 0) -> bool:
        frozen = self._state.frozen
        return super().has_room(route) and not any(map(frozen.is_cut_off, range(len(frozen))))


class ThawEndsThePause(Ledger):
    """Lets a share go on when its sink is back, though all is paused."""

    def thaw(self, now: float, index: int = 0) -> None:
        self._frozen.is_paused, is_paused = False, self._frozen.is_paused
        super().thaw(now, index)
        self._frozen.is_paused = is_paused


class ResumeThawsAll(Ledger):
    """Lets all shares go on after a pause, also that of a sink that is away."""

    def resume(self, now: float) -> None:
        for each in range(len(self._frozen)):
            super().thaw(now, each)
        super().resume(now)


class PauseCostsTime(Ledger):
    """Lets deadlines run on in a pause."""

    def resume(self, now: float) -> None:
        before = [(lease, lease.expires_at) for lease in self._book.leases.values()]
        super().resume(now)
        for lease, expires_at in before:
            lease.expires_at = expires_at


class WaitsForTheAway(Issuer):
    """Takes leases whose sink is away for leases in flight."""

    def _may_kill(self, lease: Lease, now: float) -> bool:
        return lease.state is not LeaseState.FINISHED


class OneReaderForAll(SimVentilator):
    """Uses one reader for all sinks, and drops the batches that are not for the present one."""

    def _readers(self) -> list[Iterator[Batch]]:
        first, *others = super()._readers()
        return [first for _ in [first, *others]]


class ForgetsThePause(SimVentilator):
    """Is not paused though its predecessor was."""

    def __init__(self, world: World, number: int, *, shall_pause: bool) -> None:
        super().__init__(world, number, shall_pause=False)


class SendsByLine(World):
    """Chooses the sink of a row by its line number."""

    def sink_of(self, chunk: Chunk) -> int:
        return chunk.lines[0] % self.shares


class CopiesWhatWaits(Issuer):
    """Copies all lines that are leased for long at the end, though they are not in flight."""

    def _tail_copy(self, now: float, route: int) -> BatchPart | None:
        for lease in self._state.book.leases.values():
            lease.slow = -1
        return super()._tail_copy(now, route)


class LosesSightOfWhatWaits(Ledger):
    """Lets a lease expire that a busy worker has and has not claimed yet."""

    def _seen_waiting(self, lease_id: int, now: float) -> None:
        """Nothing is noted."""


class TakesSlownessForAStall(Ledger):
    """Lets a lease expire when no line of it is committed in time."""

    def _renew(self, lease: Lease, report: WorkerReport, now: float) -> None:
        before = lease.expires_at
        super()._renew(lease, report, now)
        lease.expires_at = before
