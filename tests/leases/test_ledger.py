"""The ledger's moves, each for itself; time is a number."""

from __future__ import annotations

import pytest

from fetcher import bitset
from fetcher.leases.flow_control import REST_S
from fetcher.leases.ledger import HUNGRY_S, ORPHAN_S, Ledger
from fetcher.leases.poison import MAX_LOSSES, MAX_LOSSES_AT_ONE, SPLIT
from fetcher.leases.tail_copies import TAIL_LINES
from fetcher.leases.types import Assignment, LeaseRules, WorkerReport
from fetcher.model import Batch
from fetcher.protocol import messages

RULES = LeaseRules(
    silent_s=5,
    unclaimed_s=60,
    finished_s=10,
    stall_s=100,
    tail_after_s=20,
    poison_deaths=2,
    ahead=2,
)


def batch(number: int = 0, lines: int = 16) -> Batch:
    urls = b"\n".join(b"u%d" % n for n in range(lines))
    return Batch(number, number * lines + 1, (1 << lines) - 1, urls)


def ledger(*batches: Batch, workers: tuple[str, ...] = ("w",)) -> Ledger:
    made = Ledger(RULES)
    for worker in workers:
        made.heartbeat(worker, [], 0)
    for each in batches:
        made.add(each)
    return made


def take(made: Ledger, now: float = 0) -> Assignment:
    assignment = made.take(now)
    assert assignment is not None
    return assignment


def claim(made: Ledger, worker: str = "w", now: float = 0) -> Assignment:
    assignment = take(made, now)
    made.claimed(worker, assignment.lease, now)
    return assignment


# -- handing out -----------------------------------------------------------------------------


def test_a_batch_is_handed_out_whole_and_once() -> None:
    made = ledger(batch())
    assignment = take(made)
    assert (assignment.batch.id, assignment.mask) == (0, batch().mask)
    assert made.take(0) is None


def test_no_more_than_two_unclaimed_pieces_a_worker_are_out() -> None:
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


def test_the_window_holds_while_all_are_busy() -> None:
    made = ledger(*(batch(n) for n in range(8)), workers=("a", "b"))
    for worker in ("a", "b"):
        made.claimed(worker, take(made).lease, 0)
    for _ in range(4):
        take(made)
    made.tick(4)
    assert made.take(4) is None


def test_the_window_is_open_for_two_pieces_before_any_worker_is_known() -> None:
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
    while made.wants_batch():
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


def test_of_a_returned_piece_only_what_is_not_committed_and_nowhere_else_comes_again() -> None:
    made = ledger(batch(lines=8), workers=("slow", "idle"))
    made.read_to_end()
    slow(made, "slow", claim(made, "slow").lease, 30)
    copy = take(made, 30)  # of all that it is
    made.committed(0, 0b11, 30)
    made.left("slow", 31, died=False)
    assert made.take(31) is None, "the copy has these lines"
    made.returned("idle", copy.lease, 31)
    assert take(made, 31 + REST_S).mask == 0xFC


def test_a_returned_copy_was_none() -> None:
    made = ledger(batch(lines=8), workers=("slow", "idle"))
    made.read_to_end()
    slow(made, "slow", claim(made, "slow").lease, 30)
    copy = take(made, 30)
    assert made.redelivered == 8
    made.returned("slow", copy.lease, 30)
    assert made.redelivered == 0
    assert take(made, 30).mask == copy.mask


def test_when_all_have_returned_a_piece_it_rests_until_one_may_have_room() -> None:
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


def test_somebody_is_hungry_when_all_is_handed_out_and_not_all_begun() -> None:
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
    slow(made, "a", claim(made, "a").lease, 30)
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


# -- the usual course ------------------------------------------------------------------------


def test_committed_lines_end_their_leases_and_nothing_is_left() -> None:
    made = ledger(batch())
    assignment = claim(made)
    made.committed(0, 0b1, 1)
    assert [b.id for b in made.open_batches()] == [0]
    made.committed(0, -1, 2)
    assert made.open_batches() == []
    made.finished("w", assignment.lease, 3)
    made.heartbeat("w", [assignment.lease], 3)
    made.tick(1000)
    assert made.take(1000) is None


