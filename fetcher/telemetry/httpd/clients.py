"""The clients of an HTTP port, and which of them is disconnected when the port is full.

A new client is let in at the cost of, in this order: a client that has its answer and stays; the
client that has been sending its request for longest; one whose answer takes too long. Where one
address has many clients, only those of the same address make room. So slow clients hold up only
each other.
"""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Sequence
from typing import Final

_SLOW_S: Final = 1.0  # an answer that takes longer may be cut off for a new client


class Client:
    """One connection; `since` in monotonic seconds."""

    def __init__(self, connection: socket.socket, peer: str, since: float) -> None:
        self.connection = connection
        self.peer = peer
        self.since = since
        self.is_asking = True  # its request has not come completely
        self.is_answered = False  # its answer has been sent completely

    def cut(self) -> None:
        """End the connection, whichever thread reads from it or writes to it."""
        with contextlib.suppress(OSError):
            self.connection.shutdown(socket.SHUT_RDWR)


def who_leaves(
    clients: Sequence[Client], peer: str, now: float, most: int, most_of_a_peer: int
) -> Client | None:
    """The client to disconnect for a new one; None: there is room, or none can leave."""
    own = [client for client in clients if client.peer == peer]
    if len(own) >= most_of_a_peer:
        return _slowest(own, now)
    return _slowest(clients, now) if len(clients) >= most else None


def _slowest(clients: Sequence[Client], now: float) -> Client | None:
    answered = [client for client in clients if client.is_answered]
    asking = [client for client in clients if client.is_asking]
    slow = [client for client in clients if now - client.since > _SLOW_S]
    return next(iter(answered + asking + slow), None)


class Room:
    """The clients of one port. Thread-safe."""

    def __init__(self, most: int, most_of_a_peer: int) -> None:
        self._most = most
        self._most_of_a_peer = most_of_a_peer
        self._lock = threading.Lock()
        self._clients: dict[socket.socket, Client] = {}  # oldest first

    def enter(self, connection: socket.socket, peer: str, now: float) -> bool:
        """Let a client in, in place of another if need be; False: all are being answered."""
        with self._lock:
            clients = list(self._clients.values())
            leaving = who_leaves(clients, peer, now, self._most, self._most_of_a_peer)
            if leaving is not None:
                del self._clients[leaving.connection]
                leaving.cut()
            elif len(clients) >= self._most:
                return False
            self._clients[connection] = Client(connection, peer, now)
            return True

    def has_asked(self, connection: socket.socket) -> None:
        """The head of the client's request has come."""
        with self._lock:
            client = self._clients.get(connection)
            if client is not None:
                client.is_asking = False

    def has_its_answer(self, connection: socket.socket) -> None:
        """All of the answer is sent; the client has not closed the connection yet."""
        with self._lock:
            client = self._clients.get(connection)
            if client is not None:
                client.is_asking, client.is_answered = False, True

    def leave(self, connection: socket.socket) -> None:
        """The connection is closed."""
        with self._lock:
            self._clients.pop(connection, None)
