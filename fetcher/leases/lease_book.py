"""The open batches, and the open leases on their lines.

This module keeps records and makes no decisions. A lease is in `leases` exactly as long as its
batch names it in `OpenBatch.leases`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec

from fetcher.input import lines
from fetcher.leases.frozen_shares import FrozenShares
from fetcher.leases.queue import Queue
from fetcher.leases.types import BatchPart, Key, Lease, LeaseState, OpenBatch
from fetcher.model import Batch


class LeaseBook:
    """Open batches and leases; it reports the batches' memory to the queue."""

    def __init__(self, queue: Queue, frozen: FrozenShares) -> None:
        self._queue = queue
        self._frozen = frozen
        self.batches: dict[Key, OpenBatch] = {}
        self._routes: dict[int, list[int]] = {}  # by batch: those with uncommitted lines
        self.leases: dict[int, Lease] = {}  # in the order of issue
        self._of_worker: dict[str, set[int]] = {}  # the leases that it has claimed
        self._sent: dict[int, Lease] = {}  # those that nobody has claimed
        self._alone: dict[int, Lease] = {}  # those of a single line when they were handed out

    # -- batches -----------------------------------------------------------------------------

    def open(self, batch: Batch, remaining: int, in_memory: int = -1, route: int = 0) -> None:
        """Add a batch of which the lines in `remaining`, all of this route, are to be fetched.

        `in_memory`: the lines whose text it has; -1: all URL lines.
        """
        in_memory = batch.mask if in_memory == -1 else in_memory
        opened = OpenBatch(batch, remaining, set(), in_memory, in_memory)
        self.batches[batch.id, route] = opened
        self._routes.setdefault(batch.id, []).append(route)
        self._queue.add_open_bytes(batch.id, opened.cost_bytes, route)

    def grow(self, batch: Batch, mask: int, route: int = 0) -> None:
        """Add lines to a batch, which may be open; `batch` has their texts."""
        opened = self.batches.get((batch.id, route))
        if opened is None:
            self.open(batch, mask, mask, route)
            return
        before_bytes = opened.cost_bytes
        text = lines.merge(opened.batch.urls, opened.in_memory, batch.urls, mask)
        opened.batch = msgspec.structs.replace(opened.batch, urls=text)
        opened.remaining |= mask
        opened.in_memory |= mask
        opened.lines |= mask
        self._queue.add_open_bytes(batch.id, opened.cost_bytes - before_bytes, route)

    def opened(self, batch_id: int) -> list[tuple[int, OpenBatch]]:
        """The routes of a batch that have uncommitted lines, and these lines."""
        return [(route, self.batches[batch_id, route]) for route in self._routes.get(batch_id, ())]

    def close(self, batch_id: int, route: int = 0) -> None:
        """Remove a batch whose lines of this route are all committed."""
        closed = self.batches.pop((batch_id, route))
        self._routes[batch_id].remove(route)
        if not self._routes[batch_id]:
            del self._routes[batch_id]
        self._queue.add_open_bytes(batch_id, -closed.cost_bytes, route)

    def shrink(self, opened: OpenBatch, route: int = 0) -> None:
        """Drop the text of committed lines.

        A few lines may wait long for their hosts. They should not keep the whole batch in memory.
        """
        before_bytes = opened.cost_bytes
        text = lines.select(opened.batch.urls, opened.in_memory, opened.remaining)
        opened.batch = msgspec.structs.replace(opened.batch, urls=text)
        opened.in_memory = opened.remaining
        self._queue.add_open_bytes(opened.batch.id, opened.cost_bytes - before_bytes, route)

    def batches_of(self, share: int) -> list[Batch]:
        """The open batches of a share; one with lines of several routes comes several times."""
        found = (each.batch for each in self.batches.values())
        return [batch for batch in found if self._frozen.index(batch.id) == share]

    def text_of(self, part: BatchPart) -> bytes:
        """The text of its lines."""
        opened = self.batches[part.key]
        return lines.select(opened.batch.urls, opened.in_memory, part.mask)

    def uncommitted(self, part: BatchPart) -> BatchPart | None:
        """The part without its committed lines; None if all are committed."""
        opened = self.batches.get(part.key)
        mask = part.mask & opened.remaining if opened else 0
        return msgspec.structs.replace(part, mask=mask) if mask else None

    # -- leases ------------------------------------------------------------------------------

    def issue(self, lease: Lease) -> None:
        """Add a lease."""
        self.leases[lease.id] = lease
        self.batches[lease.part.key].leases.add(lease.id)
        if lease.state is LeaseState.SENT:
            self._sent[lease.id] = lease
        if lease.is_alone:
            self._alone[lease.id] = lease
        if lease.worker:
            self._of_worker.setdefault(lease.worker, set()).add(lease.id)

    def end(self, lease_id: int) -> Lease | None:
        """Remove a lease and return it; None if it is not open."""
        lease = self.leases.pop(lease_id, None)
        if lease is None:
            return None
        self._sent.pop(lease_id, None)
        self._alone.pop(lease_id, None)
        self.batches[lease.part.key].leases.discard(lease_id)
        if lease.worker:
            of_worker = self._of_worker[lease.worker]
            of_worker.discard(lease_id)
            if not of_worker:
                del self._of_worker[lease.worker]
        return lease

    def claim(self, lease: Lease, worker: str) -> None:
        """Note that a worker has claimed a lease."""
        lease.state, lease.worker = LeaseState.CLAIMED, worker
        self._sent.pop(lease.id, None)
        self._of_worker.setdefault(worker, set()).add(lease.id)

    def leases_of(self, share: int) -> list[Lease]:
        """The open leases of a share."""
        return [
            lease for lease in self.leases.values() if self._frozen.index(lease.part.batch) == share
        ]

    def parts_of(self, share: int) -> Iterator[BatchPart]:
        """Yield the parts of the leases of a share; nothing is looked at until it is read."""
        for lease in self.leases_of(share):
            yield lease.part

    def sent(self) -> Iterable[Lease]:
        """The leases that nobody has claimed, in the order of issue."""
        return self._sent.values()

    def isolated(self) -> Iterator[Lease]:
        """The leases of isolated lines; a copy is none of them."""
        return (each for each in self._alone.values() if each.part.is_isolated)

    def claimed(self) -> Iterator[Lease]:
        """The leases that a worker has claimed and not finished."""
        return (each for each in self.leases.values() if each.state is LeaseState.CLAIMED)

    def of_worker(self, worker: str) -> list[Lease]:
        """The leases that this worker has claimed, finished or not, in the order of issue."""
        return [self.leases[each] for each in sorted(self._of_worker.get(worker, ()))]

    def uncommitted_mask(self, lease: Lease) -> int:
        """The uncommitted lines of a lease."""
        return lease.part.mask & self.batches[lease.part.key].remaining

    def others(self, lease: Lease) -> list[Lease]:
        """The other open leases on the same batch and route."""
        opened = self.batches[lease.part.key].leases
        return [self.leases[other] for other in opened if other != lease.id]

    def only_in(self, lease: Lease, others: Iterable[Lease]) -> int:
        """The uncommitted lines of a lease that none of the others has."""
        mask = self.uncommitted_mask(lease)
        for other in others:
            mask &= ~other.part.mask
        return mask
