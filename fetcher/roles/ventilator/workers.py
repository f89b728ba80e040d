"""Receives the workers' events, and sends grants, recalls and copies' lines back to them.

Nothing is decided here: the ledger decides about leases, the host broker about hosts.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any, Final

from fetcher import bitset
from fetcher.leases.ledger import Ledger
from fetcher.logins.session_broker import SessionBroker
from fetcher.politeness.host_broker import HostBroker
from fetcher.protocol import messages
from fetcher.roles.ventilator.status_publisher import StatusPublisher
from fetcher.roles.ventilator.worker_events import apply_to_broker, apply_to_ledger
from fetcher.security.policy import Security
from fetcher.settings.sections_routes import DEFAULT
from fetcher.telemetry import logs
from fetcher.transport.sockets import drop, receive, send

log = logging.getLogger(__name__)

_MAX_EVENTS: Final = 1000  # in one turn of the loop


class Workers:
    """The workers of one job. `broker`: the host broker, which is replaced once the job is open."""

    def __init__(
        self,
        events: Any,
        control: Any,
        security: Security,
        ledger: Ledger,
        publisher: StatusPublisher,
        logins: SessionBroker,
        routes: Sequence[str] = (DEFAULT,),
    ) -> None:
        """`routes`: the names of the job's routes."""
        self._routes = routes
        self._events, self._control = events, control
        self._security = security
        self._ledger = ledger
        self._publisher = publisher
        self._known: set[str] = set()  # those that the broker knows
        self._seen: Sequence[str] = ()  # the same, as the ledger names them
        self.joined = 0  # workers so far, those that have left included
        self.broker = HostBroker()
        self.logins = logins

    def receive(self, now: float) -> None:
        """Apply the events that wait; drop the workers whose keys were revoked.

        Raises FetcherError if the job's log-in failed.
        """
        for _ in range(_MAX_EVENTS):
            received = receive(self._events, self._security)
            if received is None:
                break
            self._apply(received[0], now)
        for worker in self._security.revoked(self._ledger.workers):
            self._ledger.worker_left(worker, now, died=False)

    def _apply(self, event: messages.AnyMessage, now: float) -> None:
        is_known = apply_to_ledger(self._ledger, event, now, self._routes) or apply_to_broker(
            self.broker, event, now
        )
        if isinstance(event, messages.Heartbeat | messages.Progress | messages.Look):
            self._publisher.receive(event, now)
        elif not is_known and not self.logins.receive(event, now):
            drop("unexpected", f"an event of type {type(event).__name__}")

    def send_hosts(self, now: float) -> None:
        """Send grants and recalls; a lost grant is wanted again, a lost recall repeated."""
        # Each turn of the loop comes here: thousands of workers must not be compared each time.
        if self._ledger.workers is not self._seen:
            self._note_living(now)
        self.broker.living(self._known, now)
        self._send_all_hosts(now)
        decided = (
            (messages.Grant, self.broker.grants(now)),
            (messages.Recall, self.broker.recalls(now)),
        )
        for kind, by_worker in decided:
            for worker, (hosts, tickets) in by_worker.items():
                for part in messages.parts(len(hosts)):
                    send(self._control, kind(worker, hosts[part], tickets[part]))

    def _note_living(self, now: float) -> None:
        self._seen = self._ledger.workers
        living = set(self._seen)
        for gone in self._known - living:
            self.broker.worker_left(gone, now)
        for worker in sorted(living - self._known):
            self.joined += 1
            logs.announce(f"worker {worker} joined ({len(living)} now)")
        self._known = living

    def _send_all_hosts(self, now: float) -> None:
        if granted := self.broker.grant_of_all():
            send(self._control, messages.GrantAll(*granted))
        if recalled := self.broker.recall_of_all(now):
            send(self._control, messages.RecallAll(*recalled))

    def send_logins(self, now: float) -> None:
        """Send who logs in, and the session; say what failed. Raises FetcherError."""
        self.logins.tick(self._ledger.workers, now)
        for message in self.logins.messages(now):
            send(self._control, message)
        for notice in self.logins.notices():
            log.warning("%s", notice)

    def send_unneeded(self) -> None:
        """Send which lines of copies are committed; if that is lost, they are fetched twice."""
        for lease, mask in self._ledger.unneeded():
            send(self._control, messages.Unneeded(lease, bitset.pack(mask)))
