"""Sinks that are away, pauses, and several shares."""

from __future__ import annotations

import pytest

from fetcher import bitset
from fetcher.leases.ledger import Ledger
from fetcher.leases.types import WorkerReport
from fetcher.model import Batch
from fetcher.protocol import messages
from support.leasing import RULES, batch, claim, ledger, take


def test_a_frozen_ledger_hands_out_nothing_and_lets_nothing_expire() -> None:
    made = ledger(batch(0), batch(1))
    claim(made)
    made.freeze(1)
    assert made.is_frozen()
    made.tick(10_000)
    assert made.take(10_000) is None
    assert not made.wants_batch()
    made.thaw(10_000)
    made.tick(10_004)
    assert made.workers == ["w"]
    assert take(made, 10_004).batch.id == 1


def test_what_is_claimed_or_ended_while_frozen_gets_no_more_than_its_time() -> None:
    made = ledger(batch(0), batch(1))
    first, second = take(made), take(made)
    made.freeze(1)
    made.claimed("w", first.lease, 1000)
    made.finished("w", second.lease, 1000)
    made.thaw(1001)
    for now in range(1001, 1012):
        made.heartbeat("w", [first.lease], now)
        made.tick(now)
    assert take(made, 1011).batch.id == 1
    made.heartbeat("w", [first.lease], 1101)
    made.tick(1101)
    assert take(made, 1101).batch.id == 0


def test_a_paused_ledger_hands_out_nothing_and_lets_nothing_expire_however_often_it_is_said() -> (
    None
):
    made = ledger(batch(0), batch(1))
    claim(made)
    made.pause(1)
    made.pause(50)
    assert made.is_paused
    assert not made.is_frozen(), "its sink is well"
    made.tick(10_000)
    assert made.take(10_000) is None
    assert not made.wants_batch()
    made.resume(10_000)
    made.resume(10_001)
    made.tick(10_004)
    assert made.workers == ["w"]
    assert take(made, 10_004).batch.id == 1
    assert made.redelivered == 0


@pytest.mark.parametrize("is_sink_back_first", [True, False])
def test_a_pause_and_a_lost_sink_end_each_on_its_own(is_sink_back_first: bool) -> None:
    made = ledger(batch(0), batch(1))
    held = claim(made)
    made.freeze(10)
    made.pause(20)
    steps = [made.thaw, made.resume] if is_sink_back_first else [made.resume, made.thaw]
    steps[0](1000)
    made.tick(1000)
    assert made.take(1000) is None
    steps[1](2000)
    made.heartbeat("w", [held.lease], 2000)
    made.tick(2000)
    assert take(made, 2000).batch.id == 1
    assert made.redelivered == 0
    made.heartbeat("w", [held.lease], 2141)  # 10 s of its 150 had passed
    made.tick(2141)
    assert take(made, 2141).batch.id == 0


def test_a_new_sink_makes_sent_rows_doubtful_soon() -> None:
    made = ledger(batch())
    assignment = claim(made)
    made.finished("w", assignment.lease, 1)
    made.sink_restarted(2)
    made.heartbeat("w", [], 4)
    made.tick(4)
    assert take(made, 4).mask == batch().mask


@pytest.mark.parametrize("dies", [True, False])
def test_rows_of_a_worker_that_left_are_waited_for_a_little(dies: bool) -> None:
    made = ledger(batch(), workers=("a", "b"))
    assignment = claim(made, "a")
    made.finished("a", assignment.lease, 1)
    made.worker_left("a", 2, died=dies)
    made.heartbeat("b", [], 3)
    made.tick(3)
    assert made.take(3) is None
    made.tick(4)
    assert claim(made, "b", 4).mask | claim(made, "b", 4).mask == 0b1111


def shared(*batches: Batch) -> Ledger:
    """A ledger of two sinks: even batches are the first's."""
    made = Ledger(RULES, shares=2)
    made.heartbeat("w", [], 0)
    made.heartbeat("v", [], 0)
    for each in batches:
        made.add(each)
    return made


