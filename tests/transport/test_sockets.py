"""The sockets' options that others count on, and what happens to messages that are none."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest
import zmq

from fetcher.leases.ledger import ORPHAN_S
from fetcher.protocol import codec, messages
from fetcher.settings.schema import Settings
from fetcher.transport import sockets
from fetcher.transport.sockets import Channel, open_socket, receive, send


@pytest.fixture
def pair() -> Iterator[tuple[zmq.Socket[bytes], zmq.Socket[bytes]]]:
    """A PUSH socket and the PULL socket that it is connected to."""
    with zmq.Context() as context:
        pull = open_socket(context, zmq.PULL, Channel.EVENTS, "tcp://127.0.0.1:*", bind=True)
        where = pull.getsockopt(zmq.LAST_ENDPOINT).rstrip(b"\0").decode()
        push = open_socket(context, zmq.PUSH, Channel.EVENTS, where)
        assert push.poll(60_000, zmq.POLLOUT)
        yield push, pull
        push.close(0)
        pull.close(0)


def test_tasks_do_not_reach_a_worker_after_they_were_handed_out_again() -> None:
    with zmq.Context() as context:
        socket = open_socket(context, zmq.PUSH, Channel.TASKS, "tcp://127.0.0.1:1")
        gone_s = (
            socket.getsockopt(zmq.HEARTBEAT_IVL) + socket.getsockopt(zmq.HEARTBEAT_TIMEOUT)
        ) / 1000
        socket.close(0)
    assert gone_s < Settings().lease.silent_s + ORPHAN_S


def test_malformed_messages_do_not_keep_a_role_in_its_receiving_loop(
    pair: tuple[zmq.Socket[bytes], zmq.Socket[bytes]], caplog: pytest.LogCaptureFixture
) -> None:
    push, pull = pair
    before = sockets.drop.count
    with caplog.at_level(logging.WARNING):
        for _ in range(300):
            push.send(b"no message")
        send(push, messages.Bye(worker="w"))
        calls = 0
        while (received := receive(pull)) is None:
            calls += 1
            pull.poll(1_000)
            assert calls < 100
    assert received == (messages.Bye(worker="w"), b"")
    assert calls >= 2, "one call drops a bounded number"
    assert sockets.drop.count - before == 300
    assert 1 <= len(caplog.records) <= 10, "the log grows with the doublings only"


def test_a_frame_that_is_too_large_ends_its_connection_and_nothing_else(
    pair: tuple[zmq.Socket[bytes], zmq.Socket[bytes]],
) -> None:
    push, pull = pair
    push.send(bytes(codec.MAX_HEADER_BYTES + 1))
    assert not pull.poll(500)
    assert push.poll(60_000, zmq.POLLOUT), "connected again"
    send(push, messages.Bye(worker="w"))
    assert pull.poll(60_000)
    assert receive(pull) == (messages.Bye(worker="w"), b"")