def test_finished_rows_that_are_not_committed_in_time_are_fetched_again() -> None:
    made = ledger(batch())
    assignment = claim(made)
    made.finished("w", assignment.lease, 1)
    made.committed(0, 0b1111, 2)
    made.heartbeat("w", [], 10)
    made.tick(10.9)
    assert made.take(10.9) is None
    made.tick(11)
    again = [claim(made, now=11).mask for _ in range(SPLIT)]
    assert sum(again) == batch().mask & ~0b1111
    assert made.redelivered == 12


def test_a_heartbeat_mends_a_lost_claim_and_a_lost_end() -> None:
    made = ledger(batch())
    assignment = take(made)
    made.heartbeat("w", [assignment.lease], 1)  # the claim was lost
    made.heartbeat("w", [], 2)  # the end was lost
    made.heartbeat("w", [], 11)
    made.tick(12)
    again = [claim(made, now=12).mask for _ in range(SPLIT)]
    assert sum(again) == batch().mask


def test_events_about_leases_that_nobody_knows_change_nothing() -> None:
    made = ledger(batch())
    for lease in (0, 99, 1 << 40):
        made.claimed("w", lease, 0)
        made.finished("w", lease, 0)
    made.heartbeat("w", [7, 8], 0)
    made.put_back(99)
    made.committed(55, -1, 0)
    made.left("stranger", 0, died=False)
    assert take(made).mask == batch().mask


# -- deaths ----------------------------------------------------------------------------------


def test_a_silent_worker_is_dead_and_its_lines_go_to_another() -> None:
    made = ledger(batch(), workers=("a", "b"))
    claim(made, "a")
    made.heartbeat("b", [], 5)
    made.tick(5.1)
    assert made.workers == ["b"]
    first, second = take(made, 6), take(made, 6)
    assert first.mask and second.mask and not first.mask & second.mask


def test_a_worker_that_left_in_good_order_is_no_death() -> None:
    made = ledger(batch(), workers=("a", "b"))
    claim(made, "a")
    made.left("a", 1, died=False)
    assert take(made, 1).mask == batch().mask
    assert made.suspects_if_changed() is None


def test_a_death_with_progress_does_not_split() -> None:
    made = ledger(batch(), workers=("a", "b"))
    claim(made, "a")
    made.committed(0, 0b11, 1)
    made.left("a", 2, died=True)
    assert take(made, 2).mask == batch().mask & ~0b11


def test_a_death_without_progress_splits_until_the_line_is_alone_and_then_condemns_it() -> None:
    made = ledger(batch(lines=16))
    killer = 1 << 5
    deaths = 0
    for round_ in range(40):
        now = float(round_)
        name = f"w{round_}"
        made.heartbeat(name, [], now)
        assignment = made.take(now)
        if assignment is None:
            made.left(name, now, died=False)
            continue
        made.claimed(name, assignment.lease, now)
        if assignment.mask & killer:
            made.left(name, now, died=True)
            deaths += 1
        else:
            made.committed(0, assignment.mask, now)
            made.left(name, now, died=False)
    condemned = made.condemned(1000)
    assert [(b.id, each.offset, text) for b, each, text in condemned] == [(0, 5, b"u5")]
    assert condemned[0][1].attempts == RULES.poison_deaths
    assert deaths == 1 + 1 + RULES.poison_deaths
    assert made.condemned(1001) == []
    assert made.condemned(1010) != [], "a lost crashed row must be sent again"
    made.committed(0, killer, 1011)
    assert made.open_batches() == []


def test_single_suspects_go_out_one_at_a_time() -> None:
    made = Ledger(RULES)
    suspects = [messages.Suspect(batch=0, mask=bitset.pack(1 << n), deaths=1) for n in range(3)]
    made.add(batch(lines=3), 0, suspects)
    assert made.take(0) is None, "not every worker was heard of yet"
    first = take(made, 6)
    assert first.mask.bit_count() == 1
    assert made.take(6) is None
    made.claimed("w", first.lease, 7)
    assert made.take(7) is None
    made.committed(0, first.mask, 8)
    assert take(made, 8).mask.bit_count() == 1


def test_a_single_suspect_waits_for_workers_that_hold_what_nobody_leased_them() -> None:
    made = Ledger(RULES)
    made.add(batch(lines=1), 0, [messages.Suspect(batch=0, mask=b"\x01", deaths=1)])
    assert made.take(0) is None
    made.heartbeat("w", [12345], 6)
    assert made.take(6) is None
    made.heartbeat("w", [], 7)
    assert take(made, 7).mask == 1


