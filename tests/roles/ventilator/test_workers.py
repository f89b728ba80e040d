"""The ventilator's talk with its workers: events in, grants and recalls out."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from fetcher.logins.session_broker import LoginRules, SessionBroker
from fetcher.protocol import messages
from fetcher.protocol.login_messages import LogIn, NeedSession
from fetcher.roles.ventilator.status_publisher import StatusPublisher
from fetcher.roles.ventilator.workers import Workers
from fetcher.security.policy import Security
from fetcher.telemetry import drops
from fetcher.telemetry.numbers import VentilatorNumbers
from fetcher.telemetry.snapshot import Snapshot
from fetcher.watch.web.control_mailbox import ControlMailbox
from support.leasing import batch, ledger
from support.recording import RecordingSocket


class Revoking(Security):
    """Revokes the workers that a test names."""

    def __init__(self) -> None:
        super().__init__()
        self.names: list[str] = []

    def revoked(self, workers: Iterable[str]) -> list[str]:
        return [worker for worker in workers if worker in self.names]


class Ventilator:
    """The part that talks with workers, between recording sockets."""

    def __init__(self, *, has_login: bool = False) -> None:
        self.events, self.control = RecordingSocket(), RecordingSocket()
        self.security = Revoking()
        self.ledger = ledger(batch(), workers=())
        snapshot: Snapshot[VentilatorNumbers] = Snapshot(is_on=False)
        self.workers = Workers(
            *(self.events, self.control, self.security, self.ledger),
            StatusPublisher(snapshot, ControlMailbox()),
            SessionBroker(LoginRules(60.0, 10, 600.0), is_required=has_login),
        )

    def receive(self, *events: messages.AnyMessage, now: float = 0.0) -> list[messages.AnyMessage]:
        """Returns what is sent to the workers then."""
        for event in events:
            self.events.put(event)
        self.workers.receive(now)
        self.workers.send_logins(now)
        self.workers.send_hosts(now)
        self.workers.send_unneeded()
        return self.control.taken()


def beat(worker: str) -> messages.Heartbeat:
    return messages.Heartbeat(worker, 4, 0, 0, [], [])


def test_a_worker_alone_is_granted_what_it_wants_and_another_waits() -> None:
    ventilator = Ventilator()
    both = ventilator.receive(beat("a"), beat("b"))
    assert both == []
    sent = ventilator.receive(messages.Want("a", 3, [7]), messages.Want("b", 4, [7]))
    assert sent == [messages.Grant("a", [7], [3])]
    sent = ventilator.receive(messages.Release("a", [7], [3], [0.0]), now=1.0)
    assert sent == [messages.Grant("b", [7], [4])]


def test_the_hosts_of_a_worker_that_is_gone_are_granted_to_others() -> None:
    ventilator = Ventilator()
    ventilator.receive(beat("a"), beat("b"))
    ventilator.receive(messages.Want("a", 3, [7]), messages.Want("b", 4, [7]))
    assert ventilator.receive(messages.Gone("a"), now=1.0) == [messages.Grant("b", [7], [4])]


@pytest.mark.parametrize(
    "last", [messages.Owned("a", [7], [3], [], []), messages.Want("a", 3, [7])]
)
def test_a_worker_that_dies_before_its_first_heartbeat_keeps_no_host(
    last: messages.Owned | messages.Want,
) -> None:
    ventilator = Ventilator()
    ventilator.receive(beat("b"), beat("c"))
    ventilator.receive(last, messages.Gone("a"), messages.Want("b", 4, [7]), now=1.0)
    assert ventilator.receive(beat("b"), beat("c"), now=20.0) == [messages.Grant("b", [7], [4])]


def test_a_worker_alone_gets_all_hosts_until_another_comes() -> None:
    ventilator = Ventilator()
    assert ventilator.receive(beat("a")) == [messages.GrantAll("a", 1)]
    sent = ventilator.receive(beat("a"), beat("b"), messages.Want("b", 1, [7]), now=2.0)
    assert sent == [messages.RecallAll("a", 1)]
    sent = ventilator.receive(messages.Owned("a", [], [], [], [], 1), now=3.0)
    assert sent == [messages.Grant("b", [7], [1])]


def test_a_worker_whose_key_was_revoked_is_gone() -> None:
    ventilator = Ventilator()
    ventilator.receive(beat("a"), beat("b"))
    ventilator.security.names = ["a"]
    ventilator.receive(now=1.0)
    assert ventilator.ledger.workers == ["b"]


def test_an_event_that_no_worker_sends_is_dropped_and_counted() -> None:
    before = drops.DROPPED["unexpected"]
    ventilator = Ventilator()
    ventilator.receive(messages.Closed())
    assert drops.DROPPED["unexpected"] == before + 1
    ventilator.receive(messages.Look())
    assert drops.DROPPED["unexpected"] == before + 1


def orders(sent: list[messages.AnyMessage]) -> list[str]:
    """The workers that shall log in."""
    return [message.worker for message in sent if isinstance(message, LogIn)]


def test_a_log_in_is_ordered_only_in_a_job_that_has_one() -> None:
    before = drops.DROPPED["unexpected"]
    ventilator = Ventilator()
    assert orders(ventilator.receive(beat("a"), NeedSession("a", 0))) == []
    ventilator = Ventilator(has_login=True)
    assert orders(ventilator.receive(beat("a"), NeedSession("a", 0))) == ["a"]
    assert drops.DROPPED["unexpected"] == before, "a worker may ask; the broker decides"


def test_a_flood_of_events_is_taken_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fetcher.roles.ventilator.workers._MAX_EVENTS", 2)
    ventilator = Ventilator()
    ventilator.receive(beat("a"), beat("b"), beat("c"))
    assert ventilator.ledger.workers == ["a", "b"]
    ventilator.receive()
    assert ventilator.ledger.workers == ["a", "b", "c"]
