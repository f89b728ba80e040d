"""A small web site on loopback with a known link graph, which counts what it is asked for.

Pages are given as text by path; a text that begins with `->` is a redirect. A site keeps each
connection, as real ones do.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from http.server import BaseHTTPRequestHandler
from typing import Any, NamedTuple

from support.http_server import HttpServer


class Page(NamedTuple):
    """An answer; `location` makes it a redirect."""

    body: bytes = b""
    status: int = 200
    content_type: str = "text/html; charset=utf-8"
    headers: tuple[tuple[str, str], ...] = ()
    etag: str = ""
    modified: str = ""  # an HTTP date

    def is_known(self, headers: Mapping[str, str]) -> bool:
        """Whether a request with these headers has the page already."""
        asked = headers.get("If-None-Match")
        if asked is not None:
            return bool(self.etag) and self.etag.removeprefix("W/") == asked.removeprefix("W/")
        return bool(self.modified) and headers.get("If-Modified-Since") == self.modified


Pages = Mapping[str, str | Page] | Callable[[str], str | Page | None]


def links(*hrefs: str) -> str:
    """A page that links to these."""
    return "".join(f'<p><a href="{href}">to it</a>' for href in hrefs)


def moved(location: str, status: int = 301) -> Page:
    """A redirect."""
    return Page(status=status, headers=(("Location", location),))


class Site:
    """A running site.

    `asked`: requests by path with query; `not_modified`: answers with 304; `heads`: the last
    headers by URL.
    """

    def __init__(self, pages: Pages, delay_s: float = 0.0) -> None:
        self.asked: Counter[str] = Counter()
        self.not_modified: Counter[str] = Counter()
        self.requests: list[tuple[str, str, bytes]] = []  # method, path, body
        self.heads: dict[str, dict[str, str]] = {}
        self._page_of = pages if callable(pages) else pages.get
        self._delay_s = delay_s
        site = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                size = int(self.headers.get("Content-Length") or 0)
                body = self.rfile.read(size) if size else b""
                site.heads[f"http://{self.headers['Host']}{self.path}"] = dict(self.headers)
                self.answer(site.page(self.command, self.path, body))

            do_POST = do_GET

            def answer(self, page: Page) -> None:
                is_known = page.is_known(dict(self.headers))
                site.not_modified[self.path] += is_known
                self.send_response(304 if is_known else page.status)
                if page.etag:
                    self.send_header("ETag", page.etag)
                if is_known:
                    self.end_headers()
                    return
                if page.modified:
                    self.send_header("Last-Modified", page.modified)
                self.send_header("Content-Type", page.content_type)
                self.send_header("Content-Length", str(len(page.body)))
                for name, value in page.headers:
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(page.body)

            def log_message(self, *_: Any) -> None:
                pass

        self._server = HttpServer(("127.0.0.1", 0), Handler)
        self.port: int = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))
        self._thread.start()

    def url(self, path: str = "/", host: str = "127.0.0.1") -> str:
        return f"http://{host}:{self.port}{path}"

    def page(self, method: str, path: str, body: bytes) -> Page:
        self.asked[path] += 1
        self.requests.append((method, path, body))
        time.sleep(self._delay_s)
        found = self._page_of(path)
        if found is None:
            return Page(b"nothing here", 404)
        return Page(found.encode()) if isinstance(found, str) else found

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(60)


@contextlib.contextmanager
def site(pages: Pages, delay_s: float = 0.0) -> Iterator[Site]:
    """A site that is up as long as the block lasts."""
    running = Site(pages, delay_s)
    try:
        yield running
    finally:
        running.close()