def test_a_single_suspect_is_tried_only_when_nothing_else_is_out() -> None:
    made = Ledger(RULES)
    made.add(batch(0, lines=1), 0, [messages.Suspect(batch=0, mask=b"\x01", deaths=1)])
    made.add(batch(1))
    other = claim(made)
    assert other.batch.id == 1
    assert made.take(1) is None
    assert made.take(11) is None, "a death now could be the other's doing"
    made.committed(1, -1, 12)
    lone = take(made, 12)
    assert lone.batch.id == 0
    made.add(batch(2))
    assert made.take(13) is None, "nothing may keep it company"
    made.committed(0, -1, 14)
    assert take(made, 14).batch.id == 2


def test_a_living_worker_that_never_lets_go_of_a_line_does_not_hold_up_the_suspects() -> None:
    made = ledger(batch(lines=1))
    hung = claim(made)
    made.heartbeat("w", [hung.lease], 100)
    made.tick(100)
    made.heartbeat("w", [hung.lease], 101)
    made.heartbeat("other", [], 101)
    assert made.take(101) is None, "it may still be what kills the worker"
    made.heartbeat("w", [hung.lease], 201)
    assert take(made, 201).mask == 1


def test_an_unclaimed_piece_is_orphaned_by_a_death_and_comes_back_soon() -> None:
    made = ledger(batch(), workers=("a", "b"))
    take(made)
    made.left("a", 1, died=True)
    made.heartbeat("b", [], 1 + ORPHAN_S)
    made.tick(1 + ORPHAN_S)
    assert made.take(1 + ORPHAN_S) is not None


def test_an_orphan_that_somebody_claims_after_all_stays_his() -> None:
    made = ledger(batch(), workers=("a", "b"))
    assignment = take(made)
    made.left("a", 1, died=True)
    made.claimed("b", assignment.lease, 2)
    made.heartbeat("b", [assignment.lease], 2 + ORPHAN_S)
    made.tick(2 + ORPHAN_S)
    assert made.take(2 + ORPHAN_S) is None


def test_an_unclaimed_piece_lapses_without_blame() -> None:
    made = ledger(batch())
    take(made)
    made.heartbeat("w", [], 60)
    made.tick(60)
    assert take(made, 60).mask == batch().mask
    assert made.suspects_if_changed() is None


def test_a_living_worker_that_gets_nothing_done_loses_the_piece() -> None:
    made = ledger(batch())
    assignment = claim(made)
    for now in range(0, 100, 4):
        made.heartbeat("w", [assignment.lease], now)
        made.tick(now)
    assert made.take(99) is None
    made.heartbeat("w", [assignment.lease], 100)
    made.tick(100)
    assert made.take(100) is not None


def test_progress_renews_a_lease() -> None:
    made = ledger(batch())
    assignment = claim(made)
    made.committed(0, 0b1, 90)
    made.heartbeat("w", [assignment.lease], 150)
    made.tick(150)
    assert made.take(150) is None


def test_what_killed_is_told_once_and_survives_a_restart() -> None:
    made = ledger(batch(lines=16))
    claim(made)
    made.left("w", 1, died=True)
    suspects = made.suspects_if_changed()
    assert suspects is not None
    assert {s.deaths for s in suspects} == {1}
    assert sum(bitset.unpack(s.mask) for s in suspects) == batch().mask
    assert made.suspects_if_changed() is None
    successor = Ledger(RULES)
    successor.add(batch(lines=16), 0, suspects)
    assert take(successor).mask.bit_count() == 2


def test_what_is_left_of_a_piece_was_not_alone_when_its_worker_died() -> None:
    made = Ledger(RULES)
    made.heartbeat("w", [], 0)
    made.add(batch(lines=2), 0, [messages.Suspect(batch=0, mask=b"\3", deaths=1)])
    held = claim(made).lease
    made.returned("w", held, 1, 0b10)
    made.left("w", 2, died=True)
    assert {(s.mask, s.deaths) for s in made.suspects_if_changed() or ()} == {
        (b"\1", 1),
        (b"\2", 1),
    }


