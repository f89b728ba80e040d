"""The records of open batches and leases, and the memory of batches as the queue counts it."""

from __future__ import annotations

from msgspec.structs import replace

from fetcher.leases.frozen_shares import FrozenShares
from fetcher.leases.lease_book import LeaseBook
from fetcher.leases.queue import Queue
from fetcher.leases.types import BatchPart, Lease, LeaseState
from support.leasing import batch

LINES = 4
ALL = (1 << LINES) - 1


def book(*numbers: int, shares: int = 1) -> tuple[LeaseBook, Queue]:
    """A book with these batches of four lines."""
    frozen = FrozenShares(shares)
    queue = Queue(frozen)
    made = LeaseBook(queue, frozen)
    for number in numbers:
        made.open(batch(number, LINES), ALL)
    return made, queue


def lease(number: int, of: int = 0, mask: int = ALL) -> Lease:
    return Lease(number, BatchPart(of, mask), 0.0, 10.0)


def is_full(queue: Queue, max_open_bytes: int) -> bool:
    return not queue.wants_batch(0, max_open_bytes)


def test_the_queue_counts_a_batch_from_its_opening_to_its_close() -> None:
    made, queue = book()
    assert not is_full(queue, 1)
    made.open(batch(0, LINES), ALL)
    cost_bytes = made.batches[0, 0].cost_bytes
    assert is_full(queue, cost_bytes)
    assert not is_full(queue, cost_bytes + 1)
    made.close(0)
    assert not is_full(queue, 1)
    assert not made.batches


def test_a_batch_that_shrinks_keeps_only_the_text_of_its_uncommitted_lines() -> None:
    made, queue = book(0)
    opened = made.batches[0, 0]
    cost_bytes = opened.cost_bytes
    opened.remaining = 0b1010
    made.shrink(opened)
    assert opened.batch.urls == b"u1\nu3"
    assert opened.in_memory == 0b1010
    assert cost_bytes - opened.cost_bytes == len(b"u0\nu2\n")
    assert is_full(queue, opened.cost_bytes)
    assert not is_full(queue, opened.cost_bytes + 1)
    assert made.text_of(BatchPart(0, 0b1000)) == b"u3"
    made.close(0)
    assert not is_full(queue, 1)


def test_a_part_without_its_committed_lines() -> None:
    made, _ = book(0)
    made.batches[0, 0].remaining = 0b0110
    assert made.uncommitted(BatchPart(0, 0b0011, deaths=2)) == BatchPart(0, 0b0010, deaths=2)
    assert made.uncommitted(BatchPart(0, 0b1001)) is None
    assert made.uncommitted(BatchPart(7, ALL)) is None, "the batch is closed"


def test_a_lease_is_known_to_its_batch_from_its_issue_to_its_end() -> None:
    made, _ = book(0, 1)
    first, second, other = lease(1), lease(2), lease(3, of=1)
    for each in (first, second, other):
        made.issue(each)
    assert made.others(first) == [second]
    assert made.end(2) is second
    assert made.others(first) == []
    assert made.end(2) is None
    assert made.end(99) is None
    assert list(made.leases) == [1, 3]


def test_only_the_uncommitted_lines_that_no_other_lease_has() -> None:
    made, _ = book(0)
    first, second = lease(1), lease(2, mask=0b0010)
    made.issue(first)
    made.issue(second)
    made.batches[0, 0].remaining = 0b0111
    assert made.uncommitted_mask(first) == 0b0111
    assert made.only_in(first, made.others(first)) == 0b0101
    assert made.only_in(second, made.others(second)) == 0
    assert made.only_in(first, []) == 0b0111


def test_claimed_leases_are_those_that_a_worker_began_and_did_not_finish() -> None:
    made, _ = book(0)
    for number, state in enumerate(LeaseState):
        each = lease(number)
        each.state = state
        made.issue(each)
    assert [each.state for each in made.claimed()] == [LeaseState.CLAIMED]


def test_the_leases_of_a_worker_are_found_by_its_name_until_they_end() -> None:
    made, _ = book(0)
    for number in range(3):
        made.issue(lease(number))
    for number in (2, 0):
        made.claim(made.leases[number], "w")
    made.claim(made.leases[1], "other")
    assert [each.id for each in made.of_worker("w")] == [0, 2], "in the order of issue"
    made.leases[0].state = LeaseState.FINISHED
    assert [each.id for each in made.of_worker("w")] == [0, 2]
    assert made.of_worker("nobody") == []
    for number in range(3):
        made.end(number)
    assert made.of_worker("w") == []
    assert not made._of_worker, "nothing is kept of workers that are gone"


def test_leases_that_nobody_has_claimed_are_found_until_they_end() -> None:
    made, _ = book(0)
    for number in range(3):
        made.issue(lease(number))
    made.claim(made.leases[1], "w")
    assert [each.id for each in made.sent()] == [0, 2]
    made.end(0)
    assert [each.id for each in made.sent()] == [2]


def test_isolated_lines_are_found_among_the_leases_of_single_lines() -> None:
    made, _ = book(0)
    isolated, part = lease(1, mask=1), lease(2, mask=6)
    shrunk, other = lease(3, mask=8), lease(4, mask=8)
    for each in (isolated, part, shrunk):
        each.part = replace(each.part, deaths=1)
    for each in (isolated, other):  # the lines that `shrunk` had with its last are committed
        each.is_alone = True
    for each in (isolated, part, shrunk, other):
        made.issue(each)
    assert [each.id for each in made.isolated()] == [1]
    made.end(1)
    assert list(made.isolated()) == []


def test_batches_and_leases_belong_to_the_share_of_their_sink() -> None:
    made, _ = book(0, 1, 2, shares=2)
    for number in range(3):
        made.issue(lease(10 + number, of=number))
    assert [each.id for each in made.batches_of(0)] == [0, 2]
    assert [each.id for each in made.leases_of(1)] == [11]
