"""The parts of batches that wait to be handed out, and how far the input has been read.

Each sink's share of the batches (protocol.shard) has a queue of its own for each route, so that
neither a frozen share nor a route without workers holds up the others.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection, Iterator

import msgspec

from fetcher.leases.frozen_shares import FrozenShares
from fetcher.leases.types import BatchPart

Uncommitted = Callable[[BatchPart], BatchPart | None]


class _Lane(msgspec.Struct):
    """What is queued and read of one share and one route."""

    ready: deque[BatchPart] = msgspec.field(default_factory=deque)
    open_bytes: int = 0  # text of its uncommitted batches
    is_read: bool = False  # to the end of the source


class Queue:
    """The parts that no worker has."""

    def __init__(self, frozen: FrozenShares, routes: int = 1) -> None:
        self._frozen = frozen
        self._routes = range(routes)
        # By share and route, in the order of their turns.
        self._lanes = {
            (index, route): _Lane() for route in self._routes for index in range(len(frozen))
        }
        self._turns = list(self._lanes)
        self._turn = 0  # the lane to take from next
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
        return self._lanes[self._frozen.index(part.batch), part.route].ready

    def pop(
        self, uncommitted: Uncommitted, routes: Collection[int] | None = None
    ) -> BatchPart | None:
        """Take the next part of these routes (None: of all); shares and routes take turns.

        `uncommitted` returns a part without its committed lines, or None if none are left.
        """
        for _ in self._turns:
            index, route = lane = self._turns[self._turn]
            ready = self._lanes[lane].ready
            self._turn = (self._turn + 1) % len(self._turns)
            if routes is not None and route not in routes:
                continue
            while ready and not self._frozen.is_frozen(index):
                if part := uncommitted(ready.popleft()):
                    return part
        return None

    def pop_isolated(
        self, uncommitted: Uncommitted, routes: Collection[int] | None = None
    ) -> BatchPart | None:
        """Take the next line that is to be tried alone; arguments as of `pop`."""
        for _ in range(len(self._isolated)):
            line = self._isolated.popleft()
            is_closed = routes is not None and line.route not in routes
            if is_closed or self._frozen.has_frozen(line.batch):
                self._isolated.append(line)
            elif part := uncommitted(line):
                return part
        return None

    @property
    def has_isolated(self) -> bool:
        """Whether a line waits to be tried alone."""
        return bool(self._isolated)

    def has_ready(self, route: int = 0) -> bool:
        """Whether a part of a route could be handed out now, the isolated ones not included."""
        return any(
            lane.ready and not self._frozen.is_frozen(index) for index, lane in self._of(route)
        )

    def _of(self, route: int) -> Iterator[tuple[int, _Lane]]:
        return ((index, self._lanes[index, route]) for index in range(len(self._frozen)))

    def parts(self, index: int) -> Iterator[BatchPart]:
        """All parts of a share that wait."""
        for route in self._routes:
            yield from self._lanes[index, route].ready
        yield from (part for part in self._isolated if self._frozen.index(part.batch) == index)

    def waiting_of(self, route: int) -> Iterator[BatchPart]:
        """All parts of a route that wait."""
        for _, lane in self._of(route):
            yield from lane.ready
        yield from (part for part in self._isolated if part.route == route)

    def __len__(self) -> int:
        return len(self._isolated) + sum(len(lane.ready) for lane in self._lanes.values())

    # -- reading -----------------------------------------------------------------------------

    def wants_batch(self, index: int, max_open_bytes: int, route: int = 0) -> bool:
        """Whether the source should be read for this share and route."""
        lane = self._lanes[index, route]
        return (
            not lane.is_read
            and not self._frozen.is_frozen(index)
            and not lane.ready
            and lane.open_bytes < max_open_bytes // len(self._lanes)
        )

    def add_open_bytes(self, batch: int, cost_bytes: int, route: int = 0) -> None:
        """So much more (or, where negative, less) text of uncommitted batches is in memory."""
        self._lanes[self._frozen.index(batch), route].open_bytes += cost_bytes

    def read_to_end(self, index: int, route: int = 0, *, is_end: bool = True) -> None:
        """The source has no more of this share and route; if not `is_end`, it has some again."""
        self._lanes[index, route].is_read = is_end

    def is_read(self, index: int) -> bool:
        """Whether all lines of this share have been read, whatever their route."""
        return all(self._lanes[index, route].is_read for route in self._routes)

    def is_read_for(self, route: int) -> bool:
        """Whether all batches of all shares have been read for this route."""
        return all(lane.is_read for _, lane in self._of(route))

    @property
    def is_all_read(self) -> bool:
        """Whether all batches of all shares and routes have been read."""
        return all(lane.is_read for lane in self._lanes.values())

    def is_nothing_to_read(self, route: int = 0) -> bool:
        """Whether all lines of a route have been read, in the shares that are not frozen."""
        return all(lane.is_read or self._frozen.is_frozen(index) for index, lane in self._of(route))