def test_what_is_left_of_a_suspect_before_it_is_handed_out_is_tried_alone() -> None:
    made = Ledger(RULES)
    made.heartbeat("w", [], 0)
    suspects = [messages.Suspect(batch=0, mask=b"\3", deaths=1)]
    made.add(batch(lines=16), 0, suspects)
    made.committed(0, 0b1, 1)
    made.heartbeat("w", [], 6)
    assert claim(made, now=6).mask == batch().mask & ~0b11
    assert made.take(6) is None, "not while others are out"


# -- lost rows -------------------------------------------------------------------------------


def lose(made: Ledger, worker: str, now: float) -> int:
    """The worker says that it has sent all of the next lease, and none of it arrives."""
    made.heartbeat(worker, [], now)
    assignment = claim(made, worker, now)
    made.finished(worker, assignment.lease, now)
    made.heartbeat(worker, [], now + RULES.finished_s)
    made.tick(now + RULES.finished_s)
    return assignment.mask


def test_rows_that_are_lost_again_and_again_split_their_piece_and_condemn_one_line() -> None:
    made = ledger(batch(lines=16))
    refused = 1 << 5
    now, lost = 0.0, 0
    while (assignment := made.take(now)) is not None:
        made.claimed("w", assignment.lease, now)
        made.finished("w", assignment.lease, now)
        if assignment.mask & refused:
            now += RULES.finished_s
            lost += 1
            made.heartbeat("w", [], now)
            made.tick(now)
        else:
            made.committed(0, assignment.mask, now)
    ((found, condemned, text),) = made.condemned(now)
    assert (found.id, condemned.offset, text) == (0, 5, b"u5")
    assert "refused by the sink" in condemned.error
    assert condemned.attempts == MAX_LOSSES
    assert lost == 2 + MAX_LOSSES


def test_a_line_whose_row_is_lost_by_two_workers_is_condemned() -> None:
    made = ledger(batch(lines=1), workers=("a", "b"))
    for n in range(MAX_LOSSES):
        assert not made.condemned(0)
        lose(made, "ab"[n % 2], 20.0 * n)
        made.heartbeat("ab"[n % 2 - 1], [], 20.0 * (n + 1))
    assert made.condemned(200)


def test_a_worker_that_loses_every_row_condemns_nothing_soon_where_another_lives() -> None:
    made = ledger(batch(lines=1), workers=("liar", "honest"))
    for n in range(MAX_LOSSES_AT_ONE):
        assert not made.condemned(0)
        made.heartbeat("honest", [], 20.0 * n + RULES.finished_s)
        lose(made, "liar", 20.0 * n)
    assert made.condemned(0), "the other never gets it: the job must end"


def test_rows_that_are_lost_with_their_sink_count_against_nobody() -> None:
    made = ledger(batch(lines=1))
    for n in range(3 * MAX_LOSSES):
        now = 20.0 * n
        made.heartbeat("w", [], now)
        made.finished("w", claim(made, now=now).lease, now)
        if n % 2:
            made.sink_restarted(now)
        else:
            made.freeze(now)
            made.thaw(now + 1)
        made.heartbeat("w", [], now + 15)
        made.tick(now + 15)
    assert made.suspects_if_changed() is None
    assert take(made, 1000).mask == 1


def test_a_worker_that_has_the_lines_from_an_earlier_ventilator_has_lost_no_row() -> None:
    made = ledger(batch(lines=1))
    for n in range(3 * MAX_LOSSES):
        now = 20.0 * n
        made.heartbeat("w", [], now)
        made.finished("w", claim(made, now=now).lease, now, skipped=1)
        made.heartbeat("w", [], now + RULES.finished_s)
        made.tick(now + RULES.finished_s)
    assert made.suspects_if_changed() is None


def test_lost_rows_survive_a_restart_of_the_ventilator() -> None:
    made = ledger(batch(lines=2))
    lose(made, "w", 0)
    for n in range(1, 2 * MAX_LOSSES - 1):
        lose(made, "w", 20.0 * n)
    suspects = made.suspects_if_changed()
    assert suspects is not None
    (suspect,) = suspects
    assert (suspect.mask, suspect.losses, suspect.deaths) == (b"\3", MAX_LOSSES - 1, 0)
    successor = Ledger(RULES)
    successor.add(batch(lines=2), 0, [suspect])
    assert lose(successor, "w", 1000) | lose(successor, "w", 1020) == 0b11
    assert len(successor.condemned(1040)) == 2


