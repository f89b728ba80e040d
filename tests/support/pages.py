"""Reads pages from a port of loopback."""

from __future__ import annotations

import contextlib
import http.client


def get(port: int, path: str, method: str = "GET") -> tuple[int, str, bytes]:
    """Status, content type and body of a page on loopback."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    with contextlib.closing(connection):
        connection.request(method, path)
        answer = connection.getresponse()
        return answer.status, answer.headers["Content-Type"], answer.read()


def is_failing(port: int) -> bool:
    """Whether a role on this port answers that it cannot do its work."""
    with contextlib.suppress(OSError):
        return get(port, "/healthz")[0] == 503
    return False


def metric(port: int, name: str) -> float:
    """The value of a metric without labels; 0 while the role does not answer."""
    with contextlib.suppress(OSError):
        for line in get(port, "/metrics")[2].decode().splitlines():
            key, _, value = line.partition(" ")
            if key == name:
                return float(value)
    return 0.0
