"""A server whose connections a test's function handles, and sessions of requests for it."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator
from typing import Any

import msgspec
import requests
from requests.adapters import BaseAdapter

from fetcher.fetch.http.connections import Connections
from fetcher.fetch.requests_compat.adapter import CurlAdapter
from fetcher.settings.schema import Settings

MAX_S = 60.0  # for each socket operation, so that every test ends
DEFAULTS = {
    "guard": {"allow": ["127.0.0.0/8", "::1/128"]},
    "dns": {"servers": ["127.0.0.1:1"], "timeout_s": 0.2, "tries": 1},
}


@contextlib.contextmanager
def served(handle: Callable[[socket.socket], None]) -> Iterator[str]:
    """The base URL of a server that hands each connection to `handle`, and closes it then."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve(connection: socket.socket) -> None:
        connection.settimeout(MAX_S)
        with connection, contextlib.suppress(OSError):
            handle(connection)

    def accept() -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = listener.accept()
                threading.Thread(target=serve, args=(connection,), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()


@contextlib.contextmanager
def crowded() -> Iterator[str]:
    """The URL of a listener whose backlog is full: a connection to it is never made."""
    with crowded_port("127.0.0.1") as port:
        yield f"http://127.0.0.1:{port}/"


@contextlib.contextmanager
def crowded_port(address: str) -> Iterator[int]:
    """The port of such a listener at this address."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with contextlib.ExitStack() as stack:
        listener = socket.create_server((address, 0), family=family, backlog=0)
        stack.enter_context(listener)
        for _ in range(4):
            waiting = stack.enter_context(socket.socket(family))
            waiting.setblocking(False)
            waiting.connect_ex(listener.getsockname())
        yield listener.getsockname()[1]


def read_head(connection: socket.socket) -> bytes:
    """A request's head, or the part of it that came."""
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        byte = connection.recv(1)
        if not byte:
            break
        head += byte
    return head


def session(adapter: BaseAdapter | None = None, **sections: Any) -> requests.Session:
    """Over our adapter with these settings, unless another adapter is given."""
    used = adapter or CurlAdapter(Connections(msgspec.convert({**DEFAULTS, **sections}, Settings)))
    made = requests.Session()
    made.trust_env = False
    made.mount("http://", used)
    made.mount("https://", used)
    return made
