"""What is handed out, in which order, and how much at a time."""

from __future__ import annotations

from fetcher.leases.flow_control import REST_S
from fetcher.leases.ledger import Ledger
from fetcher.leases.reissuer import HUNGRY_S
from fetcher.leases.types import LeaseRules, WorkerReport
from support.leasing import RULES, batch, claim, ledger, report_slow, take


def test_a_batch_is_handed_out_whole_and_once() -> None:
    made = ledger(batch())
    assignment = take(made)
    assert (assignment.batch.id, assignment.mask) == (0, batch().mask)
    assert made.take(0) is None


def test_no_more_than_two_unclaimed_leases_a_worker_are_out() -> None:
    made = ledger(*(batch(n) for n in range(6)), workers=("a", "b"))
    first = [take(made) for _ in range(4)]
    assert made.take(0) is None
    assert not made.wants_batch()
    made.claimed("a", first[0].lease, 1)
    assert made.take(1) is not None


def test_a_worker_that_takes_nothing_does_not_starve_the_others() -> None:
    made = ledger(*(batch(n) for n in range(12)), workers=("stuck", "idle"))
    made.claimed("stuck", take(made).lease, 0)
    held_up = [take(made) for _ in range(4)]  # all in the pipe of the one that takes nothing
    made.tick(HUNGRY_S)
    assert made.take(HUNGRY_S) is None, "they may still be claimed"
    made.tick(1.1)
    more = [take(made, 1.1) for _ in range(3)]
    made.claimed("idle", more[0].lease, 1.2)
    made.tick(2.5)
    assert take(made, 2.5) and take(made, 2.5)
    assert made.take(2.5) is None, "nobody is hungry: the window holds"
    for each in held_up:
        made.claimed("idle", each.lease, 3)
    assert made.take(3) is None, "what was held up is counted once"


def test_nothing_more_is_sent_while_all_are_busy() -> None:
    made = ledger(*(batch(n) for n in range(8)), workers=("a", "b"))
    for worker in ("a", "b"):
        made.claimed(worker, take(made).lease, 0)
    for _ in range(4):
        take(made)
    made.tick(4)
    assert made.take(4) is None


def test_two_leases_may_be_sent_before_any_worker_is_known() -> None:
    made = Ledger(RULES)
    assert made.wants_batch()
    for n in range(3):
        made.add(batch(n))
    assert made.take(0) and made.take(0)
    assert made.take(0) is None


def test_open_batches_are_bounded_by_their_bytes() -> None:
    small = LeaseRules(max_open_bytes=2000, ahead=100)
    made = Ledger(small)
    count = 0
    while made.wants_batch() and count < 10:
        made.add(batch(count))
        made.claimed("w", take(made).lease, 0)
        count += 1
    assert 1 < count < 10
    made.committed(0, -1, 1)
    assert made.wants_batch()


def test_what_is_committed_already_is_not_handed_out() -> None:
    made = Ledger(RULES)
    made.add(batch(), committed=0b111)
    assert take(made).mask == batch().mask & ~0b111
    made.add(batch(1), committed=batch(1).mask)
    assert made.take(0) is None


def test_what_the_socket_did_not_take_is_handed_out_next() -> None:
    made = ledger(batch(0), batch(1))
    first = take(made)
    made.put_back(first.lease)
    assert take(made).batch.id == 0


def test_what_a_worker_returns_is_handed_out_next_and_costs_nothing() -> None:
    made = ledger(batch(0), batch(1), workers=("full", "idle"))
    first = take(made)
    made.returned("full", first.lease, 0)
    again = take(made)
    assert (again.batch.id, again.mask) == (0, batch().mask)
    assert again.lease != first.lease
    made.returned("full", first.lease, 0)  # said twice
    made.claimed("idle", again.lease, 0)
    made.returned("full", again.lease, 0)  # and of what another has begun
    assert take(made).batch.id == 1
    assert made.redelivered == 0


def test_of_a_returned_lease_only_uncommitted_lines_without_another_lease_come_again() -> None:
    made = ledger(batch(lines=8), workers=("slow", "idle"))
    made.read_to_end()
    report_slow(made, "slow", claim(made, "slow").lease, 30)
    copy = take(made, 30)  # of all that it is
    made.committed(0, 0b11, 30)
    made.worker_left("slow", 31, died=False)
    assert made.take(31) is None, "the copy has these lines"
    made.returned("idle", copy.lease, 31)
    assert take(made, 31 + REST_S).mask == 0xFC


def test_a_returned_copy_is_not_counted() -> None:
    made = ledger(batch(lines=8), workers=("slow", "idle"))
    made.read_to_end()
    report_slow(made, "slow", claim(made, "slow").lease, 30)
    copy = take(made, 30)
    assert made.redelivered == 8
    made.returned("slow", copy.lease, 30)
    assert made.redelivered == 0
    assert take(made, 30).mask == copy.mask


def test_when_all_have_returned_a_lease_it_rests_until_one_may_have_room() -> None:
    made = ledger(*(batch(n) for n in range(4)), workers=("a", "b"))
    held = take(made)
    for worker in ("a", "b"):
        made.returned(worker, take(made, 1).lease, 1)
    assert made.take(1) is None
    assert made.take(1 + REST_S) is not None
    for worker in ("a", "b"):
        made.returned(worker, take(made, 2).lease, 2)
    assert made.take(2) is None
    made.claimed("a", held.lease, 2.1)
    again = take(made, 2.1)  # somebody takes again
    made.returned("b", again.lease, 2.1)
    assert made.take(2.1) is None
    assert made.take(2.1 + REST_S) is not None


def test_a_worker_is_hungry_when_all_is_handed_out_and_not_all_begun() -> None:
    made = ledger(batch(0), batch(1), workers=("slow", "idle"))
    claim(made, "slow")
    waiting = take(made)
    assert not made.is_hungry, "there may be more to read"
    made.read_to_end()
    assert made.is_hungry
    made.returned("slow", waiting.lease, 1)
    assert not made.is_hungry, "it can be handed out"
    claim(made, "idle", 1)
    assert not made.is_hungry


def test_a_worker_whose_lines_are_all_parked_is_hungry() -> None:
    made = ledger(*(batch(n) for n in range(3)), workers=("slow", "idle"))
    made.read_to_end()
    claim(made, "slow")
    parked = claim(made, "idle")
    take(made)
    assert not made.is_hungry
    made.heartbeat("idle", [parked.lease], 1, WorkerReport(parked=[parked.lease]))
    assert made.is_hungry


def test_a_copy_that_the_socket_did_not_take_may_be_made_again() -> None:
    made = ledger(batch(lines=8), workers=("a", "b"))
    made.read_to_end()
    report_slow(made, "a", claim(made, "a").lease, 30)
    copy = take(made, 30)
    made.put_back(copy.lease)
    assert made.redelivered == 0
    assert take(made, 30).mask == copy.mask


def test_lines_that_are_committed_before_their_batch_is_read_are_not_handed_out() -> None:
    made = ledger(batch(0))
    made.committed(1, 0b111, 1)
    made.add(batch(1))
    made.committed(0, -1, 2)
    assert take(made, 2).mask == batch(1).mask & ~0b111


def test_all_rows_are_sent_only_once_every_lease_is_finished() -> None:
    made = ledger(batch(0), batch(1))
    made.read_to_end()
    first, second = claim(made), claim(made)
    assert made.is_all_out
    made.finished("w", first.lease, 1)
    assert not made.is_all_sent
    made.finished("w", second.lease, 1)
    assert made.is_all_sent
