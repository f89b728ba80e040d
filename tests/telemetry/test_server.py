"""The server of a role's pages."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest

from fetcher.telemetry.ports import Port
from fetcher.telemetry.server import listening
from fetcher.telemetry.snapshot import Snapshot
from support.numbers import EXAMPLES
from support.rude import exchange
from tools.ports import free_ports


@pytest.fixture
def port() -> Iterator[int]:
    """A port with the pages of a sink."""
    number = free_ports(1)
    snapshot: Snapshot[Any] = Snapshot(is_on=True)
    snapshot.put(EXAMPLES["sink"], 0.0)
    with listening(Port("127.0.0.1", number, "metrics.sink_port"), snapshot, "sink", "sink"):
        yield number


def ask(port: int, method: str) -> tuple[str, int, bytes]:
    """The status, the stated length and the body of /metrics."""
    head, _, body = exchange(port, f"{method} /metrics HTTP/1.1\r\n\r\n".encode()).partition(
        b"\r\n\r\n"
    )
    first, _, rest = head.decode().partition("\r\n")
    (length,) = re.findall(r"Content-Length: (\d+)", rest)
    return first, int(length), body


def test_get_and_head_have_the_same_length_and_only_get_has_a_body(port: int) -> None:
    status, length, body = ask(port, "GET")
    assert (status, length) == ("HTTP/1.0 200 OK", len(body))
    head_status, head_length, head_body = ask(port, "HEAD")
    assert (head_status, head_body) == ("HTTP/1.0 200 OK", b"")
    assert abs(head_length - length) < 200, "the numbers of the process differ by some digits"


def test_each_request_gets_the_newest_numbers_on_a_connection_of_its_own(port: int) -> None:
    for _ in range(3):
        assert b"fetcher_sink_rows_total" in ask(port, "GET")[2]
