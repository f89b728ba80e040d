"""The HTTP server that servers for tests are made of."""

from __future__ import annotations

from http.server import ThreadingHTTPServer
from typing import Any


class HttpServer(ThreadingHTTPServer):
    """A thread for each connection; a crowd of clients may connect at once.

    Python's default is a queue of five. On a loaded machine more connections wait to be accepted;
    the kernel drops them, and their requests time out.
    """

    daemon_threads = True
    request_queue_size = 512

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Print nothing: tests have clients that hang up and handshakes that fail."""
