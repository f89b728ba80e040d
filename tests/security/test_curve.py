"""CURVE: the options of sockets, and who may send which message."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import zmq

from fetcher.protocol import messages
from fetcher.security import curve, keygen, keyring
from fetcher.security.curve import Curve, CurveServer
from fetcher.security.rejections import Reason


class Frame:
    """A received frame; libzmq adds the key that its peer has proven."""

    def __init__(self, key: str) -> None:
        self._key = key

    def get(self, name: str) -> str:
        assert name == "User-Id"
        return self._key


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("keys") / "keys"
    keygen.init(directory, ("a",))
    return directory


def server(made: Path, role: str) -> CurveServer:
    return CurveServer(keyring.load(made / role, role))


def key_of(of: CurveServer, name: str) -> str:
    return next(key for key, known in of.allowed.names.items() if known == name)


def counted(of: Curve) -> dict[Reason, int]:
    return {reason: count for reason, count in of.rejections.counts.items() if count}


def test_a_socket_that_connects_knows_the_key_of_its_server(made: Path) -> None:
    worker = curve.of_worker(str(made / "workers" / "a"))
    assert isinstance(worker, Curve)
    ring = worker.keyring
    for channel, role in (("events", "ventilator"), ("results", "sink")):
        assert worker.options(channel, bind=False) == {
            zmq.CURVE_SECRETKEY: ring.secret,
            zmq.CURVE_PUBLICKEY: ring.public,
            zmq.CURVE_SERVERKEY: ring.servers[role],
            zmq.HANDSHAKE_IVL: 3000,
        }


@pytest.mark.parametrize(("channel", "is_bounded"), [("tasks", True), ("events", False)])
def test_a_socket_that_binds_asks_for_the_decision_about_each_peer(
    made: Path, channel: str, is_bounded: bool
) -> None:
    ventilator = server(made, "ventilator")
    options: dict[int, Any] = ventilator.options(channel, bind=True)
    assert options.pop(zmq.MAXMSGSIZE, None) == (64 * 1024 if is_bounded else None)
    assert options == {
        zmq.CURVE_SECRETKEY: ventilator.keyring.secret,
        zmq.HANDSHAKE_IVL: 3000,
        zmq.CURVE_SERVER: 1,
        zmq.ZAP_DOMAIN: channel.encode(),
        zmq.ZAP_ENFORCE_DOMAIN: 1,
    }


def test_the_sender_is_the_peer_whose_key_is_on_the_list(made: Path) -> None:
    sink = server(made, "sink")
    assert sink.sender(Frame(key_of(sink, "a")), "results") == "a"
    assert counted(sink) == {}
    assert sink.sender(Frame("another key"), "results") == ""
    assert counted(sink) == {Reason.REVOKED: 1}


def test_the_ventilator_alone_sends_commits(made: Path) -> None:
    sink = server(made, "sink")
    assert sink.sender(Frame(key_of(sink, "ventilator")), "commits") == "ventilator"
    assert sink.sender(Frame(key_of(sink, "a")), "commits") == ""
    assert counted(sink) == {Reason.REVOKED: 1}


@pytest.mark.parametrize(
    ("message", "is_allowed"),
    [
        (messages.Bye("a-77-0123456789-1"), True),
        (messages.Bye("b-77-0123456789-1"), False),
        (messages.Close("session"), True),  # it names no worker
    ],
)
def test_a_peer_speaks_for_its_own_workers_alone(
    made: Path, message: messages.AnyMessage, is_allowed: bool
) -> None:
    sink = server(made, "sink")
    assert sink.vouches("a", message, "events") is is_allowed
    assert counted(sink) == ({} if is_allowed else {Reason.IMPOSTOR: 1})
