"""Leases of several routes: each has its own queue, flow control, tail and workers."""

from __future__ import annotations

from fetcher.input.source_info import SourceInfo
from fetcher.leases.ledger import Ledger
from fetcher.leases.sink_session import SinkSession
from fetcher.leases.types import WorkerReport
from fetcher.model import Batch
from fetcher.protocol import messages
from fetcher.protocol.shard import Share
from fetcher.protocol.totals import Totals
from support.leasing import RULES, batch
from support.sim.routing import SimRouting

A, B = 0, 1
LEFT, RIGHT = 0b0011, 0b1100  # the lines of each route in a batch of four


def part(number: int, mask: int) -> Batch:
    whole = batch(number, 4)
    return Batch(whole.id, whole.first_line, whole.mask, b"\n".join([b"u"] * mask.bit_count()))


def ledger() -> Ledger:
    """Two batches of both routes; worker `a` serves A, worker `b` serves B."""
    made = Ledger(RULES, routes=2)
    made.heartbeat("a", [], 0, WorkerReport(routes=frozenset({A})))
    made.heartbeat("b", [], 0, WorkerReport(routes=frozenset({B})))
    for route, mask in ((A, LEFT), (B, RIGHT)):
        made.add(part(0, mask), route=route, lines=mask)
        made.read_to_end(0, route)
    return made


def test_an_assignment_has_lines_of_one_route() -> None:
    made = ledger()
    first, second = made.take(0), made.take(0)
    assert first is not None and second is not None
    assert {(each.route, each.mask) for each in (first, second)} == {(A, LEFT), (B, RIGHT)}
    assert made.take(0) is None


def test_a_route_that_takes_nothing_does_not_hold_up_the_other() -> None:
    made = ledger()
    first = made.take(0)
    assert first is not None
    made.put_back(first.lease)
    second = made.take(0, {first.route})
    assert second is not None and second.route != first.route
    assert made.take(0, {A, B}) is None


def test_lines_that_come_back_stay_on_their_route() -> None:
    made = ledger()
    for each in (made.take(0), made.take(0)):
        assert each is not None
        made.claimed("ab"[each.route], each.lease, 0)
    made.worker_left("a", 1, died=False)
    found = made.take(1)
    assert found is not None and (found.route, found.mask) == (A, LEFT)
    made.claimed("a2", found.lease, 1)
    made.worker_left("a2", 2, died=True)
    parts = list(made._queue.waiting_of(A))
    assert sorted(part.mask for part in parts) == [0b01, 0b10], "they are blamed, and split"


def test_a_worker_that_dies_is_not_blamed_for_unclaimed_leases_of_another_route() -> None:
    made = ledger()
    for _ in range(2):
        assert made.take(0) is not None
    made.worker_left("a", 1, died=True)
    assert [lease.is_orphan for lease in made.leases if lease.part.route == B] == [False]
    assert [lease.is_orphan for lease in made.leases if lease.part.route == A] == [True]


def test_slow_lines_are_copied_only_if_another_worker_of_the_route_lives() -> None:
    made = ledger()
    for each in (made.take(0), made.take(0)):
        assert each is not None
        made.claimed("ab"[each.route], each.lease, 0)
        report = WorkerReport(slow={each.lease: each.mask}, routes=frozenset({each.route}))
        made.heartbeat("ab"[each.route], [each.lease], 21, report)
    assert made.take(21) is None
    made.heartbeat("b2", [], 21, WorkerReport(routes=frozenset({B})))
    copy = made.take(21)
    assert copy is not None and (copy.route, copy.mask) == (B, RIGHT)


def test_a_hungry_worker_gets_lines_of_its_own_routes_alone() -> None:
    made = ledger()
    for each in (made.take(0), made.take(0)):
        assert each is not None
        made.claimed("ab"[each.route], each.lease, 0)
    assert made.hungry_routes == []
    made.heartbeat("a2", [], 0, WorkerReport(is_hungry=True, routes=frozenset({A})))
    assert made.hungry_routes == [A]
    made.heartbeat("ab2", [], 0, WorkerReport(is_hungry=True))
    assert made.hungry_routes == [A, B], "a worker that names no routes serves all"


