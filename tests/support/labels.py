"""A server that sees which host asks for which page, where each host sends a label of its own."""

from __future__ import annotations

import contextlib
import threading
from collections import defaultdict
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from typing import Final

from support.http_server import HttpServer

_HEADER: Final = "X-Label"


def environ(label: str) -> dict[str, str]:
    """Variables with which workers send this label."""
    return {"FETCHER_HTTP__HEADERS": f'["{_HEADER}: {label}"]'}


class LabelSite:
    """`base`: its URL; `seen`: the labels that asked for the pages below each folder."""

    def __init__(self) -> None:
        self.seen: defaultdict[str, set[str]] = defaultdict(set)
        seen = self.seen

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                seen[self.path.split("/")[1]].add(self.headers.get(_HEADER, ""))
                self.send_response_only(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

        self.server = HttpServer(("127.0.0.1", 0), Handler)
        self.base = f"http://127.0.0.1:{self.server.server_address[1]}"


@contextlib.contextmanager
def label_site() -> Iterator[LabelSite]:
    """The site, in a thread of this process."""
    site = LabelSite()
    thread = threading.Thread(target=site.server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield site
    finally:
        site.server.shutdown()
        site.server.server_close()
        thread.join()
