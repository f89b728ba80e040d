"""The open connections of one bound socket, as its monitor tells of them.

Law: no socket is touched here, and what cannot be known is not guessed to a peer's harm. libzmq
tells in order, but not of whom: a failed handshake is followed at once by the end of its
connection; a good one may be that of any connection which is young enough.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from fetcher.security.rejections import Reason, Rejections

_LATE_S: Final = 1.0  # by so much an event may be read after it happened
_UNKNOWN: Final = ("an unknown address", 0)


@dataclass
class _Connection:
    host: str
    port: int
    since: float
    judged_at: float | None = None  # when its handshake ended, as far as is known
    keys: set[str] = field(default_factory=set)  # one of them is its peer's


class ConnectionTable:
    """Those of one way."""

    def __init__(self, way: str, refusals: Rejections, handshake_s: float) -> None:
        """`handshake_s`: how long libzmq lets a handshake take."""
        self._way = way
        self._refusals = refusals
        self._handshake_s = handshake_s
        self._open: dict[int, _Connection] = {}  # by file descriptor, in order of arrival
        # Why the handshake failed of the connection whose end is told next.
        self._failed: Reason | None = None

    def accepted(self, fd: int, address: tuple[str, int] | None, now: float) -> None:
        """A new connection; `address` is None where its peer has left already."""
        host, port = address or _UNKNOWN
        self._open.pop(fd, None)
        self._open[fd] = _Connection(host, port, now)

    def asked(self, host: str, key: str, now: float) -> None:
        """A peer at this host has proven that it has this key."""
        for connection in self._open.values():
            if connection.host == host and self._young(connection, now):
                connection.keys.add(key)

    def judged(self, now: float) -> None:
        """A handshake has come to its end by the key, well or not."""
        for connection in reversed(self._open.values()):
            if connection.judged_at is None and self._young(connection, now):
                connection.judged_at = now
                return

    def failed(self, reason: Reason) -> None:
        """A handshake has failed before there was a key."""
        self._failed = reason

    def closed(self, fd: int, now: float) -> None:
        """A connection has ended; counted where its handshake never did."""
        connection = self._open.pop(fd, None)
        reason, self._failed = self._failed, None
        if connection is None:
            return
        if reason is None and connection.judged_at is None and self._young(connection, now):
            # Either another was taken for this one when it was judged, or its first bytes were
            # enough.
            other = self._judged_since(connection.since)
            if other is None:
                reason = Reason.NOT_CURVE
            else:
                other.judged_at = None
        if reason is Reason.LEFT and now - connection.since > self._handshake_s - _LATE_S:
            reason = Reason.SILENT
        if reason is not None:
            who = f"{connection.host}:{connection.port}" if connection.port else connection.host
            self._refusals.add(reason, who, self._way)

    def _judged_since(self, at: float) -> _Connection | None:
        for connection in reversed(self._open.values()):
            if connection.judged_at is not None and connection.judged_at >= at:
                return connection
        return None

    def _young(self, connection: _Connection, now: float) -> bool:
        return now - connection.since < self._handshake_s + _LATE_S

    def of(self, key: str) -> list[tuple[int, str]]:
        """File descriptor and host of all connections that may be under this key."""
        return [(fd, each.host) for fd, each in self._open.items() if key in each.keys]

    def __len__(self) -> int:
        return len(self._open)