def test_a_commit_counts_for_the_routes_that_have_read_the_lines_and_for_those_that_will() -> None:
    made = Ledger(RULES, routes=2)
    made.add(part(0, LEFT), route=A, lines=LEFT)
    made.committed(0, 0b0101, 0)
    assert made.remaining(0) == 0b0010
    made.add(part(0, RIGHT), route=B, lines=RIGHT)
    assert made.remaining(0) == 0b1010
    made.committed(0, 0b1111, 0)
    assert (made.remaining(0), made.open_count) == (0, 0)
    assert not made._committed_ahead, "nothing is kept once all routes have read it"


def test_a_route_is_read_ahead_by_one_part_while_nobody_serves_it() -> None:
    made = Ledger(RULES, routes=2)
    assert made.wants_batch(0, A) and made.wants_batch(0, B)
    made.add(part(0, LEFT), route=A, lines=LEFT)
    assert not made.wants_batch(0, A)
    assert made.wants_batch(0, B)


def session(batch_size: int = 4) -> SinkSession:
    by_line = {line: B for line in range(1, 1000) if line % 4 in (3, 0)}
    made = SinkSession(Share(), 0.0, SimRouting(2, by_line))
    opened = messages.Opened(
        job="job",
        batch_size=batch_size,
        source=SourceInfo(),
        done=b"",
        partial={0: bytes([LEFT]), 1: bytes([0b1010])},
        suspects=[messages.Suspect(batch=1, mask=b"\x0f", deaths=1)],
        totals=Totals(),
        epoch="e",
        version=1,
        complete=False,
        key=b"k",
    )
    made.take_over(opened)
    return made


def test_each_route_reads_the_batches_and_what_is_known_of_them_on_its_own() -> None:
    made, all_batches = session(), [batch(number, 4) for number in range(3)]
    a, b = iter(all_batches), iter(all_batches)
    found = made.next_batch(a, A)
    assert found is not None, "the lines of A in batch 0 are committed"
    assert (found.batch.id, found.lines, found.committed, found.batch.urls) == (
        *(1, LEFT, 0b1010),
        b"u0\nu1",
    )
    assert [each.mask for each in found.suspects] == [bytes([LEFT])]
    found = made.next_batch(b, B)
    assert found is not None
    assert (found.batch.id, found.lines, found.committed) == (0, RIGHT, LEFT)
    found = made.next_batch(b, B)
    assert found is not None
    assert [each.mask for each in found.suspects] == [bytes([RIGHT])]
    assert made.lines_read == 2 + 2 + 2 + 2


def test_no_route_is_read_so_far_ahead_that_a_next_ventilator_could_not_take_over() -> None:
    made = session(batch_size=10_000)
    all_batches = (batch(number, 4) for number in range(20_000))
    assert made.next_batch(iter([batch(0, 4)]), B) is not None
    count = 0
    while made.may_read(A) and made.next_batch(all_batches, A) is not None:
        count += 1
    assert 5_000 < count < 10_000
    assert made.may_read(B)


def test_a_route_is_all_out_once_workers_have_the_rest_of_its_lines() -> None:
    made = ledger()
    taken = made.take(0)
    assert taken is not None
    assert [made.is_all_out_of(route) for route in (A, B)] == [
        taken.route == route for route in (A, B)
    ]
    assert not made.is_all_out
    made.claimed("ab"[taken.route], taken.lease, 0)
    made.worker_left("ab"[taken.route], 1, died=False)
    assert not made.is_all_out_of(taken.route), "its lines wait again"


def test_a_route_that_is_not_read_to_its_end_is_not_all_out() -> None:
    made = Ledger(RULES, routes=2)
    made.read_to_end(0, A)
    assert (made.is_all_out_of(A), made.is_all_out_of(B)) == (True, False)
