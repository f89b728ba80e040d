"""Deaths of workers and losses of rows: who is blamed, and what is handed out instead."""

from __future__ import annotations

import pytest

from fetcher import bitset
from fetcher.leases.ledger import ORPHAN_S, Ledger
from fetcher.leases.poison import MAX_LOSSES, MAX_LOSSES_AT_ONE
from fetcher.protocol import messages
from support.leasing import RULES, batch, claim, ledger, take


def test_a_silent_worker_is_dead_and_its_lines_go_to_another() -> None:
    made = ledger(batch(), workers=("a", "b"))
    claim(made, "a")
    made.heartbeat("b", [], 5)
    made.tick(5.1)
    assert made.workers == ["b"]
    first, second = take(made, 6), take(made, 6)
    assert first.mask and second.mask and not first.mask & second.mask


def test_a_worker_that_left_in_good_order_does_not_count_as_dead() -> None:
    made = ledger(batch(), workers=("a", "b"))
    claim(made, "a")
    made.worker_left("a", 1, died=False)
    assert take(made, 1).mask == batch().mask
    assert made.suspects_if_changed() is None


def test_leases_are_looked_at_for_suspects_only_after_a_death(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Each question to a sink asks for them, while there may be thousands of leases."""
    made = ledger(batch(), workers=("a", "b"))
    claim(made, "a")
    monkeypatch.setattr(made._book, "leases_of", lambda _: pytest.fail("they were looked at"))
    assert made.suspects_if_changed() is None
    monkeypatch.undo()
    made.worker_left("a", 1, died=True)
    assert made.suspects_if_changed() is not None


def test_a_death_with_progress_does_not_split() -> None:
    made = ledger(batch(), workers=("a", "b"))
    claim(made, "a")
    made.committed(0, 0b11, 1)
    made.worker_left("a", 2, died=True)
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
            made.worker_left(name, now, died=False)
            continue
        made.claimed(name, assignment.lease, now)
        if assignment.mask & killer:
            made.worker_left(name, now, died=True)
            deaths += 1
        else:
            made.committed(0, assignment.mask, now)
            made.worker_left(name, now, died=False)
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


def test_a_single_suspect_waits_for_workers_that_hold_unknown_leases() -> None:
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


def test_an_unclaimed_lease_is_orphaned_by_a_death_and_comes_back_soon() -> None:
    made = ledger(batch(), workers=("a", "b"))
    take(made)
    made.worker_left("a", 1, died=True)
    made.heartbeat("b", [], 1 + ORPHAN_S)
    made.tick(1 + ORPHAN_S)
    assert made.take(1 + ORPHAN_S) is not None


def test_an_orphaned_lease_that_is_claimed_stays_with_its_worker() -> None:
    made = ledger(batch(), workers=("a", "b"))
    assignment = take(made)
    made.worker_left("a", 1, died=True)
    made.claimed("b", assignment.lease, 2)
    made.heartbeat("b", [assignment.lease], 2 + ORPHAN_S)
    made.tick(2 + ORPHAN_S)
    assert made.take(2 + ORPHAN_S) is None


def test_an_unclaimed_lease_expires_without_blame() -> None:
    made = ledger(batch())
    take(made)
    made.heartbeat("w", [], 60)
    made.tick(60)
    assert take(made, 60).mask == batch().mask
    assert made.suspects_if_changed() is None


def test_a_living_worker_that_gets_nothing_done_loses_the_lease() -> None:
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


def test_suspects_are_reported_once_and_survive_a_restart() -> None:
    made = ledger(batch(lines=16))
    claim(made)
    made.worker_left("w", 1, died=True)
    suspects = made.suspects_if_changed()
    assert suspects is not None
    assert {s.deaths for s in suspects} == {1}
    assert sum(bitset.unpack(s.mask) for s in suspects) == batch().mask
    assert made.suspects_if_changed() is None
    successor = Ledger(RULES)
    successor.add(batch(lines=16), 0, suspects)
    assert take(successor).mask.bit_count() == 2


def test_what_is_left_of_a_part_was_not_alone_when_its_worker_died() -> None:
    made = Ledger(RULES)
    made.heartbeat("w", [], 0)
    made.add(batch(lines=2), 0, [messages.Suspect(batch=0, mask=b"\3", deaths=1)])
    held = claim(made).lease
    made.returned("w", held, 1, 0b10)
    made.worker_left("w", 2, died=True)
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


def test_rows_that_are_lost_again_and_again_split_their_part_and_condemn_one_line() -> None:
    made = ledger(batch(lines=16))
    refused = 1 << 5
    now, lost = 0.0, 0
    for _ in range(100):
        assignment = made.take(now)
        if assignment is None:
            break
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


def test_rows_that_are_lost_with_their_sink_are_not_blamed() -> None:
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
