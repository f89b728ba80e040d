"""An HTTP server that slow clients cannot hold up: one thread for each client, and few clients.

Metrics and the live page both use it. WSGI servers such as waitress bound sizes and idle time, but
not the time of a whole request; once full, they let no new client in.
"""

from __future__ import annotations

import contextlib
import http.client
import http.server
import logging
import socket
import socketserver
import sys
import threading
import time
from collections.abc import Iterator
from typing import Any, Final

from fetcher.telemetry.httpd.client import Malformed
from fetcher.telemetry.httpd.clients import Room
from fetcher.telemetry.ports import Port

log = logging.getLogger(__name__)

_MAX_CLIENTS: Final = 16  # at once
_MAX_OF_A_PEER: Final = 12  # of one address
_LEAVE_S: Final = 0.1  # the most that closing the port adds to the end of the role


class HttpServer(socketserver.ThreadingMixIn, http.server.HTTPServer):
    """Serves few clients at once; the slowest make room for others. Looks up no names."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = 64

    def __init__(self, port: Port, handler: type[socketserver.BaseRequestHandler]) -> None:
        """Raises ConflictError, UsageError."""
        self._room = Room(_MAX_CLIENTS, _MAX_OF_A_PEER)
        self.malformed = Malformed(port.setting)
        try:
            found = socket.getaddrinfo(port.host, port.port, type=socket.SOCK_STREAM)
            self.address_family = found[0][0]
            super().__init__(found[0][4], handler)  # type: ignore[arg-type]
        except OSError as error:
            raise port.refusal(error) from error

    def server_bind(self) -> None:
        socketserver.TCPServer.server_bind(self)  # that of HTTPServer would look up a host's name
        self.server_name, self.server_port = "", self.server_address[1]

    def get_request(self) -> Any:
        try:
            return super().get_request()
        except OSError:
            time.sleep(_LEAVE_S)  # such as too many open files: do not retry at once
            raise

    def has_asked(self, connection: socket.socket) -> None:
        """The head of the request has come."""
        self._room.has_asked(connection)

    def has_its_answer(self, connection: socket.socket) -> None:
        """All of the answer is sent."""
        self._room.has_its_answer(connection)

    def process_request(self, request: Any, client_address: Any) -> None:
        if not self._room.enter(request, client_address[0], time.monotonic()):
            self.shutdown_request(request)
            return
        try:
            super().process_request(request, client_address)
        except BaseException:  # no thread could be started
            self._room.leave(request)
            raise

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._room.leave(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        error = sys.exc_info()[1]
        if isinstance(error, OSError | http.client.HTTPException):
            log.debug("a client of a port has gone or is malformed: %r", error)
        else:
            log.exception("an answer of a port failed")

    @contextlib.contextmanager
    def answering(self, name: str) -> Iterator[None]:
        """Serve in a thread of this name while the block runs."""
        threading.Thread(
            target=self.serve_forever, args=(_LEAVE_S,), name=name, daemon=True
        ).start()
        try:
            yield
        finally:
            self.shutdown()
            self.server_close()
