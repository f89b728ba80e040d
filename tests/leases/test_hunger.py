"""Which routes have workers with too little to do."""

from __future__ import annotations

import pytest

from fetcher.leases.hunger import hungry_routes
from fetcher.leases.ledger_state import LedgerState
from fetcher.leases.types import BatchPart, Lease, LeaseState
from support.leasing import RULES, batch

A, B = 0, 1


@pytest.fixture
def state() -> LedgerState:
    """Two routes, read to their end; `busy` and `idle` serve A, `other` serves B."""
    made = LedgerState(RULES, 1, 2)
    for worker, route in (("busy", A), ("idle", A), ("other", B)):
        made.workers.heard(worker, 0.0)
        made.workers.note_routes(worker, frozenset({route}))
    for route, mask in ((A, 0x00FF), (B, 0xFF00)):
        made.queue.read_to_end(0, route)
        made.book.open(batch(), mask, mask, route)
    lease(made, 1, "other", BatchPart(0, 0xFF00, route=B))
    return made


def lease(state: LedgerState, number: int, worker: str, part: BatchPart) -> Lease:
    """A lease; without a worker, it is not claimed."""
    kind = LeaseState.CLAIMED if worker else LeaseState.SENT
    made = Lease(number, part, 0.0, 10.0, kind, worker)
    state.book.issue(made)
    return made


def test_an_idle_worker_is_hungry_where_another_worker_of_its_route_has_lines(
    state: LedgerState,
) -> None:
    assert hungry_routes(state) == [], "nobody has lines of A"
    lease(state, 2, "busy", BatchPart(0, 0x00FF, route=A))
    assert hungry_routes(state) == [A]


def test_lines_that_nobody_has_claimed_may_be_returned_too(state: LedgerState) -> None:
    lease(state, 2, "", BatchPart(0, 0x00FF, route=A))
    assert hungry_routes(state) == [A]


def test_nobody_is_hungry_while_lines_of_the_route_wait_or_may_be_read(state: LedgerState) -> None:
    lease(state, 2, "busy", BatchPart(0, 0x00FF, route=A))
    state.queue.push(BatchPart(0, 0x000F, route=A))
    assert hungry_routes(state) == []
    assert state.queue.pop(state.book.uncommitted, [A])
    assert hungry_routes(state) == [A]
    state.queue.read_to_end(0, A, is_end=False)
    assert hungry_routes(state) == []


def test_a_worker_that_says_so_is_hungry_though_it_has_a_lease(state: LedgerState) -> None:
    lease(state, 2, "busy", BatchPart(0, 0x000F, route=A))
    lease(state, 3, "idle", BatchPart(0, 0x00F0, route=A))
    assert hungry_routes(state) == []
    state.workers.note_hunger("idle", is_hungry=True)
    assert hungry_routes(state) == [A]


def test_parked_lines_keep_no_worker_busy(state: LedgerState) -> None:
    lease(state, 2, "busy", BatchPart(0, 0x000F, route=A)).is_parked = True
    assert hungry_routes(state) == [], "nobody has lines to spare"
    lease(state, 3, "idle", BatchPart(0, 0x00F0, route=A))
    assert hungry_routes(state) == [A]
