"""Visitors of the page that are slow, malformed or gone: an answer, one line, no traceback."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator

import pytest

from fetcher.settings.schema import Monitor
from fetcher.watch.web.serving import serving
from support.pages import get
from support.rude import ODD, exchange, reset, slow_clients
from tools.ports import free_ports

TOKEN = "a-token-of-enough-length"
FORM = "Content-Type: application/x-www-form-urlencoded"


@pytest.fixture
def port(caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]) -> Iterator[int]:
    """The port of a page with a token. Only the log is written to, and without tracebacks."""
    number = free_ports(1)
    settings = Monitor(http=number, token=TOKEN)
    with caplog.at_level(logging.DEBUG), serving(settings, "urls.txt", is_paused=False):
        yield number
    assert not [record for record in caplog.records if record.exc_info]
    assert capfd.readouterr() == ("", "")


def login(*headers: str, body: bytes = b"") -> bytes:
    lines = ("POST /login HTTP/1.1", "Host: 127.0.0.1", *headers, "", "")
    return "\r\n".join(lines).encode("latin-1") + body


def status(answer: bytes) -> int:
    return int(answer.split(b" ", 2)[1])


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        (["Content-Length: x"], b"token=x"),
        (["Content-Length: -7"], b"token=x"),
        (["Content-Length: 7, 8"], b"token=x"),
        (["Content-Length: 7", "Content-Length: 8"], b"token=x"),
        (["Content-Length: 99999999999999999999"], b"token=x"),
        (["Content-Length: \xb2"], b"token=x"),
        (["Content-Length: 5000"], b"token=" + b"x" * 4994),
        ([], b"token=x"),
        (["Content-Length: 100"], b"token=x"),
        (["Transfer-Encoding: chunked"], b"7\r\ntoken=x\r\n0\r\n\r\n"),
        (["Transfer-Encoding: chunked", "Content-Length: 7"], b"zz\r\n"),
    ],
)
def test_a_form_of_no_known_length_is_a_bad_request(
    headers: list[str], body: bytes, port: int, caplog: pytest.LogCaptureFixture
) -> None:
    assert status(exchange(port, login(FORM, *headers, body=body), ends=True)) == 400
    warnings = [r.getMessage() for r in caplog.records if r.levelno >= logging.WARNING]
    assert len(warnings) == 1
    assert warnings[0].startswith("monitor.http: malformed request from 127.0.0.1: 400 ")


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b"token=" + TOKEN.encode(), 303),
        (b"token=%zz%ff\xff", 401),
        (b"\xff" * 50, 401),
        (b"&" * 4000, 401),
        (b"token=" + TOKEN.encode() + b"&a=b" * 20, 401),
        (b"", 401),
    ],
)
def test_what_a_form_holds_never_fails_the_page(body: bytes, expected: int, port: int) -> None:
    asked = login(FORM, f"Content-Length: {len(body)}", body=body)
    assert status(exchange(port, asked)) == expected


def test_other_kinds_of_forms_have_no_token(port: int) -> None:
    kind = "Content-Type: multipart/form-data; boundary=\xff"
    assert status(exchange(port, login(kind, "Content-Length: 5", body=b"--\xff\r\n"))) == 401


@pytest.mark.parametrize("what", ODD)
def test_a_malformed_request_is_refused_and_the_next_visitor_is_served(
    what: str, port: int
) -> None:
    said = exchange(port, ODD[what])
    assert said.startswith((b"HTTP/1.0 4", b"HTTP/1.0 5")), said
    assert get(port, "/")[0] == 401


@pytest.mark.parametrize(
    "target",
    [
        *(b"/%zz%ff", b"/\xff", b"*", b"//[::1", b"http://[::1/", b"/%00", b"/assets/%2e%2e/%ff"),
        *(b"/live.json?since=" + value for value in (b"%ff\xff", b"nan", b"1e999")),
    ],
)
def test_no_target_fails_the_page(target: bytes, port: int) -> None:
    bearer = f"Host: 127.0.0.1\r\nAuthorization: Bearer {TOKEN}\r\nCookie: \xff=;;=\r\n\r\n"
    said = exchange(port, b"GET " + target + b" HTTP/1.1\r\n" + bearer.encode("latin-1"))
    assert status(said) in (200, 400, 404), said


@pytest.mark.parametrize("header", ["Host: \xff", "Authorization: Bearer \xff", "Origin: \xff://"])
def test_no_header_fails_the_page(header: str, port: int) -> None:
    asked = f"POST /pause HTTP/1.1\r\nHost: 127.0.0.1\r\n{header}\r\n\r\n"
    assert status(exchange(port, asked.encode("latin-1"))) in (401, 403)


def test_visitors_that_go_in_the_middle_leave_no_trace(port: int) -> None:
    for _ in range(10):
        reset(port, b"GET /assets/uPlot.iife.min.js HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        reset(port, login(FORM, "Content-Length: 100", body=b"to"))
    assert get(port, "/")[0] == 401


def test_slow_visitors_do_not_shut_others_out(port: int) -> None:
    with slow_clients(port, 40, 0.2):
        began = time.monotonic()
        for _ in range(10):
            assert get(port, "/")[0] == 401
        assert time.monotonic() - began < 10 * 4
