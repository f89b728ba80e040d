"""What takes two parts of the ledger's state."""

from __future__ import annotations

from fetcher.leases.ledger_state import LedgerState
from fetcher.leases.types import BatchPart, Lease
from support.leasing import RULES, batch


def state(shares: int = 1) -> LedgerState:
    made = LedgerState(RULES, shares)
    made.book.open(batch(), batch().mask)
    return made


def issue(of: LedgerState, number: int = 7) -> Lease:
    lease = Lease(number, BatchPart(0, 0b11), issued_at=0, expires_at=10)
    of.book.issue(lease)
    of.flows[0].sent()
    return lease


def test_the_end_of_a_lease_makes_room_for_another() -> None:
    made = state()
    leases = [issue(made, number) for number in range(RULES.ahead)]
    assert not made.flows[0].is_open(workers=1)
    assert made.end(leases[0].id) is leases[0]
    assert made.flows[0].is_open(workers=1)
    assert leases[0].id not in made.book.leases


def test_a_lease_that_is_not_open_is_not_counted() -> None:
    made = state()
    for number in range(RULES.ahead):
        issue(made, number)
    assert made.end(99) is None
    assert not made.flows[0].is_open(workers=1)


def test_the_clock_of_a_lease_stands_still_while_its_share_is_frozen() -> None:
    made = state(shares=2)
    lease = issue(made)  # of batch 0, which is in share 0
    assert made.clock(lease, 5.0) == 5.0
    made.frozen.freeze(6.0, 1)
    assert made.clock(lease, 7.0) == 7.0
    made.frozen.freeze(8.0, 0)
    assert made.clock(lease, 20.0) == 8.0


def test_the_end_is_when_nothing_is_to_be_read_or_handed_out() -> None:
    made = state()
    assert not made.is_end()
    made.queue.push(BatchPart(0, 0b1))
    made.queue.read_to_end(0)
    assert not made.is_end()
    assert made.queue.pop(lambda part: part) is not None
    assert made.is_end()
    made.queue.push(BatchPart(0, 0b1, deaths=1))
    assert made.is_end(), "an isolated line waits for the end"
