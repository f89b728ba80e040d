"""The port of a process: a few threads that only read the board.

In a worker, which is patched, they are greenlets on its loop: this file need not know.
"""

from __future__ import annotations

import contextlib
import http.server
import logging
import socket
import socketserver
import threading
import time
from collections.abc import Iterator
from typing import Any, Final

from fetcher import __version__
from fetcher.telemetry.board import Board
from fetcher.telemetry.pages import Pages
from fetcher.telemetry.ports import Port

log = logging.getLogger(__name__)

_SILENT_S: Final = 5.0  # a client that says nothing for so long is left
_MAX_CLIENTS: Final = 16  # at once; more are turned away
_LEAVE_S: Final = 0.1  # that the end of the role waits for the port at most


@contextlib.contextmanager
def listening(port: Port, board: Board[Any], role: str, name: str) -> Iterator[None]:
    """Answer while the block runs. Raises ConflictError, UsageError."""
    server = _Server(port, Pages(board, role, name))
    threading.Thread(
        target=server.serve_forever, args=(_LEAVE_S,), name="metrics", daemon=True
    ).start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()


class _Server(http.server.ThreadingHTTPServer):
    block_on_close = False
    request_queue_size = 64

    def __init__(self, port: Port, pages: Pages) -> None:
        self.pages = pages
        self._room = threading.BoundedSemaphore(_MAX_CLIENTS)
        try:
            found = socket.getaddrinfo(port.host, port.port, type=socket.SOCK_STREAM)
            self.address_family = found[0][0]
            super().__init__(found[0][4], _Handler)  # type: ignore[arg-type]
        except OSError as error:
            raise port.refusal(error) from error

    def server_bind(self) -> None:
        socketserver.TCPServer.server_bind(self)  # HTTPServer's own would ask for a host's name

    def get_request(self) -> Any:
        try:
            return super().get_request()
        except OSError:
            time.sleep(_LEAVE_S)  # too many open files, say: not again and again at once
            raise

    def process_request(self, request: Any, client_address: Any) -> None:
        if not self._room.acquire(blocking=False):
            self.shutdown_request(request)
            return
        try:
            super().process_request(request, client_address)
        except BaseException:  # no thread could be started
            self._room.release()
            raise

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._room.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        log.debug("a client of the metrics port failed", exc_info=True)


class _Handler(http.server.BaseHTTPRequestHandler):
    server: _Server
    timeout = _SILENT_S

    def do_GET(self) -> None:
        page = self.server.pages.answer(self.path)
        self.send_response(page.status)
        self.send_header("Content-Type", page.content_type)
        self.send_header("Content-Length", str(len(page.body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(page.body)

    do_HEAD = do_GET

    def version_string(self) -> str:
        return f"fetcher/{__version__}"

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        pass
