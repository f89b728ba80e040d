"""The live page is served where a port is set, and not beyond loopback without a token."""

from __future__ import annotations

import http.client
import socket
import time
from typing import Any

import pytest

from fetcher.errors import ConflictError, FetcherError, UsageError
from fetcher.settings.schema import Monitor
from fetcher.watch.web.serving import serving
from tools.ports import free_ports

TOKEN = "a-token-of-enough-length"


def test_without_a_port_no_page_is_served_or_watched() -> None:
    with serving(Monitor(), "urls.txt", is_paused=False) as mailbox:
        assert not mailbox.is_on
        assert not mailbox.is_watched(time.monotonic())


@pytest.mark.parametrize(
    ("settings", "kind", "said"),
    [
        ({}, ConflictError, "monitor.http: 127.0.0.1:{port} is in use by another process"),
        ({"host": "0.0.0.0"}, UsageError, "monitor.host = 0.0.0.0: beyond loopback anybody"),
        ({"host": "192.0.2.1", "token": TOKEN}, UsageError, "cannot be listened on"),
    ],
)
def test_a_page_that_cannot_be_is_one_line(
    settings: dict[str, Any], kind: type[FetcherError], said: str
) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with (
            pytest.raises(kind) as caught,
            serving(Monitor(http=port, **settings), "", is_paused=False),
        ):
            pass
    assert said.format(port=port) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_the_page_is_there_within_the_block_alone() -> None:
    port = free_ports(1)
    with serving(Monitor(http=port), "urls.txt", is_paused=True) as mailbox:
        assert mailbox.is_on and mailbox.shall_pause
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        connection.request("GET", "/")
        assert connection.getresponse().status == 200
        connection.close()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port))


def test_with_a_token_the_page_may_be_on_any_address() -> None:
    settings = Monitor(host="0.0.0.0", http=free_ports(1), token=TOKEN)
    with serving(settings, "urls.txt", is_paused=False) as mailbox:
        assert mailbox.is_on
