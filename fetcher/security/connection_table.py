"""The open connections of one bound socket, as the events of its monitor report them.

No socket is touched here. libzmq reports events in order, but does not say which connection they
belong to. A failed handshake is followed at once by the end of its connection. A completed
handshake may be that of any connection that is young enough; a guess is never used to a peer's
harm.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from fetcher.security.rejections import Reason, Rejections

_MAX_DELAY_S: Final = 1.0  # between an event and its reading
_UNKNOWN: Final = ("an unknown address", 0)


@dataclass
class _Connection:
    host: str
    port: int
    since: float
    completed_at: float | None = None  # when its handshake ended, as far as is known
    keys: set[str] = field(default_factory=set)  # its peer has one of them


class ConnectionTable:
    """The connections of one channel's socket."""

    def __init__(self, channel: str, rejections: Rejections, handshake_s: float) -> None:
        """`handshake_s`: the time after which libzmq closes an unfinished handshake."""
        self._channel = channel
        self._rejections = rejections
        self._handshake_s = handshake_s
        self._open: dict[int, _Connection] = {}  # by file descriptor, in order of arrival
        # Why the handshake of the connection that is reported closed next has failed.
        self._failed: Reason | None = None

    def accepted(self, fd: int, address: tuple[str, int] | None, now: float) -> None:
        """Add a connection; `address` is None if its peer has left already."""
        host, port = address or _UNKNOWN
        self._open.pop(fd, None)
        self._open[fd] = _Connection(host, port, now)

    def authenticated(self, host: str, key: str, now: float) -> None:
        """Note that a peer at this host has proven that it holds this key."""
        for connection in self._open.values():
            if connection.host == host and self._is_young(connection, now):
                connection.keys.add(key)

    def completed(self, now: float) -> None:
        """Note that a handshake came as far as the key, and was accepted or refused by it."""
        for connection in reversed(self._open.values()):
            if connection.completed_at is None and self._is_young(connection, now):
                connection.completed_at = now
                return

    def failed(self, reason: Reason) -> None:
        """Note that a handshake failed before a key was shown."""
        self._failed = reason

    def closed(self, fd: int, now: float) -> None:
        """Remove a connection; count it as rejected if its handshake was never completed."""
        connection = self._open.pop(fd, None)
        reason, self._failed = self._failed, None
        if connection is None:
            return
        if reason is None and connection.completed_at is None and self._is_young(connection, now):
            # Either another connection was taken for this one when a handshake was completed, or
            # libzmq closed this one over its first bytes, for which it reports no failure.
            other = self._completed_since(connection.since)
            if other is None:
                reason = Reason.NOT_CURVE
            else:
                other.completed_at = None
        if reason is Reason.LEFT and now - connection.since > self._handshake_s - _MAX_DELAY_S:
            reason = Reason.SILENT
        if reason is not None:
            who = f"{connection.host}:{connection.port}" if connection.port else connection.host
            self._rejections.add(reason, who, self._channel)

    def _completed_since(self, at: float) -> _Connection | None:
        for connection in reversed(self._open.values()):
            if connection.completed_at is not None and connection.completed_at >= at:
                return connection
        return None

    def _is_young(self, connection: _Connection, now: float) -> bool:
        return now - connection.since < self._handshake_s + _MAX_DELAY_S

    def of_key(self, key: str) -> list[tuple[int, str]]:
        """Return file descriptor and host of each connection that may be under this key."""
        return [(fd, each.host) for fd, each in self._open.items() if key in each.keys]

    def __len__(self) -> int:
        return len(self._open)
