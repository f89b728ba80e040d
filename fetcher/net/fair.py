"""A requests adapter whose reads never keep the event loop waiting.

Law: gevent switches only where a read has to wait. A server that sends faster than we parse
(endless `100 Continue`, endless trailers) never makes one wait, and so no timeout could ever fire.
Here every read from a connection, plain or TLS, looks at the clock first and lets the loop run now
and then.
"""

from __future__ import annotations

import http.client
import io
import socket
import time
from typing import Any, Final

import gevent
from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection

_RUN_AT_MOST_S: Final = 0.02


class _FairReads(io.RawIOBase):
    def __init__(self, raw: Any) -> None:
        self._raw = raw
        self._switched_at = time.monotonic()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        if time.monotonic() - self._switched_at > _RUN_AT_MOST_S:
            gevent.sleep(0)
            self._switched_at = time.monotonic()
        count: int | None = self._raw.readinto(buffer)
        return count

    def close(self) -> None:
        # The socket lives until its last file is closed, so this one must be.
        self._raw.close()
        super().close()


class _FairFiles:
    """The one method of a socket that an HTTPResponse uses."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock

    def makefile(self, mode: str) -> io.BufferedReader:
        assert mode == "rb"
        raw: Any = self._sock.makefile("rb", buffering=0)
        return io.BufferedReader(_FairReads(raw))


class _FairResponse(http.client.HTTPResponse):
    def __init__(self, sock: socket.socket, *args: Any, **kwargs: Any) -> None:
        super().__init__(_FairFiles(sock), *args, **kwargs)  # type: ignore[arg-type]


class _FairHTTPConnection(HTTPConnection):
    response_class = _FairResponse


class _FairHTTPSConnection(HTTPSConnection):
    response_class = _FairResponse


class _FairHTTPPool(HTTPConnectionPool):
    ConnectionCls = _FairHTTPConnection


class _FairHTTPSPool(HTTPSConnectionPool):
    ConnectionCls = _FairHTTPSConnection


class FairAdapter(HTTPAdapter):
    """The stock adapter, on these connections."""

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = {"http": _FairHTTPPool, "https": _FairHTTPSPool}
