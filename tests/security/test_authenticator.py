"""Sockets with keys: which peers may connect, how refusals are reported, and revocation."""

from __future__ import annotations

import contextlib
import logging
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import zmq

from fetcher.errors import UsageError
from fetcher.protocol import messages
from fetcher.security import keygen, role_policy
from fetcher.security.policy import Security
from fetcher.security.rejections import Reason
from fetcher.transport.endpoints import endpoints_of
from fetcher.transport.sockets import Channel, open_socket, receive, receive_one, send
from support import strangers
from support.strangers import Stranger
from support.waiting import wait_until
from tools.ports import free_ports

CLAIM = messages.Claim(worker="a-1-0123456789-1", lease=7)


class Doors:
    """The ventilator's sockets for events and tasks, and the sink's, in this process."""

    def __init__(self, directory: Path) -> None:
        self.keys = directory / "keys"
        keygen.init(self.keys, ("a", "b"))
        base = free_ports(5)
        self.addresses = endpoints_of(f"tcp://127.0.0.1:{base}", [f"tcp://127.0.0.1:{base + 3}"])
        self.context: zmq.Context[Any] = zmq.Context()
        self.ventilator = role_policy.of_role(str(self.keys / "ventilator"), "ventilator")
        self.sink = role_policy.of_role(str(self.keys / "sink"), "sink")
        self.sink_context: zmq.Context[Any] = zmq.Context()
        self.events = self._bound(zmq.PULL, Channel.EVENTS, self.addresses.events)
        self.tasks = self._bound(zmq.PUSH, Channel.TASKS, self.addresses.tasks)
        self.results = self._bound(zmq.PULL, Channel.RESULTS, self.addresses.sinks[0].results)
        self.commits = self._bound(zmq.REP, Channel.COMMITS, self.addresses.sinks[0].commits)
        self.known: list[Stranger] = []
        self.strangers: zmq.Context[Any] = zmq.Context()

    def _bound(self, kind: int, channel: Channel, address: str) -> Any:
        sink = channel in (Channel.RESULTS, Channel.COMMITS)
        security = self.sink if sink else self.ventilator
        context = self.sink_context if sink else self.context
        return open_socket(context, kind, channel, address, bind=True, security=security)

    def stranger(self, kind: int) -> Stranger:
        self.known.append(Stranger(self.strangers, kind))
        return self.known[-1]

    def worker(self, name: str, channel: str = "events") -> Stranger:
        """A worker's socket for events, results or tasks, connected under its key."""
        server = "sink" if channel == "results" else "ventilator"
        kind = zmq.PULL if channel == "tasks" else zmq.PUSH
        at = self.addresses.sinks[0] if server == "sink" else self.addresses
        address: str = getattr(at, channel)
        return self.stranger(kind).under(self.keys / "workers" / name, server).connect(address)

    def heard(self, within_s: float = 30.0) -> Any:
        """The next event that the ventilator takes."""
        end = time.monotonic() + within_s
        while time.monotonic() < end:
            self.events.poll(20)
            received = receive(self.events, self.ventilator)
            if received is not None:
                return received[0]
        return None

    def revoke(self, name: str) -> None:
        for role in ("ventilator", "sink"):
            (self.keys / role / "allowed" / f"{name}.key").unlink()

    def close(self) -> None:
        self.strangers.destroy(linger=0)
        for security, context in (
            (self.ventilator, self.context),
            (self.sink, self.sink_context),
        ):
            security.close()
            context.destroy(linger=0)


@pytest.fixture
def doors(tmp_path: Path) -> Iterator[Doors]:
    with contextlib.closing(Doors(tmp_path)) as made:
        yield made


def counted(security: Any, reason: Reason) -> int:
    found: int = security.rejections.counts[reason]
    return found


def test_a_worker_under_its_key_is_heard(doors: Doors) -> None:
    assert doors.worker("a").say(CLAIM)
    assert doors.heard() == CLAIM
    assert not any(doors.ventilator.rejections.counts.values())


def test_a_message_in_another_worker_s_name_is_dropped_and_counted(doors: Doors) -> None:
    b = doors.worker("b")
    assert b.say(CLAIM)
    assert b.say(messages.Gone(worker="a-1-0123456789-1"))
    mine = messages.Claim(worker="b-1-0123456789-1", lease=8)
    assert b.say(mine)
    assert doors.heard() == mine
    assert counted(doors.ventilator, Reason.IMPOSTOR) == 2


