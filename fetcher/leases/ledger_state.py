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

    def __init__(self, rules: LeaseRules, shares: int, routes: int = 1) -> None:
        self.rules = rules
        self.routes = range(routes)
        self.frozen = FrozenShares(shares)
        self.queue = Queue(self.frozen, routes)
        self.book = LeaseBook(self.queue, self.frozen)
        self.flows = [FlowControl(rules.ahead) for _ in self.routes]
        self.workers = LiveWorkers(routes)
        self.copies = TailCopies(self.book, self.frozen, rules.tail_after_s)
        self.poison = Poison(rules.poison_deaths, shares)

    def clock(self, lease: Lease, now: float) -> float:
        """The time for deadlines of this lease (see FrozenShares.clock)."""
        return self.frozen.clock(lease.part.batch, now)

    def flow(self, lease: Lease) -> FlowControl:
        """The flow control of the lease's route."""
        return self.flows[lease.part.route]

    def end(self, lease_id: int) -> Lease | None:
        """End a lease and return it; None if it is not open."""
        lease = self.book.end(lease_id)
        if lease is not None:
            self.flow(lease).remove(lease)
        return lease

    def is_end(self, route: int = 0) -> bool:
        """Whether all of a route that can be handed out is out, but for the isolated lines."""
        return self.queue.is_nothing_to_read(route) and not self.queue.has_ready(route)
