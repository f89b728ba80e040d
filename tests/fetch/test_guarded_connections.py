"""No connection is made to a denied address, however a URL leads to it."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator
from typing import Any

import pytest

from fetcher.model import Outcome
from support.fetching import fetch
from support.names import at, name_server
from support.scripted import Script, answer, scripted

DENIED = "127.0.0.2"
ZONE = {
    ("denied.test", "A"): [at(DENIED)],
    ("both.test", "A"): [at(DENIED, "127.0.0.3")],
    ("alias.test", "A"): [at(DENIED, aliases=("denied.test",))],
}
HOSTS = [DENIED, "0x7f000002", "127.2", f"[::ffff:{DENIED}]", *(name for name, _ in ZONE)]


class Listener:
    """A listening socket; the system accepts connections to it, and `connections` counts them."""

    def __init__(self, listening: socket.socket) -> None:
        listening.setblocking(False)
        self._listening = listening
        self.port: int = listening.getsockname()[1]

    def connections(self) -> int:
        """How many were made since the last call."""
        count = 0
        with contextlib.suppress(BlockingIOError):
            while count < 1000:
                self._listening.accept()[0].close()
                count += 1
        return count


@pytest.fixture(scope="module")
def denied() -> Iterator[Listener]:
    with socket.create_server((DENIED, 0), backlog=100) as listening:
        yield Listener(listening)


def test_a_denied_address_is_not_connected_to(denied: Listener) -> None:
    urls = [f"http://{host}:{denied.port}/" for host in HOSTS]
    urls += [f"https://{host}:{denied.port}/" for host in HOSTS]
    hops = {
        f"/{number}": Script(answer(b"", f"Location: {url}", status="302 Found"))
        for number, url in enumerate(urls)
    }
    with scripted(hops) as server, name_server(ZONE) as names:
        asked = [*urls, *(server.url(path) for path in hops)]
        sections: dict[str, dict[str, Any]] = {
            "guard": {"allow": ["127.0.0.1/32"]},
            "dns": {"servers": [f"127.0.0.1:{names.port}"]},
            "retry": {"attempts": 2, "backoff_s": 0.01},
        }
        found = fetch(asked, sections=sections, total_timeout_s=20.0).by_url
    for url in asked:
        assert (found[url].outcome, found[url].error_kind) == (Outcome.BLOCKED, "address"), url
    assert all(found[server.url(path)].status == 302 for path in hops)
    assert denied.connections() == 0


def test_the_listener_sees_a_connection_where_the_address_is_allowed(denied: Listener) -> None:
    sections = {"guard": {"allow": [f"{DENIED}/32"]}}
    url = f"http://{DENIED}:{denied.port}/"
    (result,) = fetch([url], sections=sections, total_timeout_s=0.2).results
    assert result.outcome is Outcome.TIMEOUT
    assert denied.connections() == 1