def test_an_unknown_key_is_refused_and_logged_with_its_address(
    doors: Doors, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    keygen.init(tmp_path / "others", ("a",))
    stranger = doors.stranger(zmq.PUSH).under(
        tmp_path / "others" / "workers" / "a",
        "ventilator",
        server_key=doors.ventilator.keyring.public,  # type: ignore[attr-defined]
    )
    assert stranger.connect(doors.addresses.events).is_kept_out()
    wait_until(lambda: counted(doors.ventilator, Reason.UNKNOWN_KEY) == 1)
    assert "refused 127.0.0.1 at events: its key is on no list" in caplog.text


def test_a_wrong_server_key_plaintext_and_other_protocols_are_distinguished(
    doors: Doors, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    keygen.init(tmp_path / "others", ("a",))
    address = doors.addresses.events
    port = int(address.rpartition(":")[2])
    wrong = doors.stranger(zmq.PUSH).under(tmp_path / "others" / "workers" / "a", "ventilator")
    assert wrong.connect(address).is_kept_out()
    wait_until(lambda: counted(doors.ventilator, Reason.WRONG_SERVER_KEY) > 0)
    assert counted(doors.ventilator, Reason.NOT_CURVE) == 0
    wrong.socket.close(0)
    assert doors.stranger(zmq.PUSH).connect(address).is_kept_out()
    # Who of the two notices first, hangs up.
    reasons = (Reason.NOT_CURVE, Reason.LEFT)
    wait_until(lambda: sum(counted(doors.ventilator, each) for each in reasons) > 0)
    before = counted(doors.ventilator, Reason.NOT_CURVE)
    strangers.shout("127.0.0.1", port, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
    wait_until(lambda: counted(doors.ventilator, Reason.NOT_CURVE) > before)
    # One that has hung up before it was looked at has no address any more.
    assert "refused 127.0.0.1:" in caplog.text or "refused an unknown address" in caplog.text
    assert doors.worker("a").say(CLAIM)
    assert doors.heard() == CLAIM


def test_a_worker_s_key_does_not_open_the_commits(doors: Doors) -> None:
    worker = doors.stranger(zmq.REQ).under(doors.keys / "workers" / "a", "sink")
    worker.connect(doors.addresses.sinks[0].commits).say(messages.Close(session="s"), within_s=1)
    wait_until(lambda: counted(doors.sink, Reason.NOT_ALLOWED) == 1)
    assert receive_one(doors.commits, doors.sink) is None
    ventilator = doors.stranger(zmq.REQ).under(doors.keys / "ventilator", "sink")
    assert ventilator.connect(doors.addresses.sinks[0].commits).say(messages.Close(session="s"))
    assert doors.commits.poll(2000)
    frames = receive_one(doors.commits, doors.sink)
    assert frames
    send(doors.commits, messages.Closed())
    assert ventilator.socket.poll(2000)


def test_a_revoked_key_is_neither_heard_nor_served_nor_let_in_again(doors: Doors) -> None:
    a, b = doors.worker("a"), doors.worker("b")
    tasks = doors.worker("b", "tasks")
    assert a.say(CLAIM)
    assert doors.heard() == CLAIM
    news = messages.Claim(worker="b-1-0123456789-1", lease=8)
    assert b.say(news)
    assert doors.heard() == news
    wait_until(lambda: send(doors.tasks, CLAIM), 2)  # any message will do
    assert tasks.socket.poll(2000)
    tasks.socket.recv()
    assert b.say(news)
    assert doors.events.poll(2000)  # it waits already when its key goes
    doors.revoke("b")
    late = doors.worker("b")
    assert late.is_kept_out()
    wait_until(lambda: counted(doors.ventilator, Reason.UNKNOWN_KEY) > 0)
    assert doors.heard(0.2) is None
    wait_until(lambda: counted(doors.ventilator, Reason.REVOKED) > 0)
    wait_until(lambda: not send(doors.tasks, CLAIM))  # its connection has ended
    wait_until(lambda: not b.socket.poll(0, zmq.POLLOUT))
    assert a.say(CLAIM)
    assert doors.heard() == CLAIM


def test_a_key_that_comes_onto_the_list_is_let_in_at_once(doors: Doors) -> None:
    keygen.add_workers(doors.keys, ("c",))
    said = messages.Claim(worker="c-1-0123456789-1", lease=7)
    assert doors.worker("c").say(said)
    assert doors.heard() == said


def ask(security: Security, address: str) -> None:
    """Connect to the sink's results, and raise what `check` does once it knows."""
    context: zmq.Context[Any] = zmq.Context()
    try:
        _socket = open_socket(context, zmq.PUSH, Channel.RESULTS, address, security=security)
        wait_until(security.check)
    finally:
        security.close()
        context.destroy(linger=0)


def test_who_is_refused_learns_it(doors: Doors) -> None:
    doors.revoke("a")
    security = role_policy.of_supervisor(str(doors.keys / "workers" / "a"), print)
    with pytest.raises(UsageError, match="the sink does not let this key in"):
        ask(security, doors.addresses.sinks[0].results)


def test_who_has_no_keys_learns_that_it_needs_some_over_any_address(
    doors: Doors, tmp_path: Path
) -> None:
    address = f"ipc://{tmp_path}/results"
    _bound = open_socket(
        doors.sink_context, zmq.PULL, Channel.RESULTS, address, bind=True, security=doors.sink
    )
    with pytest.raises(UsageError, match="the sink requires keys: name this role's folder"):
        ask(role_policy.of_supervisor("", print), address)


def test_a_flood_of_strangers_costs_few_lines_and_no_worker(
    doors: Doors, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    port = int(doors.addresses.events.rpartition(":")[2])
    a = doors.worker("a")
    assert a.say(CLAIM)
    assert doors.heard() == CLAIM
    for _ in range(300):
        strangers.shout("127.0.0.1", port, b"\0" * 100)
    assert a.say(CLAIM)
    assert doors.heard(5) == CLAIM
    reasons = (Reason.NOT_CURVE, Reason.LEFT)
    wait_until(lambda: sum(counted(doors.ventilator, each) for each in reasons) == 300)
    assert len(caplog.records) <= 6
