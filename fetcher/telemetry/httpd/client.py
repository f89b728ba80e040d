"""The connection of one HTTP client, bounded in time and in size.

A request must come and its answer be read within `REQUEST_S`, in whatever pieces. A malformed
request is answered with a 4xx status, counted, and logged in one line.
"""

from __future__ import annotations

import contextlib
import http.client
import http.server
import io
import logging
import socket
import threading
import time
from typing import Any, Final, Protocol

from fetcher import __version__

log = logging.getLogger(__name__)

REQUEST_S: Final = 10.0  # for a request and its answer
SILENT_S: Final = 5.0  # a client that sends nothing for so long is disconnected
_MAX_REQUEST_BYTES: Final = 128 * 1024
_DRAIN_S: Final = 0.5  # for a client to read the answer before the connection is closed
_DRAIN_BYTES: Final = 256 * 1024
_LOG_EVERY_S: Final = 60.0
_WORDS_OF_0_9: Final = 2  # in a request line without a version
_MAX_DIGITS: Final = 10  # of a Content-Length
_SHOWN_CHARS: Final = 100  # of a reason


class Malformed:
    """Counts the malformed requests of a port; logs the first at once, then once a minute."""

    def __init__(self, name: str) -> None:
        self.count = 0
        self._name = name
        self._logs_at = 0.0
        self._lock = threading.Lock()

    def note(self, peer: str, reason: str) -> None:
        """Count one request, and maybe log it."""
        with self._lock:
            self.count += 1
            if time.monotonic() < self._logs_at:
                return
            self._logs_at = time.monotonic() + _LOG_EVERY_S
        log.warning(
            "%s: malformed request from %s: %s (%d so far)",
            self._name,
            peer,
            _shown(reason),
            self.count,
        )


class Server(Protocol):
    """The part of a server that its handlers call."""

    malformed: Malformed

    def has_asked(self, connection: socket.socket) -> None:
        """The head of the request has come."""

    def has_its_answer(self, connection: socket.socket) -> None:
        """All of the answer is sent."""


class Handler(http.server.BaseHTTPRequestHandler):
    """The base of all handlers. A connection carries one request."""

    raw_requestline: bytes
    server: Server  # type: ignore[assignment]
    server_version = f"fetcher/{__version__}"
    sys_version = ""

    def setup(self) -> None:
        self.connection: socket.socket = self.request
        self._wire = _Wire(self.connection, time.monotonic() + REQUEST_S)
        self.rfile = io.BufferedReader(self._wire)
        self.wfile = _Writer(self._wire)

    def finish(self) -> None:
        self.server.has_its_answer(self.connection)
        # Closing a socket with unread bytes resets the connection, and the answer is lost.
        with contextlib.suppress(OSError):
            if self._wire.received:
                self._drain()

    def _drain(self) -> None:
        self.connection.shutdown(socket.SHUT_WR)
        ends_at = time.monotonic() + _DRAIN_S
        left = _DRAIN_BYTES
        while left > 0 and (left_s := ends_at - time.monotonic()) > 0:
            self.connection.settimeout(left_s)
            piece = self.connection.recv(64 * 1024)
            if not piece:
                return
            left -= len(piece)

    def parse_request(self) -> bool:
        if len(self.raw_requestline.split()) == _WORDS_OF_0_9:
            # http.server would wait for headers, which HTTP/0.9 does not have.
            self.requestline = self.command = self.request_version = ""
            self.send_error(400, "HTTP/0.9 is not supported")
            return False
        is_valid = super().parse_request()
        if is_valid:
            self.server.has_asked(self.connection)
        return is_valid

    def read_body(self, most: int, *, is_needed: bool) -> bytes | None:
        """The request's body of at most `most` bytes; None where it was refused and answered."""
        length, fault = self._length(most, is_needed=is_needed)
        body = b""
        if fault is None and length:
            with contextlib.suppress(OSError):
                body = self.rfile.read(length)
            if len(body) < length:
                fault = "the body is shorter than its Content-Length"
        if fault is None:
            return body
        self.send_error(400, fault)
        return None

    def _length(self, most: int, *, is_needed: bool) -> tuple[int, str | None]:
        """The length of the coming body, and why it is refused; None: it is not."""
        lengths = {text.strip() for text in self.headers.get_all("Content-Length", [])}
        if "Transfer-Encoding" in self.headers:
            return 0, "a body without Content-Length is not taken"
        if not lengths and not is_needed:
            return 0, None
        text = lengths.pop() if len(lengths) == 1 else ""
        if not (text.isascii() and text.isdecimal() and len(text) < _MAX_DIGITS):
            return 0, "no Content-Length, or a malformed one"
        return int(text), f"a body of more than {most} bytes" if int(text) > most else None

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """Count a malformed request, and answer it with one line."""
        reason = message or self.responses.get(code, ("",))[0]
        self.request_version = "HTTP/1.0"  # while the version is not known, no head would be sent
        self.server.malformed.note(self.client_address[0], f"{code} {reason}")
        body = f"{code} {_shown(reason)}\n".encode()
        self.send_response(code, self.responses.get(code, ("",))[0])
        self.send_header("Content-Type", "text/plain; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        pass


def _shown(reason: str) -> str:
    return "".join(char if " " <= char <= "~" else "?" for char in reason[:_SHOWN_CHARS])


class _Wire(io.RawIOBase):
    """Reads and writes a connection until a deadline (monotonic seconds)."""

    def __init__(self, connection: socket.socket, ends_at: float) -> None:
        self.received = 0
        self._connection = connection
        self._ends_at = ends_at

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int:
        # http.server answers this with 431 while it reads a head.
        if self.received > _MAX_REQUEST_BYTES:
            raise http.client.HTTPException("more bytes than a request may have")
        self._set_timeout(SILENT_S)
        size = self._connection.recv_into(buffer)
        self.received += size
        return size

    def send(self, data: bytes) -> None:
        self._set_timeout(REQUEST_S)
        self._connection.sendall(data)

    def _set_timeout(self, most_s: float) -> None:
        left_s = self._ends_at - time.monotonic()
        if left_s <= 0:
            raise TimeoutError("the time for a request is over")
        self._connection.settimeout(min(left_s, most_s))


class _Writer(io.BufferedIOBase):
    def __init__(self, wire: _Wire) -> None:
        self._wire = wire

    def writable(self) -> bool:
        return True

    def write(self, data: Any, /) -> int:
        self._wire.send(data)
        return len(data)
