"""The end of a job: second copies, and lines that workers hand back."""

from __future__ import annotations

from fetcher.leases.tail_copies import TAIL_LINES
from fetcher.leases.types import Assignment, WorkerReport
from support.leasing import batch, claim, ledger, report_slow, take


def test_at_the_end_what_is_slow_in_flight_is_given_to_a_second_worker_in_small_parts() -> None:
    made = ledger(batch(lines=64), workers=("a", "b"))
    made.read_to_end()
    held = claim(made, "a")
    report_slow(made, "a", held.lease, 19, held.mask)
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


def test_what_a_busy_worker_says_that_it_has_does_not_expire() -> None:
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
    made.worker_left("busy", 2, died=False)
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


def test_lines_that_a_copy_need_not_fetch_any_more_are_reported_once() -> None:
    made = ledger(batch(), workers=("a", "b"))
    made.read_to_end()
    held = claim(made, "a").lease
    report_slow(made, "a", held, 21, 0b111)
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
    report_slow(made, "a", claim(made, "a").lease, 30)
    copy = take(made, 30)
    made.claimed("b", copy.lease, 30)
    report_slow(made, "a", 1, 60)
    report_slow(made, "b", copy.lease, 60)
    assert made.take(60) is None
    made.worker_left("b", 61, died=True)
    assert made.take(61) is None, "the first lease still has these lines"


def test_at_the_end_what_lies_in_the_pipe_of_who_left_is_handed_out_again() -> None:
    made = ledger(batch(0), batch(1), workers=("leaver", "stays"))
    lost = take(made)
    made.claimed("stays", take(made).lease, 0)
    made.worker_left("leaver", 1, died=False)
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
    report_slow(made, "slow", 1, 21)
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
        report_slow(made, "slow", held, now)
        made.heartbeat("busy", [], now)
    copy = take(made, 21)
    made.finished("slow", copy.lease, 21)  # it has all of these lines itself
    made.tick(30)
    assert made.take(30) is None
    report_slow(made, "slow", held, 31)
    made.heartbeat("busy", [], 31)
    made.tick(31.5)
    assert take(made, 31.5).mask == copy.mask


def test_a_single_worker_gets_no_second_copies() -> None:
    made = ledger(batch())
    made.read_to_end()
    report_slow(made, "w", claim(made).lease, 1000)
    assert made.take(1000) is None
