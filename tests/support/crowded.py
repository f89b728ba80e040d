"""A site of many hosts at one address, which records the load of each host."""

from __future__ import annotations

import contextlib
import itertools
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler
from typing import Any, NamedTuple

from support.http_server import HttpServer


class Host:
    """The requests of one host."""

    def __init__(self) -> None:
        self.now = 0
        self.most = 0  # requests at once
        self.starts: list[float] = []
        self.ends: list[float] = []

    @property
    def gaps_s(self) -> list[float]:
        """Seconds from each request's start to the next one's."""
        return [b - a for a, b in itertools.pairwise(sorted(self.starts))]


class Asked(NamedTuple):
    """A request as it came."""

    method: str
    host: str
    path: str
    headers: dict[str, str]  # names in lower case
    body: bytes


# (host, path, which request of this host) -> (status, headers, body, seconds to wait before)
Answer = tuple[int, dict[str, str], bytes, float]
Behaviour = Callable[[str, str, int], Answer]


class CrowdedSite:
    """The hosts' records, and the answers that `behaviour` gives."""

    def __init__(self, behaviour: Behaviour) -> None:
        self.began = time.monotonic()
        self.hosts: dict[str, Host] = defaultdict(Host)
        self.asked: list[Asked] = []
        self._behaviour = behaviour
        self._lock = threading.Lock()
        self.port = 0

    def answer(self, name: str, path: str) -> Answer:
        host = self.hosts[name]
        with self._lock:
            number = len(host.starts)
            host.starts.append(time.monotonic())
            host.now += 1
            host.most = max(host.most, host.now)
        status, headers, body, wait_s = self._behaviour(name, path, number)
        time.sleep(wait_s)
        with self._lock:
            host.now -= 1
            host.ends.append(time.monotonic())
        return status, headers, body, 0.0


@contextlib.contextmanager
def crowded_site(behaviour: Behaviour) -> Iterator[CrowdedSite]:
    """A running site on a free loopback port."""
    site = CrowdedSite(behaviour)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _any(self) -> None:
            name = self.headers["Host"].rpartition(":")[0]
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            headers = {key.lower(): value for key, value in self.headers.items()}
            site.asked.append(Asked(self.command, name, self.path, headers, body))
            status, more, body, _ = site.answer(name, self.path)
            self.send_response_only(status)
            for header, value in more.items():
                self.send_header(header, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        do_GET = do_HEAD = do_POST = do_PUT = _any

        def log_message(self, *args: Any) -> None:
            pass

    server = HttpServer(("127.0.0.1", 0), Handler)
    site.port = server.server_address[1]
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield site
    finally:
        server.shutdown()
        server.server_close()
