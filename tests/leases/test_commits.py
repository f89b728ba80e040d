"""What commits change in leases and in the memory."""

from __future__ import annotations

from msgspec.structs import replace

from fetcher.leases.commits import commit
from fetcher.leases.ledger_state import LedgerState
from fetcher.leases.types import BatchPart, Lease, LeaseState
from support.leasing import RULES, batch

LEFT, RIGHT = 0x00FF, 0xFF00
WITH_TEXTS_OF_8 = replace(batch(), urls=b"\n".join([b"u"] * 8))


def of_two_routes() -> tuple[LedgerState, Lease, Lease]:
    """A batch of 16 lines; the first 8 are of route 0, the others of route 1; a lease of each."""
    state = LedgerState(RULES, 1, 2)
    leases = []
    for route, mask in enumerate((LEFT, RIGHT)):
        state.book.open(WITH_TEXTS_OF_8, mask, mask, route)
        part = BatchPart(0, mask, route=route)
        leases.append(Lease(route + 1, part, 0.0, 10.0, LeaseState.CLAIMED, "w"))
        state.book.issue(leases[route])
    return state, leases[0], leases[1]


def test_a_commit_ends_the_leases_whose_lines_are_all_committed_and_renews_others() -> None:
    state, left, right = of_two_routes()
    assert commit(state, 0, LEFT | 0x0100, 5) == 0
    assert left.id not in state.book.leases
    assert (right.has_progressed, right.expires_at) == (True, 5 + RULES.stall_s)
    assert [route for route, _ in state.book.opened(0)] == [1]


def test_a_commit_without_new_lines_is_no_progress() -> None:
    state, _, right = of_two_routes()
    commit(state, 0, LEFT, 5)
    assert (right.has_progressed, right.expires_at) == (False, 10.0)


def test_lines_that_no_route_has_added_are_returned() -> None:
    state = LedgerState(RULES, 1, 2)
    state.book.open(WITH_TEXTS_OF_8, LEFT, LEFT, 0)
    assert commit(state, 0, 0x0F0F, 1) == 0x0F00
    assert commit(state, 7, 0b11, 1) == 0b11
