"""The parts of batches that wait to be handed out, and how far the input has been read.

Each sink's share of the batches (protocol.shard) has a queue of its own, so that a frozen share
does not hold up the others.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator

import msgspec

from fetcher.leases.frozen_shares import FrozenShares
from fetcher.leases.types import BatchPart

Uncommitted = Callable[[BatchPart], BatchPart | None]


class _Share(msgspec.Struct):
    """What is queued and read of one share."""

    ready: deque[BatchPart] = msgspec.field(default_factory=deque)
    open_bytes: int = 0  # text of its uncommitted batches
    is_read: bool = False  # to the end of the source


class Queue:
    """The parts that no worker has."""

    def __init__(self, frozen: FrozenShares) -> None:
        self._frozen = frozen
        self._shares = [_Share() for _ in range(len(frozen))]
        self._turn = 0  # the share to take from next
        # Single lines that were leased to a worker when it died. They are tried one at a time,
        # while nothing else is in flight: then a death is caused by the line itself.
        self._isolated: deque[BatchPart] = deque()

    # -- parts -------------------------------------------------------------------------------

    def push(self, part: BatchPart) -> None:
        """Add it at the end."""
        self._queue_of(part).append(part)

    def push_first(self, part: BatchPart) -> None:
        """Add it at the front."""
        self._queue_of(part).appendleft(part)

    def _queue_of(self, part: BatchPart) -> deque[BatchPart]:
        if part.is_isolated:
            return self._isolated
        return self._shares[self._frozen.index(part.batch)].ready

    def pop(self, uncommitted: Uncommitted) -> BatchPart | None:
        """Take the next part; the shares take turns.

        `uncommitted` returns a part without its committed lines, or None if none are left.
        """
        for _ in self._shares:
            index = self._turn
            ready = self._shares[index].ready
            self._turn = (index + 1) % len(self._shares)
            while ready and not self._frozen.is_frozen(index):
                if part := uncommitted(ready.popleft()):
                    return part
        return None

    def pop_isolated(self, uncommitted: Uncommitted) -> BatchPart | None:
        """Take the next line that is to be tried alone; `uncommitted` as in `pop`."""
        for _ in range(len(self._isolated)):
            line = self._isolated.popleft()
            if self._frozen.has_frozen(line.batch):
                self._isolated.append(line)
            elif part := uncommitted(line):
                return part
        return None

    @property
    def has_isolated(self) -> bool:
        """Whether a line waits to be tried alone."""
        return bool(self._isolated)

    @property
    def has_ready(self) -> bool:
        """Whether a part could be handed out now, the isolated ones not included."""
        return any(
            share.ready and not self._frozen.is_frozen(index)
            for index, share in enumerate(self._shares)
        )

    def parts(self, index: int) -> Iterator[BatchPart]:
        """All parts of a share that wait."""
        yield from self._shares[index].ready
        yield from (part for part in self._isolated if self._frozen.index(part.batch) == index)

    def __len__(self) -> int:
        return len(self._isolated) + sum(len(share.ready) for share in self._shares)

    # -- reading -----------------------------------------------------------------------------

    def wants_batch(self, index: int, max_open_bytes: int) -> bool:
        """Whether the source should be read for this share."""
        share = self._shares[index]
        return (
            not share.is_read
            and not self._frozen.is_frozen(index)
            and not share.ready
            and share.open_bytes < max_open_bytes // len(self._shares)
        )

    def add_open_bytes(self, batch: int, cost_bytes: int) -> None:
        """So much more (or, where negative, less) text of uncommitted batches is in memory."""
        self._shares[self._frozen.index(batch)].open_bytes += cost_bytes

    def read_to_end(self, index: int, *, is_end: bool = True) -> None:
        """The source has no more batches of this share; if not `is_end`, it has some again."""
        self._shares[index].is_read = is_end

    def is_read(self, index: int) -> bool:
        """Whether all batches of this share have been read."""
        return self._shares[index].is_read

    @property
    def is_all_read(self) -> bool:
        """Whether all batches of all shares have been read."""
        return all(share.is_read for share in self._shares)

    @property
    def is_nothing_to_read(self) -> bool:
        """Whether all batches of the shares that are not frozen have been read."""
        return all(
            share.is_read or self._frozen.is_frozen(index)
            for index, share in enumerate(self._shares)
        )
