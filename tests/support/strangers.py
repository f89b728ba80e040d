"""Peers without a role: raw sockets with the keys that a test gives them."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import zmq

from fetcher.protocol import codec, messages
from fetcher.security import keyring


class Stranger:
    """One ZeroMQ socket that connects."""

    def __init__(self, context: zmq.Context[Any], kind: int) -> None:
        self.socket = context.socket(kind)
        self.socket.linger = 0
        if kind == zmq.PUSH:
            self.socket.setsockopt(zmq.IMMEDIATE, 1)

    def under(self, folder: Path, server: str, server_key: bytes | None = None) -> Stranger:
        """Use a worker's (or a role's) folder of keys."""
        role = folder.name if folder.name in (keyring.VENTILATOR, keyring.SINK) else keyring.WORKER
        ring = keyring.load(folder, role)
        self.socket.setsockopt(zmq.CURVE_PUBLICKEY, ring.public)
        self.socket.setsockopt(zmq.CURVE_SECRETKEY, ring.secret)
        self.socket.setsockopt(zmq.CURVE_SERVERKEY, server_key or ring.servers[server])
        return self

    def connect(self, address: str) -> Stranger:
        self.socket.connect(address)
        return self

    def say(
        self, message: messages.AnyMessage, frame: bytes | None = None, within_s: float = 60
    ) -> bool:
        """Send it; False if it cannot be sent within this time."""
        if not self.socket.poll(1000 * within_s, zmq.POLLOUT):
            return False
        self.socket.send_multipart(codec.encode(message, frame))
        return True

    def is_kept_out(self) -> bool:
        """Can nothing be sent for a second?"""
        return not self.socket.poll(1000, zmq.POLLOUT)


@contextlib.contextmanager
def idle(host: str, ports: list[int], count: int) -> Iterator[None]:
    """So many silent TCP connections, spread over the ports."""
    with contextlib.ExitStack() as stack:
        for number in range(count):
            port = ports[number % len(ports)]
            stack.enter_context(socket.create_connection((host, port), timeout=30))
        yield


def shout(host: str, port: int, data: bytes) -> None:
    """Connect, send bytes that are not ZMTP, and wait until the other side hangs up."""
    peer = socket.create_connection((host, port), timeout=30)
    with peer, contextlib.suppress(OSError):
        peer.sendall(data)
        while peer.recv(1024):
            pass
