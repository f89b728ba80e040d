"""Decides what is handed out next, and when.

Order: parts that wait, in turn for each share and route; then isolated lines (which may kill
workers), one at a time and only while nothing else is in flight; then, at the end of a route,
second copies of its slow lines.
"""

from __future__ import annotations

from collections.abc import Collection

from fetcher.leases.ledger_state import LedgerState
from fetcher.leases.types import Assignment, BatchPart, Lease, LeaseState


class Issuer:
    """Takes parts from the queue and puts them under leases."""

    def __init__(self, state: LedgerState, first_lease: int) -> None:
        """`first_lease`: the number of the first lease; they count up from there."""
        self._state = state
        self._next_lease = first_lease
        self._began_at: float | None = None

    def has_room(self, route: int = 0) -> bool:
        """Whether another lease of a route may be sent."""
        state = self._state
        workers = len(state.workers.serving(route))
        return not state.frozen.is_all_frozen and state.flows[route].is_open(workers)

    def take(self, now: float, closed: Collection[int] = ()) -> Assignment | None:
        """Lease the next part, from now on. Return None if no part waits, or no
        route has room.

        `closed`: routes that take nothing now.
        """
        if self._began_at is None:
            self._began_at = now
        state = self._state
        routes = [
            route
            for route in state.routes
            if route not in closed
            and self.has_room(route)
            and not state.flows[route].is_resting(now)
        ]
        if not routes or self._isolated_is_out(now):
            return None
        if part := self._next_part(now, routes):
            return self._issue(part, now, is_copy=False)
        for route in routes:
            if state.queue.is_nothing_to_read(route) and (part := self._tail_copy(now, route)):
                return self._issue(part, now, is_copy=True)
        return None

    def _issue(self, part: BatchPart, now: float, *, is_copy: bool) -> Assignment:
        book, expires_at = self._state.book, now + self._state.rules.unclaimed_s
        lease = Lease(self._next_lease, part, now, expires_at, is_copy=is_copy, seen_at=now)
        lease.is_alone = part.mask.bit_count() == 1 and not is_copy
        self._next_lease += 1
        book.issue(lease)
        self._state.flow(lease).sent()
        batch, text = book.batches[part.key].batch, book.text_of(part)
        return Assignment(lease.id, batch, part.mask, text, part.route)

    def put_back(self, lease_id: int) -> None:
        """The socket did not take the assignment."""
        lease = self._state.end(lease_id)
        if lease and lease.is_copy:
            self._state.copies.uncount(lease.part.mask)
            self._state.copies.failed(lease)
        elif lease:
            self._state.queue.push_first(lease.part)

    # -- candidates --------------------------------------------------------------------------

    def _next_part(self, now: float, routes: Collection[int]) -> BatchPart | None:
        queue, uncommitted = self._state.queue, self._state.book.uncommitted
        part = queue.pop(uncommitted, routes)
        while part and part.is_isolated:
            # Its other lines were committed meanwhile, so now it is a single line.
            queue.push(part)
            part = queue.pop(uncommitted, routes)
        if part is None and queue.has_isolated and self._is_quiet(now):
            part = queue.pop_isolated(uncommitted, routes)
        return part

    def _tail_copy(self, now: float, route: int) -> BatchPart | None:
        has_others = len(self._state.workers.serving(route)) > 1
        return self._state.copies.next(now, route) if has_others else None

    # -- isolated lines ----------------------------------------------------------------------

    def _is_quiet(self, now: float) -> bool:
        """Whether no worker has anything else that its death could be blamed on.

        A worker may still hold what an earlier ventilator gave it, or what another worker has
        committed since. Its heartbeats say so, and all workers have been heard after `silent_s`.
        """
        rules, workers = self._state.rules, self._state.workers
        return (
            self._began_at is not None
            and now - self._began_at > rules.silent_s
            and not workers.may_hold_stale(now, rules.stall_s)
            and not any(self._may_kill(lease, now) for lease in self._state.book.leases.values())
        )

    def _isolated_is_out(self, now: float) -> bool:
        return any(self._may_kill(lease, now) for lease in self._state.book.isolated())

    def _may_kill(self, lease: Lease, now: float) -> bool:
        """Whether some line of the lease may be in flight.

        A lease whose sink is cut off does not end, but after `stall_s` no fetch of it goes on, and
        nothing new of its share is handed out.
        """
        if lease.state is LeaseState.FINISHED:
            return False
        return self._state.frozen.cut_off_s(lease.part.batch, now) < self._state.rules.stall_s