# -- the tail --------------------------------------------------------------------------------


def slow(made: Ledger, worker: str, lease: int, now: float, mask: int = batch().mask) -> None:
    """The worker's heartbeat: these lines of the lease are in flight, and slow."""
    made.heartbeat(worker, [lease], now, WorkerReport(longest_s={lease: 20}, slow={lease: mask}))


def test_at_the_end_what_is_slow_in_flight_is_given_to_a_second_worker_in_small_pieces() -> None:
    made = ledger(batch(lines=64), workers=("a", "b"))
    made.read_to_end()
    held = claim(made, "a")
    slow(made, "a", held.lease, 19, held.mask)
    assert made.take(19) is None
    copies = [take(made, 20 + n) for n in range(2)]
    assert all(0 < copy.mask.bit_count() <= TAIL_LINES for copy in copies)
    assert copies[0].mask & copies[1].mask == 0
    assert made.copied == made.redelivered == 32


def test_what_waits_at_its_worker_is_never_copied_however_long_it_waits() -> None:
    made = ledger(batch(), workers=("a", "b"))
    made.read_to_end()
    held = claim(made, "a").lease
    copies: list[Assignment] = []
    for now in range(1, 1000):
        made.heartbeat("a", [held], now, WorkerReport(longest_s={held: 0}, slow={held: 0b110}))
        mine = [copy.lease for copy in copies]
        made.heartbeat("b", mine, now, WorkerReport(parked=mine, is_hungry=True))
        made.tick(now)
        if found := made.take(now):
            copies.append(found)
    assert [copy.mask for copy in copies] == [0b110], "what is slow, and nothing else"
    assert made.redelivered == 2


def test_a_fetch_that_never_ends_costs_its_worker_the_lease() -> None:
    made = ledger(batch())
    held = claim(made).lease
    for now in range(1, 191):
        made.heartbeat("w", [held], now, WorkerReport(longest_s={held: max(0, now - 90)}))
        made.tick(now)
        assert (made.take(now) is not None) == (now == 190), "its 100 seconds are over"


def test_what_a_busy_worker_says_that_it_has_does_not_lapse() -> None:
    made = ledger(batch(), workers=("busy", "other"))
    sent = take(made).lease
    made.read_to_end()
    for now in range(1, 300):
        made.heartbeat("busy", [], now, WorkerReport(waiting=[sent]))
        made.heartbeat("other", [], now)
        made.tick(now)
        assert made.take(now) is None
    made.claimed("busy", sent, 300)
    assert made.redelivered == 0


def test_lines_that_a_busy_worker_hands_back_are_another_s_and_no_longer_its_own() -> None:
    made = ledger(batch(), workers=("busy", "idle"))
    made.read_to_end()
    held = claim(made, "busy").lease
    made.heartbeat("idle", [], 1, WorkerReport(is_hungry=True))
    assert made.is_hungry
    made.returned("busy", held, 1, 0xFF00)
    moved = take(made, 1)
    assert moved.mask == 0xFF00
    made.claimed("idle", moved.lease, 1)
    assert not made.is_hungry, "it has what it got, until it says that this is too little"
    made.heartbeat("idle", [moved.lease], 2, WorkerReport(is_hungry=True))
    assert made.is_hungry
    made.left("busy", 2, died=False)
    assert take(made, 2).mask == 0x00FF
    assert made.redelivered == 8, "handed back is not handed out again"


def test_a_lease_of_which_all_is_handed_back_is_gone() -> None:
    made = ledger(batch(), workers=("busy", "idle"))
    held = claim(made, "busy").lease
    made.returned("busy", held, 1, batch().mask)
    made.finished("busy", held, 1)
    assert take(made, 1).mask == batch().mask
    assert len(list(made.leases)) == 1


def test_only_who_has_a_lease_can_hand_lines_of_it_back() -> None:
    made = ledger(batch(), workers=("a", "b"))
    held = claim(made, "a").lease
    made.returned("b", held, 1, 0xF)
    made.finished("a", held, 1)
    made.returned("a", held, 1, 0xF)
    assert made.take(1) is None


