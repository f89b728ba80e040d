"""The ventilator's ear for the workers, and what it says to each of them.

Law: decides nothing: leases are the ledger's, hosts the referee's.
"""

from __future__ import annotations

from typing import Any, Final

from fetcher.core import wire
from fetcher.core.ledger import Ledger
from fetcher.core.referee import Referee
from fetcher.pipeline.channel import drop, receive, send
from fetcher.pipeline.lookout import Lookout
from fetcher.pipeline.security import Security

_MAX_EVENTS: Final = 1000  # of one turn of the loop


class Crew:
    """The workers of one job, by what they say on the events' socket."""

    def __init__(
        self,
        events: Any,
        control: Any,
        security: Security,
        ledger: Ledger,
        lookout: Lookout,
    ) -> None:
        self._events, self._control = events, control
        self._security = security
        self._ledger = ledger
        self._lookout = lookout
        self._known: set[str] = set()  # that the referee has heard to be there
        self.referee = Referee()

    def hear(self, now: float) -> None:
        """Take in what workers have said, and part with those whose keys are gone."""
        for _ in range(_MAX_EVENTS):
            received = receive(self._events, self._security)
            if received is None:
                break
            event = received[0]
            if not self._of_leases(event, now) and not self._of_hosts(event, now):
                drop("unexpected", f"an event of type {type(event).__name__}")
        for worker in self._security.revoked(self._ledger.workers):
            self._ledger.left(worker, now, died=False)

    def _of_leases(self, event: wire.AnyMessage, now: float) -> bool:
        match event:
            case wire.Claim():
                self._ledger.claimed(event.worker, event.lease, now)
            case wire.Returned():
                self._ledger.returned(event.worker, event.lease, now)
            case wire.Finished():
                self._ledger.finished(event.worker, event.lease, now)
            case wire.Heartbeat():
                self._ledger.heartbeat(event.worker, event.held, now, event.parked)
                self._lookout.hear(event, now)
            case wire.Progress() | wire.Look():
                self._lookout.hear(event, now)
            case wire.Bye():
                self._ledger.left(event.worker, now, died=False)
            case wire.Gone():
                self._ledger.left(event.worker, now, died=True)
            case _:
                return False
        return True

    def _of_hosts(self, event: wire.AnyMessage, now: float) -> bool:
        match event:
            case wire.Want():
                self.referee.want(event.worker, event.hosts, event.ticket, now)
            case wire.Release():
                given = zip(event.hosts, event.tickets, event.rests_s, strict=False)
                self.referee.release(event.worker, given, now)
            case wire.Owned():
                owned = zip(event.hosts, event.tickets, strict=False)
                self.referee.owns(event.worker, owned, now)
            case _:
                return False
        return True

    def tell_hosts(self, now: float) -> None:
        """Grants and recalls; a lost one is wanted, or recalled, again."""
        living = set(self._ledger.workers)
        for gone in self._known - living:
            self.referee.left(gone, now)
        self._known = living
        for worker, hosts in self.referee.grants(now).items():
            for part in wire.parts(hosts):
                numbers, tickets = zip(*part, strict=True)
                send(self._control, wire.Grant(worker, list(numbers), list(tickets)))
        for worker, hosts in self.referee.recalls(now).items():
            for part in wire.parts(hosts):
                numbers, tickets = zip(*part, strict=True)
                send(self._control, wire.Recall(worker, list(numbers), list(tickets)))
