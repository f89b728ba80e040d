"""Small proxies that record their requests: HTTP with CONNECT, and SOCKS 5."""

from __future__ import annotations

import contextlib
import socket
import socketserver
import struct
import threading
from collections.abc import Iterator

_PIECE = 65_536


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 512
    address_family = socket.AF_INET

    def __init__(self, handler: type[socketserver.BaseRequestHandler], refusal: bytes) -> None:
        super().__init__(("127.0.0.1", 0), handler)
        self.refusal = refusal
        self.asked: list[str] = []

    @property
    def place(self) -> str:
        """HOST:PORT."""
        return f"127.0.0.1:{self.server_address[1]}"


class _Handler(socketserver.BaseRequestHandler):
    server: _Server

    def pipe_to(self, port: int, first: bytes = b"") -> None:
        """Connect every host to the local server."""
        with socket.create_connection(("127.0.0.1", port), 60) as there:
            there.sendall(first)
            back = threading.Thread(target=_pour, args=(there, self.request), daemon=True)
            back.start()
            _pour(self.request, there)
            back.join(60)


class _Http(_Handler):
    def handle(self) -> None:
        head = b""
        while b"\r\n\r\n" not in head:
            piece = self.request.recv(_PIECE)
            if not piece:
                return
            head += piece
        asked = head.split(b"\r\n", 1)[0].decode()
        self.server.asked.append(asked)
        if self.server.refusal:
            self.request.sendall(self.server.refusal)
            return
        method, target, _ = asked.split(" ")
        place = target if method == "CONNECT" else target.split("/")[2]
        port = int(place.rpartition(":")[2])
        if method == "CONNECT":
            self.request.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
            self.pipe_to(port)
        else:
            origin = f"http://{place}"
            self.pipe_to(port, head.replace(target.encode(), target[len(origin) :].encode(), 1))


class _Socks(_Handler):
    def handle(self) -> None:
        _, methods = self.request.recv(2)
        self.request.recv(methods)
        self.request.sendall(b"\5\0")
        kind = self.request.recv(4)[3]
        size = self.request.recv(1)[0] if kind == 3 else 4
        host = self.request.recv(size)
        (port,) = struct.unpack("!H", self.request.recv(2))
        name = host.decode() if kind == 3 else socket.inet_ntoa(host)
        self.server.asked.append(f"{name}:{port}")
        self.request.sendall(b"\5\0\0\1" + bytes(6))
        self.pipe_to(port)


def _pour(source: socket.socket, sink: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while piece := source.recv(_PIECE):
            sink.sendall(piece)
        sink.shutdown(socket.SHUT_WR)


@contextlib.contextmanager
def _running(handler: type[_Handler], refusal: bytes = b"") -> Iterator[_Server]:
    with _Server(handler, refusal) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


def http_proxy(refusal: bytes = b"") -> contextlib.AbstractContextManager[_Server]:
    """An HTTP proxy; with a `refusal`, that is all it ever says."""
    return _running(_Http, refusal)


def socks_proxy() -> contextlib.AbstractContextManager[_Server]:
    """A SOCKS 5 proxy."""
    return _running(_Socks)
