"""What workers and sinks tell the ledger, without faults; time is a number."""

from __future__ import annotations

from fetcher.leases.poison import SPLIT
from support.leasing import batch, claim, ledger, take


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


def test_events_about_unknown_leases_change_nothing() -> None:
    made = ledger(batch())
    for lease in (0, 99, 1 << 40):
        made.claimed("w", lease, 0)
        made.finished("w", lease, 0)
    made.heartbeat("w", [7, 8], 0)
    made.put_back(99)
    made.committed(55, -1, 0)
    made.worker_left("stranger", 0, died=False)
    assert take(made).mask == batch().mask
