"""Statistics of the ledger."""

from __future__ import annotations

from fetcher.leases import lease_stats
from fetcher.leases.lease_stats import OldestLine
from fetcher.leases.ledger import Ledger
from fetcher.leases.types import LeaseRules, WorkerReport
from fetcher.model import Batch


def batch(number: int) -> Batch:
    """Four physical lines of which the first is no URL line."""
    return Batch(number, number * 4 + 1, 0b1110, b"u\nv\nw")


def test_an_empty_ledger_has_nothing_out() -> None:
    table = lease_stats.collect(Ledger(LeaseRules()), 5)
    assert table.oldest is None
    assert (table.sent, table.claimed, table.finished, table.lines, table.waiting) == (0,) * 5


def test_leases_are_counted_by_state_and_worker_and_the_oldest_line_is_named() -> None:
    ledger = Ledger(LeaseRules(ahead=8))
    for number in range(4):
        ledger.add(batch(number))
    leases = [ledger.take(float(now)) for now in range(3)]
    first, second, _ = [lease.lease for lease in leases if lease is not None]
    ledger.claimed("a", first, 3)
    ledger.heartbeat("b", [second], 3, WorkerReport(parked=[second]))
    ledger.finished("a", first, 4)
    table = lease_stats.collect(ledger, 10)
    assert (table.sent, table.claimed, table.finished, table.parked) == (1, 1, 1, 1)
    assert (table.lines, table.open_batches, table.waiting) == (9, 4, 1)
    assert table.by_worker == {"a": 1, "b": 1}
    assert table.oldest == OldestLine(2, 10.0, "a")
    ledger.committed(0, 0b0010, 10)
    assert lease_stats.collect(ledger, 10).oldest == OldestLine(3, 10.0, "a")
    ledger.committed(0, -1, 11)
    assert lease_stats.collect(ledger, 12).oldest == OldestLine(6, 11.0, "b")
