"""Slow, malformed and lost clients of a port delay no other client, and log no traceback."""

from __future__ import annotations

import contextlib
import logging
import socket
import time
from collections.abc import Iterator

import pytest

from fetcher.settings.schema import Metrics
from fetcher.telemetry.serving import serving
from support.pages import get
from support.rude import ODD, exchange, reset, slow_clients
from tools.ports import free_ports


@pytest.fixture
def port(caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]) -> Iterator[int]:
    """The port of a role's pages. Only the log is written to, and without tracebacks."""
    number = free_ports(1)
    with caplog.at_level(logging.DEBUG), serving(Metrics(sink_port=number), "sink", 1, "sink"):
        yield number
    assert not [record for record in caplog.records if record.exc_info]
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("what", ODD)
def test_a_malformed_request_is_refused_and_the_next_client_is_served(what: str, port: int) -> None:
    said = exchange(port, ODD[what])
    assert said.startswith((b"HTTP/1.0 4", b"HTTP/1.0 5")), said
    assert get(port, "/healthz")[0] == 200


def test_malformed_requests_are_one_line_in_the_log(
    port: int, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(20):
        exchange(port, ODD["binary"])
    warnings = [r.getMessage() for r in caplog.records if r.levelno == logging.WARNING]
    assert len(warnings) == 1
    assert warnings[0].startswith("metrics.sink_port: malformed request from 127.0.0.1: 400 ")
    assert len(warnings[0]) < 250


@pytest.mark.parametrize(
    "data",
    [
        b"GET /healthz HTTP/1.1\r\n\r\n" * 50,  # pipelined
        b"GET /healthz?%zz=%ff\xff HTTP/1.1\r\nHost: \xff\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\nhello",
        b"GET /healthz HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
    ],
)
def test_an_unusual_request_is_answered_once(data: bytes, port: int) -> None:
    said = exchange(port, data)
    assert said.count(b'"status":"ok"') == 1, said


def test_clients_that_go_in_the_middle_leave_no_trace(port: int) -> None:
    for _ in range(10):
        reset(port, b"GET /metrics HTTP/1.1\r\n\r\n")
        reset(port, b"GET /metr")
    assert get(port, "/healthz")[0] == 200


def test_slow_clients_do_not_shut_others_out(port: int) -> None:
    with slow_clients(port, 40, 0.2):
        began = time.monotonic()
        for _ in range(20):
            assert get(port, "/healthz")[0] == get(port, "/metrics")[0] == 200
            time.sleep(0.05)
        assert time.monotonic() - began < 20 * 4


def test_silent_clients_do_not_shut_others_out(port: int) -> None:
    with contextlib.ExitStack() as stack:
        for _ in range(40):
            stack.enter_context(socket.create_connection(("127.0.0.1", port)))
        assert get(port, "/healthz")[0] == 200


def test_clients_that_have_their_answer_and_stay_do_not_shut_others_out(port: int) -> None:
    for _ in range(5):
        with contextlib.ExitStack() as stack:
            for _ in range(40):
                client = socket.create_connection(("127.0.0.1", port), timeout=60)
                stack.enter_context(client).sendall(b"GET /healthz HTTP/1.1\r\n\r\n")
                assert client.recv(5) == b"HTTP/"


def test_a_request_has_a_deadline_however_it_is_cut(
    port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fetcher.telemetry.httpd.client.REQUEST_S", 1.0)
    with socket.create_connection(("127.0.0.1", port), timeout=60) as client:
        began = time.monotonic()
        with contextlib.suppress(ConnectionError):
            client.sendall(b"GET /healthz HTTP/1.1\r\nX: ")
            while time.monotonic() - began < 60:
                client.sendall(b"x")
                time.sleep(0.1)
        assert time.monotonic() - began < 45
