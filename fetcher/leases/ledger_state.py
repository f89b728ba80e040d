"""The state of a ledger, part by part; all of its decisions work on it."""

from __future__ import annotations

from fetcher.leases.flow_control import FlowControl
from fetcher.leases.frozen_shares import FrozenShares
from fetcher.leases.lease_book import LeaseBook
from fetcher.leases.live_workers import LiveWorkers
from fetcher.leases.poison import Poison
from fetcher.leases.queue import Queue
from fetcher.leases.tail_copies import TailCopies
from fetcher.leases.types import Lease, LeaseRules


class LedgerState:
    """Makes the parts, and does what takes two of them."""

    def __init__(self, rules: LeaseRules, shares: int) -> None:
        self.rules = rules
        self.frozen = FrozenShares(shares)
        self.queue = Queue(self.frozen)
        self.book = LeaseBook(self.queue, self.frozen)
        self.flow = FlowControl(rules.ahead)
        self.workers = LiveWorkers()
        self.copies = TailCopies(self.book, self.frozen, rules.tail_after_s)
        self.poison = Poison(rules.poison_deaths, shares)

    def clock(self, lease: Lease, now: float) -> float:
        """The time for deadlines of this lease (see FrozenShares.clock)."""
        return self.frozen.clock(lease.part.batch, now)

    def end(self, lease_id: int) -> Lease | None:
        """End a lease and return it; None if it is not open."""
        lease = self.book.end(lease_id)
        if lease is not None:
            self.flow.remove(lease)
        return lease

    @property
    def is_end(self) -> bool:
        """Whether all that can be handed out is out, but for the isolated lines."""
        return self.queue.is_nothing_to_read and not self.queue.has_ready
