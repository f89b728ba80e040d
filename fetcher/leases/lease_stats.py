"""Statistics of the ledger: how many lines are leased, how many wait, and the oldest lease."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import msgspec

from fetcher.leases.types import LeaseState

if TYPE_CHECKING:  # the processes that only know the statistics do not load the ledger
    from fetcher.leases.ledger import Ledger


class OldestLine(msgspec.Struct, frozen=True):
    """The first uncommitted line of the oldest open lease."""

    line: int
    age_s: float  # since its lease was handed out
    worker: str  # "": nobody has claimed it yet


class LeaseStats(msgspec.Struct, frozen=True):
    """Open leases by state, and their lines."""

    sent: int
    claimed: int
    finished: int
    parked: int  # of the claimed leases, those whose uncommitted lines all wait for their hosts
    lines: int  # uncommitted and leased (a line that has two leases counts twice)
    open_batches: int  # with uncommitted lines
    waiting: int  # batches, or parts of them, to be handed out (again)
    oldest: OldestLine | None
    by_worker: dict[str, int]  # open leases


def collect(ledger: Ledger, now: float) -> LeaseStats:
    """The statistics at this time."""
    states: Counter[LeaseState] = Counter()
    by_worker: Counter[str] = Counter()
    parked = lines = 0
    oldest = None
    for lease in ledger.leases:  # in the order of issue
        states[lease.state] += 1
        parked += lease.is_parked
        if lease.worker:
            by_worker[lease.worker] += 1
        batch, mask = ledger.uncommitted(lease)
        lines += mask.bit_count()
        if oldest is None:
            first = batch.first_line + (mask & -mask).bit_length() - 1
            oldest = OldestLine(first, max(now - lease.issued_at, 0.0), lease.worker)
    return LeaseStats(
        sent=states[LeaseState.SENT],
        claimed=states[LeaseState.CLAIMED],
        finished=states[LeaseState.FINISHED],
        parked=parked,
        lines=lines,
        open_batches=ledger.open_count,
        waiting=ledger.waiting,
        oldest=oldest,
        by_worker=dict(by_worker),
    )
