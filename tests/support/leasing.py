"""Ledgers with batches of small, known lines."""

from __future__ import annotations

from typing import Final

from fetcher.leases.ledger import Ledger
from fetcher.leases.types import Assignment, LeaseRules, WorkerReport
from fetcher.model import Batch

RULES: Final = LeaseRules(
    silent_s=5,
    unclaimed_s=60,
    finished_s=10,
    stall_s=100,
    tail_after_s=20,
    poison_deaths=2,
    ahead=2,
)


def batch(number: int = 0, lines: int = 16) -> Batch:
    """The batch of this number, with as many lines, all of them URL lines."""
    urls = b"\n".join(b"u%d" % n for n in range(lines))
    return Batch(number, number * lines + 1, (1 << lines) - 1, urls)


def ledger(*batches: Batch, workers: tuple[str, ...] = ("w",)) -> Ledger:
    """A ledger of one sink with these batches, whose workers were heard at time 0."""
    made = Ledger(RULES)
    for worker in workers:
        made.heartbeat(worker, [], 0)
    for each in batches:
        made.add(each)
    return made


def take(made: Ledger, now: float = 0) -> Assignment:
    """The next assignment; there must be one."""
    assignment = made.take(now)
    assert assignment is not None
    return assignment


def claim(made: Ledger, worker: str = "w", now: float = 0) -> Assignment:
    """The next assignment, claimed by the worker."""
    assignment = take(made, now)
    made.claimed(worker, assignment.lease, now)
    return assignment


def report_slow(
    made: Ledger, worker: str, lease: int, now: float, mask: int = batch().mask
) -> None:
    """The worker reports that these lines of the lease are slow."""
    made.heartbeat(worker, [lease], now, WorkerReport(longest_s={lease: 20}, slow={lease: mask}))
