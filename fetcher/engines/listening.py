"""Asks whether a cluster's server listens: its library may try for minutes to connect."""

from __future__ import annotations

import contextlib
import socket
from typing import Final

_CONNECT_S: Final = 5.0


def require_listener(address: str) -> None:
    """Raise OSError if nothing listens at `SCHEME://HOST:PORT`, or at any of `HOST:PORT,HOST:PORT`.

    An address without a port is not looked at: `auto`, `local[2]`, `yarn`.
    """
    servers = [server for text in _servers(address) if (server := _host_and_port(text))]
    for position, server in enumerate(servers, 1):
        is_last = position == len(servers)
        with contextlib.nullcontext() if is_last else contextlib.suppress(OSError):
            socket.create_connection(server, _CONNECT_S).close()
            return


def _servers(address: str) -> list[str]:
    return address.rpartition("://")[2].split(",")


def _host_and_port(text: str) -> tuple[str, int] | None:
    host, _, port = text.rpartition(":")
    return (host.strip("[]"), int(port)) if host and port.isdecimal() else None
