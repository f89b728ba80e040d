"""Decides what is queued again when a lease lapses, its worker dies, or its rows are lost."""

from __future__ import annotations

from typing import Final

from msgspec.structs import replace

from fetcher.leases.parts import LedgerParts
from fetcher.leases.types import BatchPart, Lease, LeaseState

# An unclaimed lease of this age is excluded from flow control while another worker is idle.
HUNGRY_S: Final = 0.3


class Reissuer:
    """Ends leases, and queues those of their lines that no other lease has."""

    def __init__(self, parts: LedgerParts) -> None:
        self._parts = parts
        self.lines = 0  # queued again so far, copies not included

    def reissue(self, lease: Lease, *, died: bool) -> None:
        """End the lease; `died`: it may have killed its worker."""
        parts = self._parts
        parts.end(lease.id)
        if lease.is_copy:
            # The copy may have gone to the worker that has its lines already and skips them.
            parts.copies.failed(lease)
        others = (other for other in parts.book.others(lease) if not other.is_uncounted)
        mask = parts.book.only_in(lease, others)
        if not mask:
            return
        self.lines += mask.bit_count()
        for part in self._instead_of(lease, mask, died=died):
            parts.queue.push(part)

    def take_back(self, lease: Lease, mask: int) -> None:
        """The worker does not fetch these lines of the lease: queue them for another worker."""
        parts = self._parts
        rest = lease.part.mask & ~mask
        if not rest & parts.book.batches[lease.part.batch].remaining:
            parts.end(lease.id)
        wanted = parts.book.only_in(lease, parts.book.others(lease)) & mask
        if lease.is_copy:
            parts.copies.uncount(mask & ~wanted)
            parts.copies.failed(lease, mask)
        lease.part = replace(lease.part, mask=rest)
        if wanted:
            parts.queue.push_first(replace(lease.part, mask=wanted))

    # -- time --------------------------------------------------------------------------------

    def lapse(self, now: float) -> None:
        """Reissue the leases that have expired, unless their share is frozen."""
        parts = self._parts
        for lease in list(parts.book.leases.values()):
            if lease.expires_at <= now and not parts.frozen.has_frozen(lease.part.batch):
                died = lease.is_orphan if lease.state is LeaseState.SENT else True
                self.reissue(lease, died=died and lease.state is not LeaseState.FINISHED)

    def serve_idle_workers(self, now: float, *, has_room: bool) -> None:
        """See that a worker without a lease gets one; `has_room`: whether one may be sent.

        A worker that takes nothing may have all unclaimed leases in its pipe. These are excluded
        from flow control, so that others are sent; the pipe is soon full, so this has a limit. At
        the end, leases that no worker reports are reissued: they were sent to a worker that left.
        """
        parts = self._parts
        busy = {lease.worker for lease in parts.book.claimed()}
        if busy.issuperset(parts.workers.names):
            return
        is_end = parts.is_end
        # In this time each living worker has reported twice what waits in its pipe.
        unseen_s = max(parts.rules.tail_after_s, 2 * parts.rules.silent_s)
        for lease in list(parts.book.leases.values()):
            if lease.state is not LeaseState.SENT or parts.frozen.has_frozen(lease.part.batch):
                continue
            if is_end and now - lease.seen_at > unseen_s:
                self.reissue(lease, died=False)
            elif not has_room and not lease.is_uncounted and now - lease.issued_at > HUNGRY_S:
                parts.flow.exclude(lease)

    # -- replacements ------------------------------------------------------------------------

    def _instead_of(self, lease: Lease, mask: int, *, died: bool) -> list[BatchPart]:
        """The parts to queue for these lines of an ended lease."""
        part = replace(lease.part, mask=mask)
        if lease.state is LeaseState.FINISHED:
            return self._instead_of_finished(lease, part)
        # (While its share is frozen, commits of the lease cannot be seen: it is not blamed.)
        if died and not lease.has_progressed and not self._parts.frozen.has_frozen(part.batch):
            return self._parts.poison.after_death(
                part, is_alone=lease.is_alone, is_parked=lease.is_parked
            )
        return [replace(part, spared=0)]

    def _instead_of_finished(self, lease: Lease, part: BatchPart) -> list[BatchPart]:
        """Its rows were sent, and should have been committed by now."""
        is_excused = lease.is_excused or lease.is_copy
        blameless = part.mask if is_excused else part.mask & lease.skipped
        found = [replace(part, mask=blameless, spared=0)] if blameless else []
        if lost := part.mask & ~blameless:
            found += self._parts.poison.after_loss(
                replace(part, mask=lost),
                lease.worker,
                is_alone=lease.is_alone,
                is_only_worker=set(self._parts.workers.names) <= {lease.worker},
            )
        return found
