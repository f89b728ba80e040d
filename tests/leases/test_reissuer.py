"""Which lines are queued again when a lease expires, its worker dies, or its rows are lost."""

from __future__ import annotations

from fetcher.leases.ledger_state import LedgerState
from fetcher.leases.poison import MAX_LOSSES
from fetcher.leases.reissuer import HUNGRY_S, Reissuer
from fetcher.leases.types import BatchPart, Lease, LeaseState
from support.leasing import RULES, batch

ALL = batch().mask  # 16 lines


def of_one_batch(*workers: str) -> tuple[LedgerState, Reissuer]:
    """A batch of 16 lines that nobody has; the workers were heard at time 0."""
    parts = LedgerState(RULES, 1)
    parts.book.open(batch(), ALL)
    parts.queue.read_to_end(0)
    for worker in workers:
        parts.workers.heard(worker, 0.0)
    return parts, Reissuer(parts)


def lease(
    parts: LedgerState,
    number: int,
    mask: int = ALL,
    state: LeaseState = LeaseState.CLAIMED,
    **fields: object,
) -> Lease:
    """An open lease that was issued at time 0 and expires at 10."""
    made = Lease(number, BatchPart(0, mask), 0.0, 10.0, state, "w")
    for name, value in fields.items():
        setattr(made, name, value)
    parts.book.issue(made)
    if state is LeaseState.SENT:
        parts.flows[0].sent()
    return made


def queued(parts: LedgerState) -> list[BatchPart]:
    return list(parts.queue.parts(0))


def test_lines_that_are_committed_or_leased_elsewhere_are_not_queued_again() -> None:
    parts, reissuer = of_one_batch()
    parts.book.batches[0, 0].remaining = ALL & ~0b1
    ended = lease(parts, 1)
    lease(parts, 2, 0b0110)
    reissuer.reissue(ended, died=False)
    assert [part.mask for part in queued(parts)] == [ALL & ~0b0111]
    assert reissuer.lines == 13
    assert list(parts.book.leases) == [2]
    parts.book.batches[0, 0].remaining = 0b0110
    reissuer.reissue(lease(parts, 3), died=True)
    assert len(queued(parts)) == 1, "lease 2 has the lines that are left"


def test_a_lease_that_was_excluded_from_flow_control_keeps_no_line() -> None:
    parts, reissuer = of_one_batch()
    waiting = lease(parts, 1, 0b11, LeaseState.SENT)
    parts.flows[0].exclude(waiting)
    reissuer.reissue(lease(parts, 2, 0b11), died=False)
    assert [part.mask for part in queued(parts)] == [0b11]


def test_only_a_death_without_progress_is_blamed_on_the_lines() -> None:
    for died, has_progressed, is_blamed in (
        (True, False, True),
        (True, True, False),
        (False, False, False),
    ):
        parts, reissuer = of_one_batch()
        reissuer.reissue(lease(parts, 1, has_progressed=has_progressed), died=died)
        assert {part.deaths for part in queued(parts)} == {int(is_blamed)}
        assert sum(part.mask for part in queued(parts)) == ALL


def test_a_death_is_not_blamed_while_commits_cannot_be_seen() -> None:
    parts, reissuer = of_one_batch()
    ended = lease(parts, 1)
    parts.frozen.freeze(1.0, 0)
    reissuer.reissue(ended, died=True)
    assert [part.deaths for part in queued(parts)] == [0]


def test_lost_rows_are_blamed_except_for_lines_that_another_lease_sends() -> None:
    parts, reissuer = of_one_batch("w")
    reissuer.reissue(lease(parts, 1, 0b1111, LeaseState.FINISHED, skipped=0b0011), died=False)
    first, *others = queued(parts)
    assert (first.mask, first.losses) == (0b0011, 0)
    assert [part.mask for part in others] == [0b0100, 0b1000], "each is tried alone"


def test_rows_that_were_lost_with_their_sink_or_were_copies_are_not_blamed() -> None:
    for field in ("is_excused", "is_copy"):
        parts, reissuer = of_one_batch("w")
        excused = lease(parts, 1, 0b1, LeaseState.FINISHED, is_alone=True)
        setattr(excused, field, True)
        reissuer.reissue(excused, died=False)
        assert [(part.mask, part.losses) for part in queued(parts)] == [(0b1, 0)]
    parts, reissuer = of_one_batch("w")
    reissuer.reissue(lease(parts, 1, 0b1, LeaseState.FINISHED, is_alone=True), died=False)
    assert [part.losses for part in queued(parts)] == [1]


def test_lines_that_a_worker_gives_back_come_first_and_the_rest_stays_leased() -> None:
    parts, reissuer = of_one_batch()
    parts.queue.push(BatchPart(0, 0b1000))
    held = lease(parts, 1, 0b0111)
    reissuer.take_back(held, 0b0011)
    assert [part.mask for part in queued(parts)] == [0b0011, 0b1000]
    assert held.part.mask == 0b0100
    assert list(parts.book.leases) == [1]
    reissuer.take_back(held, 0b0100)
    assert not parts.book.leases
    assert reissuer.lines == 0, "nothing was fetched for nothing"


