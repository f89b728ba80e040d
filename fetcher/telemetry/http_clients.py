"""Which clients are connected to a port, and which one has to leave when the port is full.

Law: a newcomer is let in. A client that has its answer and stays leaves its place first; then the
client that has been sending its request for longest, first among the clients of the newcomer's
address, if these are many, then among all; then one whose answer takes too long. So slow clients
hold up each other, and nobody else.
"""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Sequence
from typing import Final

_SLOW_S: Final = 1.0  # an answer that takes longer may be cut off for a newcomer


class Client:
    """One connection; `since` in monotonic seconds."""

    def __init__(self, connection: socket.socket, peer: str, since: float) -> None:
        self.connection = connection
        self.peer = peer
        self.since = since
        self.is_asking = True  # its request has not come as a whole
        self.is_answered = False  # its answer has been sent as a whole

    def cut(self) -> None:
        """End the connection under whoever reads from it or writes to it."""
        with contextlib.suppress(OSError):
            self.connection.shutdown(socket.SHUT_RDWR)


def who_leaves(
    clients: Sequence[Client], peer: str, now: float, most: int, most_of_a_peer: int
) -> Client | None:
    """The client that leaves for a newcomer; None: there is room, or none can leave."""
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
    """The clients of one port; for all of its threads."""

    def __init__(self, most: int, most_of_a_peer: int) -> None:
        self._most = most
        self._most_of_a_peer = most_of_a_peer
        self._lock = threading.Lock()
        self._clients: dict[socket.socket, Client] = {}  # oldest first

    def enter(self, connection: socket.socket, peer: str, now: float) -> bool:
        """Let it in, in place of another if need be. False: all others are being answered."""
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
        """The client's request has come."""
        with self._lock:
            client = self._clients.get(connection)
            if client is not None:
                client.is_asking = False

    def has_its_answer(self, connection: socket.socket) -> None:
        """All is sent; it has not closed the connection yet."""
        with self._lock:
            client = self._clients.get(connection)
            if client is not None:
                client.is_asking, client.is_answered = False, True

    def leave(self, connection: socket.socket) -> None:
        with self._lock:
            self._clients.pop(connection, None)
