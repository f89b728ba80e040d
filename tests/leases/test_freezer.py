"""The times of leases and workers while shares of the list are frozen."""

from __future__ import annotations

from fetcher.leases.freezer import Freezer
from fetcher.leases.ledger_state import LedgerState
from fetcher.leases.types import BatchPart, Lease, LeaseState
from support.leasing import RULES, batch


def of_two_shares() -> tuple[LedgerState, Freezer, Lease, Lease]:
    """A batch of each share, both under a lease that was issued at 0 and expires at 10."""
    state = LedgerState(RULES, 2)
    leases = []
    for number in (0, 1):
        state.book.open(batch(number), batch().mask)
        part = BatchPart(number, batch().mask)
        leases.append(Lease(number + 1, part, 0.0, 10.0, LeaseState.CLAIMED, "w"))
        state.book.issue(leases[number])
    state.workers.heard("w", 0.0)
    return state, Freezer(state), leases[0], leases[1]


def test_a_share_that_goes_on_moves_the_times_of_its_own_leases_alone() -> None:
    _, freezer, first, second = of_two_shares()
    freezer.freeze(2, 0)
    freezer.thaw(7, 0)
    assert (first.expires_at, first.issued_at, first.seen_at) == (15.0, 5.0, 5.0)
    assert (second.expires_at, second.issued_at) == (10.0, 0.0)
    assert (first.is_excused, second.is_excused) == (True, False)


def test_workers_are_not_silent_only_if_all_was_frozen() -> None:
    state, freezer, _, _ = of_two_shares()
    freezer.freeze(2, 0)
    freezer.thaw(90, 0)
    assert state.workers.silent(90, 5) == ["w"]
    freezer.freeze(91, 0)
    freezer.freeze(91, 1)
    freezer.thaw(180, 0)
    assert state.workers.silent(180, 5) == []


def test_a_pause_moves_all_times_and_a_share_whose_sink_is_away_stays_frozen() -> None:
    state, freezer, first, second = of_two_shares()
    freezer.freeze(1, 1)
    state.frozen.pause(2)
    freezer.resume(5)
    assert (first.expires_at, second.expires_at) == (13.0, 10.0)
    assert (state.frozen.is_frozen(0), state.frozen.is_frozen(1)) == (False, True)
    freezer.thaw(11, 1)
    assert second.expires_at == 20.0


def test_a_sink_that_comes_back_in_a_pause_does_not_end_it() -> None:
    state, freezer, first, _ = of_two_shares()
    freezer.freeze(1, 0)
    state.frozen.pause(2)
    freezer.thaw(3, 0)
    assert state.frozen.is_frozen(0)
    freezer.resume(4)
    assert first.expires_at == 13.0


def test_leases_of_a_share_that_is_away_do_not_count_in_flow_control_until_it_is_back() -> None:
    state = LedgerState(RULES, 1)
    state.book.open(batch(), batch().mask)
    state.book.issue(Lease(1, BatchPart(0, batch().mask), 0.0, 10.0))
    state.flows[0].sent()
    freezer = Freezer(state)
    before = state.book.leases[1].is_uncounted
    freezer.freeze(1, 0)
    assert (before, state.book.leases[1].is_uncounted) == (False, True)
    freezer.thaw(2, 0)
    assert not state.book.leases[1].is_uncounted