def test_lines_that_a_copy_need_not_fetch_any_more_are_told_once() -> None:
    made = ledger(batch(), workers=("a", "b"))
    made.read_to_end()
    held = claim(made, "a").lease
    slow(made, "a", held, 21, 0b111)
    made.heartbeat("b", [], 21)
    copy = take(made, 21).lease
    made.committed(0, 0b1010, 22)
    assert made.unneeded() == [(copy, 0b010)]
    assert made.unneeded() == []
    made.committed(0, 0b1111, 23)
    assert made.unneeded() == [(copy, 0b101)]


def test_a_copy_is_not_copied_and_dies_quietly() -> None:
    made = ledger(batch(lines=8), workers=("a", "b"))
    made.read_to_end()
    slow(made, "a", claim(made, "a").lease, 30)
    copy = take(made, 30)
    made.claimed("b", copy.lease, 30)
    slow(made, "a", 1, 60)
    slow(made, "b", copy.lease, 60)
    assert made.take(60) is None
    made.left("b", 61, died=True)
    assert made.take(61) is None, "the first lease still has these lines"


def test_at_the_end_what_lies_in_the_pipe_of_who_left_is_handed_out_again() -> None:
    made = ledger(batch(0), batch(1), workers=("leaver", "stays"))
    lost = take(made)
    made.claimed("stays", take(made).lease, 0)
    made.left("leaver", 1, died=False)
    made.read_to_end()
    made.heartbeat("stays", [2], 21)
    made.tick(21)
    assert made.take(21) is None, "whoever is busy may have it in his pipe"
    made.committed(1, -1, 22)
    made.heartbeat("stays", [], 22)
    made.tick(22)
    again = take(made, 22)
    assert (again.batch.id, again.mask) == (lost.batch.id, lost.mask)


def test_a_copy_that_its_worker_returns_is_made_again() -> None:
    made = ledger(batch(), workers=("slow", "idle"))
    made.claimed("slow", take(made).lease, 0)
    made.read_to_end()
    slow(made, "slow", 1, 21)
    made.heartbeat("idle", [], 21, WorkerReport(is_hungry=True))
    first = take(made, 21)
    made.tick(24)
    assert made.take(24) is None, "it may still be claimed"
    made.returned("slow", first.lease, 25)
    again = take(made, 25)
    assert again.mask == first.mask
    assert made.copied == first.mask.bit_count()
    made.claimed("idle", again.lease, 25)
    assert made.take(25) is None, "once is enough for a worker that takes it"


def test_a_copy_that_its_own_worker_skipped_is_made_again() -> None:
    made = ledger(batch(), workers=("slow", "busy"))
    held = take(made).lease
    made.claimed("slow", held, 0)
    made.read_to_end()
    for now in range(1, 22):
        slow(made, "slow", held, now)
        made.heartbeat("busy", [], now)
    copy = take(made, 21)
    made.finished("slow", copy.lease, 21)  # it has all of these lines itself
    made.tick(30)
    assert made.take(30) is None
    slow(made, "slow", held, 31)
    made.heartbeat("busy", [], 31)
    made.tick(31.5)
    assert take(made, 31.5).mask == copy.mask


def test_a_single_worker_gets_no_second_copies() -> None:
    made = ledger(batch())
    made.read_to_end()
    slow(made, "w", claim(made).lease, 1000)
    assert made.take(1000) is None


# -- the sink away ---------------------------------------------------------------------------


def test_a_frozen_ledger_hands_out_nothing_and_lets_nothing_lapse() -> None:
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


def test_what_is_claimed_or_ended_in_the_frost_gets_no_more_than_its_time() -> None:
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


def test_a_paused_ledger_hands_out_nothing_and_lets_nothing_lapse_however_often_it_is_said() -> (
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
    made.left("a", 2, died=dies)
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
    made.left("w", 2, died=True)
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


def test_what_nobody_claims_for_a_sink_that_is_away_leaves_the_window_to_the_others() -> None:
    made = shared(*(batch(n) for n in range(0, 8, 2)))
    out = [take(made) for _ in range(4)]
    assert not made.wants_batch(1)
    made.freeze(1, 0)
    made.left("w", 2, died=True)  # and what lay in its pipe is lost
    assert made.wants_batch(1)
    made.add(batch(1))
    assert take(made, 2).batch.id == 1
    made.add(batch(3))
    made.thaw(3, 0)
    assert made.take(3) is None
    for each in out:
        made.claimed("v", each.lease, 3)
    assert take(made, 3).batch.id == 3
