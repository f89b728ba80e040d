"""An HTTPS server, of HTTP/1.1 or HTTP/2, that answers with facts about the request."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import ssl
import struct
import threading
from collections import Counter
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any, ClassVar

import h2.config
import h2.connection
import h2.events

from support.http_server import HttpServer


def context_of(certificate: Path, key: Path, trusted: Path | None = None) -> ssl.SSLContext:
    """For a server; with `trusted`, clients must show a certificate of that authority."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    if trusted is not None:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(trusted)
    return context


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        assert isinstance(self.connection, ssl.SSLSocket)
        shown = self.connection.getpeercert()
        body = json.dumps({"client": str(shown.get("subject")) if shown else None}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        pass


@contextlib.contextmanager
def https_server(context: ssl.SSLContext, host: str = "127.0.0.1") -> Iterator[int]:
    """Its port."""

    class Server(HttpServer):
        address_family = socket.AF_INET6 if ":" in host else socket.AF_INET

        def finish_request(self, request: Any, client_address: Any) -> None:
            with context.wrap_socket(request, server_side=True) as secured:
                super().finish_request(secured, client_address)

    with Server((host, 0), _Handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield server.server_address[1]
        finally:
            server.shutdown()
            thread.join()


class Http2(asyncio.Protocol):
    """A connection.

    `/reset` is answered by RST_STREAM, `/refused` and the first `/refused-once` by RST_STREAM with
    REFUSED_STREAM, `/goaway` by GOAWAY and the end, `/cut` by a part of an answer and the end
    without close_notify, `/all-but-the-end` by all of its bytes, without END_STREAM, and that end.
    With a `limit` it answers so many requests, and says by
    GOAWAY that it leaves others undone.
    """

    connections = 0
    limit: int | None = None
    asked: ClassVar[Counter[str]] = Counter()  # by path
    answered: ClassVar[Counter[str]] = Counter()  # by path
    living: ClassVar[set[asyncio.Transport]] = set()
    transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        Http2.connections += 1
        self.living.add(transport)
        self.transport = transport
        self.left = Http2.limit  # requests that it will still answer
        self.h2 = h2.connection.H2Connection(h2.config.H2Configuration(client_side=False))
        self.h2.initiate_connection()
        transport.write(self.h2.data_to_send())

    def connection_lost(self, _error: Exception | None) -> None:
        self.living.discard(self.transport)

    def data_received(self, data: bytes) -> None:
        for event in self.h2.receive_data(data) if self.left != 0 else []:
            if isinstance(event, h2.events.RequestReceived) and self.left != 0:
                self._answer(event)
        self.transport.write(self.h2.data_to_send())

    def _answer(self, event: h2.events.RequestReceived) -> None:
        stream = event.stream_id
        assert stream is not None and event.headers is not None
        path = dict(event.headers)[b":path"]
        Http2.asked[path.decode()] += 1
        if path == b"/refused" or (path == b"/refused-once" and Http2.asked["/refused-once"] == 1):
            self.h2.reset_stream(stream, error_code=7)  # REFUSED_STREAM
        elif path.startswith(b"/reset"):
            self.h2.reset_stream(stream, error_code=2)
        elif path.startswith(b"/goaway"):
            self.h2.close_connection(error_code=11)
            asyncio.get_running_loop().call_later(0.05, self.transport.close)
        elif path.startswith((b"/cut", b"/all-but-the-end")):
            length = b"99" if path.startswith(b"/cut-length") else b"4"
            lengths = [] if path == b"/cut" else [(b"content-length", length)]
            self.h2.send_headers(stream, [(b":status", b"200"), *lengths])
            self.h2.send_data(stream, b"part")
            self.transport.write(self.h2.data_to_send())
            asyncio.get_running_loop().call_later(0.05, self.transport.abort)
        else:
            self.h2.send_headers(stream, [(":status", "200"), ("x-path", path.decode())])
            self.h2.send_data(stream, b"x" * 1000, end_stream=True)
            Http2.answered[path.decode()] += 1
            if self.left is not None:
                self._count_down(stream)

    def _count_down(self, stream: int) -> None:
        assert self.left is not None
        self.left -= 1
        if not self.left:
            # By hand: the library would take no more of the client's frames then.
            goaway = b"\0\0\x08\x07\0\0\0\0\0" + struct.pack(">II", stream, 0)
            self.transport.write(self.h2.data_to_send() + goaway)


@contextlib.contextmanager
def http2_server(context: ssl.SSLContext, limit: int | None = None) -> Iterator[int]:
    """Its port; `Http2.connections` and `Http2.answered` count; see Http2 for its `limit`."""
    context.set_alpn_protocols(["h2"])
    Http2.connections = 0
    Http2.limit = limit
    Http2.asked.clear()
    Http2.answered.clear()
    ready = threading.Event()
    shared: dict[str, Any] = {}

    async def serve() -> None:
        loop = shared["loop"] = asyncio.get_running_loop()
        leave = shared["leave"] = asyncio.Event()
        server = await loop.create_server(Http2, "127.0.0.1", 0, ssl=context)
        shared["port"] = server.sockets[0].getsockname()[1]
        ready.set()
        await leave.wait()
        server.close()
        while Http2.living:  # else they cause warnings in a later test
            for transport in list(Http2.living):
                transport.abort()
            await asyncio.sleep(0.01)

    thread = threading.Thread(target=lambda: asyncio.run(serve()), daemon=True)
    thread.start()
    assert ready.wait(60)
    try:
        yield shared["port"]
    finally:
        shared["loop"].call_soon_threadsafe(shared["leave"].set)
        thread.join(60)
