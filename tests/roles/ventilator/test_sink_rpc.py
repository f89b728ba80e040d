"""The ventilator's requests to a sink are repeated until answered, whatever the network did."""

from __future__ import annotations

from pathlib import Path

import zmq

from fetcher.protocol import messages
from fetcher.roles.ventilator.sink_rpc import SinkRpc
from fetcher.security import keygen, role_policy
from fetcher.transport.sockets import Channel, open_socket, parse, receive_one, send
from support.waiting import wait_until

ASKED = messages.Close(session="s")


def answer_one(sink: zmq.Socket[bytes], link: SinkRpc, now: float) -> bool:
    """Whether a request arrives there and its answer here."""
    if not sink.poll(60_000):
        return False
    frames = receive_one(sink)
    assert frames is not None
    assert parse(frames) == (ASKED, b"")
    send(sink, messages.Closed())
    link.socket.poll(60_000)
    return link.answer(now) == messages.Closed()


def ask(link: SinkRpc, now: float) -> None:
    link.ask(ASKED, now)
    if not link._waiting:  # a new socket takes a request once it is connected
        link.socket.poll(60_000, zmq.POLLOUT)
        link.ask(ASKED, now)


def test_a_line_that_never_connects_again_is_replaced() -> None:
    with zmq.Context() as context:
        sink = open_socket(context, zmq.REP, Channel.COMMITS, "tcp://127.0.0.1:*", bind=True)
        address = sink.getsockopt(zmq.LAST_ENDPOINT).rstrip(b"\0").decode()
        link = SinkRpc(context, address, 0.0)
        ask(link, 0.0)
        assert answer_one(sink, link, 0.0)
        link.socket.disconnect(address)  # as libzmq leaves it after a cut at the wrong moment
        link.ask(ASKED, 2.0)
        assert not sink.poll(200)
        ask(link, 5.5)
        assert answer_one(sink, link, 5.6)
        assert link.heard_at == 5.6
        link.socket.close(0)
        sink.close(0)


def test_lines_that_were_replaced_leave_no_watch_behind(tmp_path: Path) -> None:
    keygen.init(tmp_path / "keys", ())
    security = role_policy.of_role(str(tmp_path / "keys" / "ventilator"), "ventilator")
    assert isinstance(security, role_policy.ServerSecurity)
    monitors = security._authenticator._monitors
    with zmq.Context() as context:
        link = SinkRpc(context, "tcp://127.0.0.1:9", 0.0, security)
        for n in range(20):
            link.ask(ASKED, 10.0 * n)
        wait_until(lambda: len(monitors) == 1, what="one monitor")
        link.socket.close(0)
        security.close()