def test_a_frozen_share_stops_only_its_own_batches() -> None:
    made = shared(batch(0), batch(1))
    mine = claim(made)
    made.freeze(1, 0)
    assert (made.wants_batch(0), made.wants_batch(1)) == (False, False)
    assert take(made, 1).batch.id == 1
    assert made.wants_batch(1)
    made.add(batch(2))
    made.add(batch(3))
    assert take(made, 1).batch.id == 3
    assert made.take(1) is None
    for now in range(2, 1000):
        made.heartbeat("w", [mine.lease], now)
    made.tick(999)
    assert mine.lease in made._book.leases
    made.thaw(1000, 0)
    assert take(made, 1000).batch.id == 2


def test_a_death_while_a_share_is_frozen_blames_none_of_its_lines() -> None:
    made = shared(batch(0), batch(1))
    held = [claim(made).lease, claim(made).lease]
    made.freeze(1, 0)
    made.worker_left("w", 2, died=True)
    made.thaw(3, 0)
    assert made.suspects_if_changed(0) is None
    assert {suspect.batch for suspect in made.suspects_if_changed(1) or []} == {1}
    assert len(held) == 2


def test_shares_take_turns() -> None:
    made = shared(batch(0), batch(1))
    first = claim(made)
    made.add(batch(first.batch.id + 2))
    assert {take(made).batch.id, first.batch.id} == {0, 1}


def test_a_share_at_its_end_gets_second_copies_while_another_is_frozen() -> None:
    made = shared(batch(0), batch(1))
    leases = [claim(made).lease, claim(made).lease]
    made.read_to_end(1)
    made.freeze(1, 0)
    now = RULES.tail_after_s + 1
    made.heartbeat("v", [], now)
    made.heartbeat("w", leases, now, WorkerReport(slow=dict.fromkeys(leases, 1)))
    copy = made.take(now)
    assert copy is not None
    assert copy.batch.id == 1


@pytest.mark.parametrize("is_finished", [True, False])
def test_a_suspect_whose_sink_is_away_does_not_hold_up_the_others(is_finished: bool) -> None:
    made = shared()
    made.add(batch(0, lines=1), 0, [messages.Suspect(batch=0, mask=bitset.pack(1), deaths=1)])
    made.heartbeat("w", [], 6)
    assert made.take(0) is None
    suspect = claim(made, now=6)
    made.add(batch(1))
    if is_finished:
        made.finished("w", suspect.lease, 7)
    made.freeze(10, 0)
    if not is_finished:  # its row may wait for the sink; but no fetch takes so long
        made.heartbeat("w", [suspect.lease], 10 + RULES.stall_s - 1)
        assert made.take(10 + RULES.stall_s - 1) is None
    assert take(made, 10 + RULES.stall_s).batch.id == 1


def test_suspects_are_tried_while_a_worker_has_rows_for_a_sink_that_is_away() -> None:
    made = shared(batch(0))
    held = claim(made)
    made.add(batch(1, lines=1), 0, [messages.Suspect(batch=1, mask=bitset.pack(1), deaths=1)])
    made.freeze(10, 0)
    made.pause(20)
    for now in (20 + RULES.stall_s, 300):
        made.heartbeat("w", [held.lease], now)
        assert made.take(now) is None
    made.resume(300)  # the worker begins again what it had
    made.heartbeat("w", [held.lease], 300 + RULES.stall_s)
    assert made.take(300 + RULES.stall_s - 1) is None
    assert take(made, 300 + RULES.stall_s).batch.id == 1


def test_unclaimed_leases_of_a_sink_that_is_away_do_not_stop_others_from_being_sent() -> None:
    made = shared(*(batch(n) for n in range(0, 8, 2)))
    out = [take(made) for _ in range(4)]
    assert not made.wants_batch(1)
    made.freeze(1, 0)
    made.worker_left("w", 2, died=True)  # and what lay in its pipe is lost
    assert made.wants_batch(1)
    made.add(batch(1))
    assert take(made, 2).batch.id == 1
    made.add(batch(3))
    made.thaw(3, 0)
    assert made.take(3) is None
    for each in out:
        made.claimed("v", each.lease, 3)
    assert take(made, 3).batch.id == 3
