"""What is served on a port of loopback."""

from __future__ import annotations

import contextlib
import http.client


def get(port: int, path: str, method: str = "GET") -> tuple[int, str, bytes]:
    """Status, content type and body of a page on loopback."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    with contextlib.closing(connection):
        connection.request(method, path)
        answer = connection.getresponse()
        return answer.status, answer.headers["Content-Type"], answer.read()
