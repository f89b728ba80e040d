"""The metrics port of a process. Its threads only read the snapshot.

In a worker, which gevent has patched, the threads are greenlets on the worker's loop.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

from fetcher.telemetry.httpd.client import Handler
from fetcher.telemetry.httpd.http_server import HttpServer
from fetcher.telemetry.pages import Pages
from fetcher.telemetry.ports import Port
from fetcher.telemetry.snapshot import Snapshot


@contextlib.contextmanager
def listening(port: Port, snapshot: Snapshot[Any], role: str, name: str) -> Iterator[None]:
    """Serve /metrics and /healthz while the block runs. Raises ConflictError, UsageError."""
    with _Server(port, Pages(snapshot, role, name)).answering("metrics"):
        yield


class _Server(HttpServer):
    def __init__(self, port: Port, pages: Pages) -> None:
        self.pages = pages
        super().__init__(port, _Handler)


class _Handler(Handler):
    server: _Server

    def do_GET(self) -> None:
        page = self.server.pages.answer(self.path)
        self.send_response(page.status)
        self.send_header("Content-Type", page.content_type)
        self.send_header("Content-Length", str(len(page.body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(page.body)

    do_HEAD = do_GET
