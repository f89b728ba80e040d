"""A server that sends exactly the bytes that a test gives it, over plain TCP or TLS.

Of HTTP it knows only where a request head ends and which path it names. A test's script decides
which bytes are sent, how they are split, and how the connection ends; the server records what it
received.
"""

from __future__ import annotations

import contextlib
import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Literal, NamedTuple

from support.secure import context_of
from tools.certificates import Authority

End = Literal["close", "keep", "hang", "reset", "notify"]
NOTIFY_S = 0.2  # for the answer to a close_notify
MAX_S = 60.0  # the longest time of a connection that no side ends


class Asked(NamedTuple):
    """A request: its path, its place on its connection and that connection's number, from 1."""

    path: str
    nth: int
    connection: int


class Script:
    """Bytes to send and pauses in seconds, then how it ends.

    `endless` goes on after the parts, over and over. The end is to `close`, to `keep` the
    connection for the next request, to `hang` without a word, to `reset`, or to `notify` over TLS
    that it closes.
    """

    def __init__(self, *parts: bytes | float, end: End = "close", endless: bytes = b"") -> None:
        self.parts = parts
        self.end = end
        self.endless = endless

    def steps(self) -> Iterator[bytes | float]:
        yield from self.parts
        while self.endless:
            yield self.endless


Scripts = Mapping[str, Script | Callable[[Asked], Script]]


class ScriptedServer:
    """A listening server; `asked` grows as requests come."""

    def __init__(self, scripts: Scripts, tls: ssl.SSLContext | None, address: str) -> None:
        self._scripts = scripts
        self._tls = tls
        self._address = address
        self._listener = socket.create_server((address, 0), backlog=512)
        self._open: set[socket.socket] = set()
        self._threads: list[threading.Thread] = []
        self._closing = False
        self.asked: list[Asked] = []
        self.heads: list[bytes] = []
        self.connections = 0
        self.port: int = self._listener.getsockname()[1]
        self._accepting = threading.Thread(target=self._accept, daemon=True)
        self._accepting.start()

    def url(self, path: str) -> str:
        return f"{'https' if self._tls else 'http'}://{self._address}:{self.port}{path}"

    def close(self) -> None:
        self._closing = True
        self._listener.shutdown(socket.SHUT_RDWR)
        self._accepting.join(60)
        self._listener.close()
        for sock in list(self._open):
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(60)

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                sock, _ = self._listener.accept()
                self.connections += 1
                args = (sock, self.connections)
                thread = threading.Thread(target=self._serve, args=args, daemon=True)
                self._threads.append(thread)
                thread.start()

    def _serve(self, plain: socket.socket, number: int) -> None:
        plain.settimeout(MAX_S)
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        # Suppressed: a client may close the connection in the middle of an invalid answer.
        with plain, contextlib.suppress(OSError):
            sock = self._tls.wrap_socket(plain, server_side=True) if self._tls else plain
            self._open.add(sock)
            with sock:
                nth = 1
                while self._answer(sock, nth, number):
                    nth += 1
            self._open.discard(sock)

    def _answer(self, sock: socket.socket, nth: int, number: int) -> bool:
        """Answer one request; True if another may come."""
        head = b""
        while b"\r\n\r\n" not in head:
            piece = sock.recv(65536)
            if not piece:
                return False
            head += piece
        asked = Asked(head.split(b" ")[1].decode(), nth, number)
        self.asked.append(asked)
        self.heads.append(head)
        script = self._scripts[asked.path.partition("?")[0]]
        if not isinstance(script, Script):
            script = script(asked)
        for step in script.steps():
            if isinstance(step, bytes):
                sock.sendall(step)
            else:
                self._pause(step)
        if script.end == "hang":
            sock.recv(1)  # until they go
        if script.end == "reset":
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        if script.end == "notify" and isinstance(sock, ssl.SSLSocket):
            sock.settimeout(NOTIFY_S)
            sock.unwrap()
        return script.end == "keep"

    def _pause(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        while not self._closing and time.monotonic() < end:
            time.sleep(min(0.05, seconds))


@contextlib.contextmanager
def scripted(
    scripts: Scripts, tls: ssl.SSLContext | None = None, address: str = "127.0.0.1"
) -> Iterator[ScriptedServer]:
    """A server that plays these scripts, by path without query, as long as the block lasts."""
    server = ScriptedServer(scripts, tls, address)
    try:
        yield server
    finally:
        server.close()


def self_signed(path: Path) -> ssl.SSLContext:
    """A TLS server's context with a certificate that is signed by itself."""
    return context_of(*Authority(path).issue(["localhost"]))


def answer(body: bytes, *lines: str, status: str = "200 OK") -> bytes:
    """A whole answer with these header lines and the body's length."""
    return head(f"Content-Length: {len(body)}", *lines, status=status) + body


def head(*lines: str, status: str = "200 OK") -> bytes:
    """A response head of these header lines."""
    text = "".join(f"{line}\r\n" for line in (f"HTTP/1.1 {status}", *lines))
    return f"{text}\r\n".encode("latin-1")


def chunked(*chunks: bytes) -> bytes:
    """A whole chunked body of these chunks."""
    return b"".join(b"%x\r\n%s\r\n" % (len(chunk), chunk) for chunk in (*chunks, b""))
