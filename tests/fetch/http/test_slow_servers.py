"""Servers that are slow, or fall silent: which limit ends them, when, and what their row says."""

from __future__ import annotations

import socket
import time
from pathlib import Path
from typing import Any

import pytest

from fetcher.model import Result
from support.by_hand import served
from support.fetching import fetch
from support.scripted import Script, Scripts, answer, head, scripted, self_signed

GAP_S = 0.1  # between two bytes of a drip
LIMIT_S = 1.0
UPLOAD = "x" * 10_000_000
LATE_S = 3.0  # on a loaded machine; libcurl's own limit was 5 to 10 s late


def drip(begin: bytes, data: bytes) -> Script:
    """These bytes, then the first hundred of the data, byte by byte."""
    parts: list[bytes | float] = [begin]
    for at in range(100):
        parts += [data[at : at + 1], GAP_S]
    return Script(*parts)


SILENT = {
    "/from-the-start": Script(end="hang"),
    "/in-a-line": Script(b"HTTP/1.1 200 OK\r\nX-", end="hang"),
    "/in-the-head": Script(b"HTTP/1.1 200 OK\r\nA: b\r\n", end="hang"),
    "/in-the-body": Script(head("Content-Length: 9") + b"abc", end="hang"),
    "/after-much": Script(head("Content-Length: 900000") + b"x" * 500_000, end="hang"),
}
DRIPS = {
    "/status": drip(b"", b"HTTP/1.1 200 " + b"a" * 99),
    "/header": drip(b"HTTP/1.1 200 OK\r\nX-Drip: ", b"a" * 100),
    "/headers": drip(b"HTTP/1.1 200 OK\r\n", b"a: b\r\n" * 20),
    "/body": drip(head("Content-Length: 1000"), b"a" * 100),
}


def rows(scripts: Scripts, tls_path: Path | None = None, **http: Any) -> dict[str, Result]:
    """The result of each path."""
    tls = tls_path and self_signed(tls_path)
    with scripted(scripts, tls or None) as server:
        done = fetch([server.url(path) for path in scripts], verify_tls=False, **http)
        return {path: done.by_url[server.url(path)] for path in scripts}


def took_s(row: Result) -> float:
    assert row.timings_ms is not None and row.timings_ms.total is not None
    return row.timings_ms.total / 1000


@pytest.mark.parametrize("is_secure", [False, True])
def test_a_server_that_falls_silent_is_given_up_at_the_limit(
    is_secure: bool, tmp_path: Path
) -> None:
    found = rows(SILENT, tmp_path if is_secure else None, low_speed_s=LIMIT_S, total_timeout_s=30.0)
    for path, row in found.items():
        assert row.error_kind == ("first_byte" if path == "/from-the-start" else "stalled"), row
        assert "http.low_speed_s (1 s" in (row.error or "")
        assert LIMIT_S <= took_s(row) < LIMIT_S + LATE_S, row


@pytest.mark.parametrize("capture", [False, True])
def test_a_drip_lasts_until_the_total_limit_and_says_so(capture: bool) -> None:
    limits: dict[str, Any] = {"low_speed_s": 2 * LIMIT_S, "total_timeout_s": 3 * LIMIT_S}
    for path, row in rows(DRIPS, capture=capture, **limits).items():
        assert row.error_kind == ("first_byte" if path == "/status" else "total"), row
        assert row.error == "took longer than http.total_timeout_s (3 s)"
        assert 3 * LIMIT_S - 0.1 <= took_s(row) < 3 * LIMIT_S + LATE_S, row


@pytest.mark.parametrize("capture", [False, True])
def test_a_handshake_that_does_not_end_is_given_up_at_the_limit(capture: bool) -> None:
    limits: dict[str, Any] = {"connect_timeout_s": 1.5 * LIMIT_S, "total_timeout_s": 30.0}
    with scripted({"/": Script(end="hang")}) as server:
        url = server.url("/").replace("http:", "https:")
        (row,) = fetch([url], capture=capture, **limits).results
    assert row.error_kind == "tls", row
    assert 1.5 * LIMIT_S - 0.1 <= took_s(row) < 1.5 * LIMIT_S + LATE_S, row


def test_a_drip_is_given_up_where_so_few_bytes_are_too_slow() -> None:
    limits: dict[str, Any] = {
        "low_speed_s": LIMIT_S,
        "low_speed_bytes_s": 1000,
        "total_timeout_s": 30.0,
    }
    for path, row in rows(DRIPS, **limits).items():
        assert row.error_kind == ("first_byte" if path == "/status" else "stalled"), row
        assert LIMIT_S <= took_s(row) < LIMIT_S + LATE_S


@pytest.mark.slow
def test_an_upload_that_is_taken_slowly_is_no_silence() -> None:
    def read_slowly(connection: socket.socket) -> None:
        # So that the kernel holds little of it, and the client sees how slowly it is taken.
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 262_144)
        left_bytes = len(UPLOAD)
        began = time.monotonic()
        while left_bytes > 0:
            left_bytes -= len(connection.recv(250_000))
            time.sleep(GAP_S)
        assert time.monotonic() - began > 3 * LIMIT_S
        connection.sendall(answer(b"taken"))

    with served(read_slowly) as url:
        upload = {"url": f"{url}/", "method": "POST", "body": UPLOAD}
        (row,) = fetch([upload], low_speed_s=3 * LIMIT_S).results
    assert row.status == 200, row
