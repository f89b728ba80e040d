"""Decides what is queued again when a lease expires, its worker dies, or its rows are lost."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from msgspec.structs import replace

from fetcher.leases.ledger_state import LedgerState
from fetcher.leases.types import BatchPart, Lease, LeaseState

# An unclaimed lease of this age is excluded from flow control while another worker is idle.
HUNGRY_S: Final = 0.3


class Reissuer:
    """Ends leases, and queues those of their lines that no other lease has."""

    def __init__(self, state: LedgerState) -> None:
        self._state = state
        self.lines = 0  # queued again so far, copies not included

    def reissue(self, lease: Lease, *, died: bool) -> None:
        """End the lease; `died`: it may have killed its worker."""
        state = self._state
        state.end(lease.id)
        if lease.is_copy:
            # The copy may have gone to the worker that has its lines already and skips them.
            state.copies.failed(lease)
        others = (other for other in state.book.others(lease) if not other.is_uncounted)
        mask = state.book.only_in(lease, others)
        if not mask:
            return
        self.lines += mask.bit_count()
        for part in self._instead_of(lease, mask, died=died):
            state.queue.push(part)

    def take_back(self, lease: Lease, mask: int) -> None:
        """The worker does not fetch these lines of the lease: queue them for another worker."""
        state = self._state
        rest = lease.part.mask & ~mask
        if not rest & state.book.batches[lease.part.key].remaining:
            state.end(lease.id)
        wanted = state.book.only_in(lease, state.book.others(lease)) & mask
        if lease.is_copy:
            state.copies.uncount(mask & ~wanted)
            state.copies.failed(lease, mask)
        lease.part = replace(lease.part, mask=rest)
        if wanted:
            state.queue.push_first(replace(lease.part, mask=wanted))

    # -- time --------------------------------------------------------------------------------

    def expire(self, now: float) -> None:
        """Reissue the leases that have expired, unless their share is frozen."""
        state = self._state
        for lease in list(state.book.leases.values()):
            if lease.expires_at <= now and not state.frozen.has_frozen(lease.part.batch):
                died = lease.is_orphan if lease.state is LeaseState.SENT else True
                self.reissue(lease, died=died and lease.state is not LeaseState.FINISHED)

    def serve_idle_workers(self, now: float, *, has_room: Callable[[int], bool]) -> None:
        """See that a worker without a lease gets one; `has_room`: whether a route's may be sent.

        A worker that takes nothing may have all unclaimed leases in its pipe. These are excluded
        from flow control, so that others are sent; the pipe is soon full, so this has a limit. At
        the end, leases that no worker reports are reissued: they were sent to a worker that left.
        """
        busy = {lease.worker for lease in self._state.book.claimed()}
        for route in self._state.routes:
            if not busy.issuperset(self._state.workers.serving(route)):
                self._serve_idle(route, now, has_room=has_room(route))

    def _serve_idle(self, route: int, now: float, *, has_room: bool) -> None:
        state, is_end = self._state, self._state.is_end(route)
        # In this time each living worker has reported twice what waits in its pipe.
        unseen_s = max(state.rules.tail_after_s, 2 * state.rules.silent_s)
        for lease in list(state.book.leases.values()):
            if lease.state is not LeaseState.SENT or lease.part.route != route:
                continue
            if state.frozen.has_frozen(lease.part.batch):
                continue
            if is_end and now - lease.seen_at > unseen_s:
                self.reissue(lease, died=False)
            elif not has_room and not lease.is_uncounted and now - lease.issued_at > HUNGRY_S:
                state.flow(lease).exclude(lease)

    # -- replacements ------------------------------------------------------------------------

    def _instead_of(self, lease: Lease, mask: int, *, died: bool) -> list[BatchPart]:
        """The parts to queue for these lines of an ended lease."""
        part = replace(lease.part, mask=mask)
        if lease.state is LeaseState.FINISHED:
            return self._instead_of_finished(lease, part)
        # (While its share is frozen, commits of the lease cannot be seen: it is not blamed.)
        if died and not lease.has_progressed and not self._state.frozen.has_frozen(part.batch):
            return self._state.poison.after_death(
                part, is_alone=lease.is_alone, is_parked=lease.is_parked
            )
        return [replace(part, spared=0)]

    def _instead_of_finished(self, lease: Lease, part: BatchPart) -> list[BatchPart]:
        """Its rows were sent, and should have been committed by now."""
        is_excused = lease.is_excused or lease.is_copy
        blameless = part.mask if is_excused else part.mask & lease.skipped
        found = [replace(part, mask=blameless, spared=0)] if blameless else []
        if lost := part.mask & ~blameless:
            found += self._state.poison.after_loss(
                replace(part, mask=lost),
                lease.worker,
                is_alone=lease.is_alone,
                is_only_worker=self._state.workers.serving(part.route) <= {lease.worker},
            )
        return found
