"""The ventilator's ear for the workers, and what it says to each of them.

Law: decides nothing: leases are the ledger's, hosts the referee's.
"""

from __future__ import annotations

from typing import Any, Final

from fetcher import bitset
from fetcher.leases.ledger import Ledger
from fetcher.politeness.host_broker import HostBroker
from fetcher.protocol import messages
from fetcher.roles.ventilator.status_publisher import StatusPublisher
from fetcher.roles.ventilator.worker_events import tell_of_hosts, tell_of_leases
from fetcher.security.policy import Security
from fetcher.telemetry import logs
from fetcher.transport.sockets import drop, receive, send

_MAX_EVENTS: Final = 1000  # of one turn of the loop


class Workers:
    """The workers of one job, by what they say on the events' socket."""

    def __init__(
        self,
        events: Any,
        control: Any,
        security: Security,
        ledger: Ledger,
        lookout: StatusPublisher,
    ) -> None:
        self._events, self._control = events, control
        self._security = security
        self._ledger = ledger
        self._lookout = lookout
        self._known: set[str] = set()  # that the referee has heard to be there
        self.referee = HostBroker()

    def hear(self, now: float) -> None:
        """Take in what workers have said, and part with those whose keys are gone."""
        for _ in range(_MAX_EVENTS):
            received = receive(self._events, self._security)
            if received is None:
                break
            self._tell(received[0], now)
        for worker in self._security.revoked(self._ledger.workers):
            self._ledger.left(worker, now, died=False)

    def _tell(self, event: messages.AnyMessage, now: float) -> None:
        is_known = tell_of_leases(self._ledger, event, now) or tell_of_hosts(
            self.referee, event, now
        )
        if isinstance(event, messages.Heartbeat | messages.Progress | messages.Look):
            self._lookout.hear(event, now)
        elif not is_known:
            drop("unexpected", f"an event of type {type(event).__name__}")

    def tell_hosts(self, now: float) -> None:
        """Grants and recalls; a lost one is wanted, or recalled, again."""
        living = set(self._ledger.workers)
        for gone in self._known - living:
            self.referee.left(gone, now)
        for worker in sorted(living - self._known):
            logs.announce(f"worker {worker} joined ({len(living)} now)")
        self._known = living
        said = (
            (messages.Grant, self.referee.grants(now)),
            (messages.Recall, self.referee.recalls(now)),
        )
        for kind, told in said:
            for worker, hosts in told.items():
                for part in messages.parts(hosts):
                    numbers, tickets = zip(*part, strict=True)
                    send(self._control, kind(worker, list(numbers), list(tickets)))

    def tell_copies(self) -> None:
        """What a second copy need not fetch any more; where that is lost, it is fetched twice."""
        for lease, mask in self._ledger.unneeded():
            send(self._control, messages.Unneeded(lease, bitset.pack(mask)))