def test_a_lease_expires_at_its_time_unless_its_share_is_frozen() -> None:
    parts, reissuer = of_one_batch()
    lease(parts, 1, 0b1)
    reissuer.expire(9.9)
    assert list(parts.book.leases) == [1]
    parts.frozen.freeze(9.9, 0)
    reissuer.expire(1000.0)
    assert list(parts.book.leases) == [1]
    parts.frozen.thaw(1000.0, 0)
    reissuer.expire(1000.0)
    assert not parts.book.leases


def test_an_unclaimed_lease_that_expires_is_blamed_only_if_a_worker_died_meanwhile() -> None:
    for is_orphan in (False, True):
        parts, reissuer = of_one_batch()
        lease(parts, 1, 0b1, LeaseState.SENT, is_orphan=is_orphan)
        reissuer.expire(10.0)
        assert [part.deaths for part in queued(parts)] == [int(is_orphan)]


def test_a_claimed_lease_that_expires_is_blamed_and_a_finished_one_is_not() -> None:
    for state, deaths in ((LeaseState.CLAIMED, 1), (LeaseState.FINISHED, 0)):
        parts, reissuer = of_one_batch("w")
        lease(parts, 1, 0b1, state)
        reissuer.expire(10.0)
        assert [part.deaths for part in queued(parts)] == [deaths]


def test_a_copy_that_fails_or_comes_back_may_be_made_again() -> None:
    parts, reissuer = of_one_batch()
    slow, copy = lease(parts, 1, 0b1111, copied=0b0111), lease(parts, 2, 0b0111, is_copy=True)
    parts.copies.lines = 3
    reissuer.take_back(copy, 0b0001)
    assert (slow.copied, parts.copies.lines) == (0b0110, 2)
    assert not queued(parts), "the slow lease has the line"
    reissuer.reissue(copy, died=False)
    assert (slow.copied, parts.copies.lines) == (0, 2)


def test_a_copy_that_comes_back_after_its_first_lease_has_ended_is_queued() -> None:
    parts, reissuer = of_one_batch()
    copy = lease(parts, 2, 0b11, is_copy=True)
    parts.copies.lines = 2
    reissuer.take_back(copy, 0b11)
    assert [part.mask for part in queued(parts)] == [0b11]
    assert parts.copies.lines == 2, "its lines are fetched for the first lease"


def test_a_line_whose_row_one_of_several_workers_loses_is_not_condemned_soon() -> None:
    for workers, is_condemned in ((("w",), True), (("w", "other"), False)):
        parts, reissuer = of_one_batch(*workers)
        part = BatchPart(0, 0b1, losses=MAX_LOSSES - 1, lost_by="w")
        reissuer.reissue(
            lease(parts, 1, 0b1, LeaseState.FINISHED, part=part, is_alone=True), died=False
        )
        assert (queued(parts) == []) == is_condemned


def test_unclaimed_leases_are_excluded_for_an_idle_worker_after_a_moment() -> None:
    parts, reissuer = of_one_batch("w", "idle")
    parts.queue.push(BatchPart(0, 0b1000))
    lease(parts, 1, 0b1)
    waiting = lease(parts, 2, 0b10, LeaseState.SENT)
    reissuer.serve_idle_workers(HUNGRY_S, has_room=lambda _: False)
    assert not waiting.is_uncounted, "it is not old enough"
    reissuer.serve_idle_workers(HUNGRY_S + 0.1, has_room=lambda _: True)
    assert not waiting.is_uncounted, "another can be sent already"
    reissuer.serve_idle_workers(HUNGRY_S + 0.1, has_room=lambda _: False)
    assert waiting.is_uncounted
    assert parts.flows[0].is_open(0)


def test_at_the_end_a_lease_that_no_worker_reports_is_reissued_for_an_idle_one() -> None:
    parts, reissuer = of_one_batch("w", "idle")
    lease(parts, 1, 0b1)
    lease(parts, 2, 0b10, LeaseState.SENT)
    unseen_s = max(RULES.tail_after_s, 2 * RULES.silent_s)
    reissuer.serve_idle_workers(unseen_s, has_room=lambda _: True)
    assert list(parts.book.leases) == [1, 2]
    reissuer.serve_idle_workers(unseen_s + 0.1, has_room=lambda _: True)
    assert list(parts.book.leases) == [1]
    assert [(part.mask, part.deaths) for part in queued(parts)] == [(0b10, 0)]


def test_nothing_is_reissued_while_all_workers_have_work() -> None:
    parts, reissuer = of_one_batch("w")
    lease(parts, 1, 0b1)
    lease(parts, 2, 0b10, LeaseState.SENT)
    reissuer.serve_idle_workers(1000.0, has_room=lambda _: False)
    assert not any(each.is_uncounted for each in parts.book.leases.values())
    assert list(parts.book.leases) == [1, 2]
