"""Which batches are open, and which leases are out on them.

Law: books only, no decisions; a lease is in the book exactly as long as its batch names it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec

from fetcher.input import lines
from fetcher.leases.queue import Backlog
from fetcher.leases.types import Lease, LeaseState, OpenBatch, Piece
from fetcher.model import Batch


class LeaseBook:
    """Open batches and leases; it tells the backlog what the batches' text costs."""

    def __init__(self, backlog: Backlog) -> None:
        self._backlog = backlog
        self.batches: dict[int, OpenBatch] = {}
        self.leases: dict[int, Lease] = {}  # in the order of issue

    # -- batches -----------------------------------------------------------------------------

    def open(self, batch: Batch, remaining: int) -> None:
        """Lines of the batch are to be fetched."""
        opened = self.batches[batch.id] = OpenBatch(batch, remaining, set(), batch.mask)
        self._backlog.opened(batch.id, opened.cost_bytes)

    def close(self, batch_id: int) -> None:
        """All of it is committed."""
        self._backlog.opened(batch_id, -self.batches.pop(batch_id).cost_bytes)

    def shrink(self, opened: OpenBatch) -> None:
        """Keep only the text that may be needed again.

        A few lines may wait long for their hosts: what they cost must not be the whole batch.
        """
        before_bytes = opened.cost_bytes
        text = lines.select(opened.batch.urls, opened.kept, opened.remaining)
        opened.batch = msgspec.structs.replace(opened.batch, urls=text)
        opened.kept = opened.remaining
        self._backlog.opened(opened.batch.id, opened.cost_bytes - before_bytes)

    def batches_of(self, share: int) -> list[Batch]:
        """The open ones of a share."""
        mine = (each.batch for each in self.batches.values())
        return [batch for batch in mine if self._backlog.index(batch.id) == share]

    def text_of(self, piece: Piece) -> bytes:
        """Its lines' text."""
        opened = self.batches[piece.batch]
        return lines.select(opened.batch.urls, opened.kept, piece.mask)

    def uncommitted(self, piece: Piece) -> Piece | None:
        """The piece without its committed lines; None if all are committed."""
        opened = self.batches.get(piece.batch)
        mask = piece.mask & opened.remaining if opened else 0
        return msgspec.structs.replace(piece, mask=mask) if mask else None

    # -- leases ------------------------------------------------------------------------------

    def issue(self, lease: Lease) -> None:
        """It is out."""
        self.leases[lease.id] = lease
        self.batches[lease.piece.batch].leases.add(lease.id)

    def end(self, lease_id: int) -> Lease | None:
        """It is out no longer; None if it was not."""
        lease = self.leases.pop(lease_id, None)
        if lease is not None:
            self.batches[lease.piece.batch].leases.discard(lease_id)
        return lease

    def leases_of(self, share: int) -> list[Lease]:
        """Those of a share."""
        mine = self.leases.values()
        return [each for each in mine if self._backlog.index(each.piece.batch) == share]

    def claimed(self) -> Iterator[Lease]:
        """Those that a worker has begun."""
        return (each for each in self.leases.values() if each.state is LeaseState.CLAIMED)

    def left_of(self, lease: Lease) -> int:
        """Its uncommitted lines."""
        return lease.piece.mask & self.batches[lease.piece.batch].remaining

    def others(self, lease: Lease) -> list[Lease]:
        """The other leases that are open on its batch."""
        opened = self.batches[lease.piece.batch].leases
        return [self.leases[other] for other in opened if other != lease.id]

    def nowhere_else(self, lease: Lease, others: Iterable[Lease]) -> int:
        """Its uncommitted lines that none of the others has."""
        mask = self.left_of(lease)
        for other in others:
            mask &= ~other.piece.mask
        return mask
