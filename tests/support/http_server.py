"""The HTTP server that servers for tests are made of."""

from __future__ import annotations

from http.server import ThreadingHTTPServer
from typing import Any


class HttpServer(ThreadingHTTPServer):
    """A thread for each connection; a crowd of clients may connect at once.

    Of Python's own, the kernel drops connections while more than five wait to be accepted, as they
    do on a loaded machine: their requests then time out.
    """

    daemon_threads = True
    request_queue_size = 512

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hangs up, or a handshake that fails, is a case, no mistake."""
