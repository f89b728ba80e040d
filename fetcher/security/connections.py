"""Looks at, and ends, connections that libzmq holds, by their file descriptor.

libzmq has no call for either. A descriptor may have been closed, and its number reused, at any
moment. So a connection is ended only if its address is still the expected one; in the worst case
a peer that may stay is disconnected, and connects again.
"""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator


def peer_of(fd: int, port: int) -> tuple[str, int] | None:
    """Return host and port of the peer connected to our `port` (0: an ipc path, gives ("", 0)).

    Returns None if the connection is closed already.
    """
    with contextlib.suppress(OSError), _borrowed(fd) as connection:
        ours, theirs = connection.getsockname(), connection.getpeername()
        if not isinstance(theirs, tuple):
            return "", 0
        if ours[1] == port:
            return plain_host(theirs[0]), theirs[1]
    return None


def disconnect(fd: int, host: str, port: int) -> None:
    """End the connection of a peer at `host` to our `port`; libzmq notices its end."""
    peer = peer_of(fd, port)
    if peer is not None and peer[0] == host:
        with contextlib.suppress(OSError), _borrowed(fd) as connection:
            connection.shutdown(socket.SHUT_RDWR)


@contextlib.contextmanager
def _borrowed(fd: int) -> Iterator[socket.socket]:
    connection = socket.socket(fileno=fd)
    try:
        yield connection
    finally:
        connection.detach()


def plain_host(host: str) -> str:
    """Return the address as people write it; "" for an ipc peer, for which ZAP names its pid."""
    if host.startswith(":") and not host.startswith("::"):
        return ""
    return host.removeprefix("::ffff:")
