"""One HTTP client: what is read of its request, and what it is answered if that is malformed."""

from __future__ import annotations

import contextlib
import io
import logging
import socket

import pytest

from fetcher.telemetry.httpd.client import Handler, Malformed


class _Server:
    """Notes what its handlers say."""

    def __init__(self) -> None:
        self.malformed = Malformed("test.port")
        self.said: list[str] = []

    def has_asked(self, _connection: socket.socket) -> None:
        self.said.append("asked")

    def has_its_answer(self, _connection: socket.socket) -> None:
        self.said.append("answered")


class _Echo(Handler):
    """Answers with the body of the request; a POST must have one."""

    def do_GET(self) -> None:
        body = self.read_body(8, is_needed=self.command == "POST")
        if body is not None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(body)

    do_POST = do_HEAD = do_GET


def ask(request: bytes, server: _Server | None = None) -> tuple[str, str, _Server]:
    """The status line and the body of the answer to these bytes."""
    server = server or _Server()
    ours, theirs = socket.socketpair()
    with contextlib.closing(ours), contextlib.closing(theirs):
        theirs.sendall(request)
        theirs.shutdown(socket.SHUT_WR)
        _Echo(ours, ("10.0.0.1", 1), server)  # type: ignore[arg-type]
        ours.shutdown(socket.SHUT_WR)
        with io.BufferedReader(theirs.makefile("rb", 0)) as said:
            head, _, body = said.read().partition(b"\r\n\r\n")
    return head.split(b"\r\n")[0].decode(), body.decode(), server


def post(*headers: str, body: str = "") -> bytes:
    return "\r\n".join(["POST / HTTP/1.1", *headers, "", body]).encode()


@pytest.mark.parametrize(
    ("request_bytes", "body"),
    [
        (b"GET / HTTP/1.1\r\n\r\n", ""),
        (b"GET / HTTP/1.1\r\nContent-Length: 2\r\n\r\nab", "ab"),
        (post("Content-Length: 8", body="12345678"), "12345678"),
        (post("Content-Length: 2", "Content-Length: 2", body="abc"), "ab"),
        (post("Content-Length: 0"), ""),
    ],
)
def test_a_body_is_read_by_its_length(request_bytes: bytes, body: str) -> None:
    status, said, server = ask(request_bytes)
    assert (status, said) == ("HTTP/1.0 200 OK", body)
    assert server.said == ["asked", "answered"]
    assert server.malformed.count == 0


@pytest.mark.parametrize(
    ("request_bytes", "said"),
    [
        (post(), "400 no Content-Length, or a malformed one"),
        (post("Content-Length: 1", "Content-Length: 2"), "400 no Content-Length, or a malformed"),
        (post("Content-Length: -1"), "400 no Content-Length, or a malformed one"),
        (post("Content-Length: 12345678901"), "400 no Content-Length, or a malformed one"),
        (post("Content-Length: \u0663"), "400 no Content-Length, or a malformed one"),
        (post("Content-Length: 9", body="x" * 9), "400 a body of more than 8 bytes"),
        (post("Content-Length: 5", body="abc"), "400 the body is shorter than its Content-Length"),
        (post("Transfer-Encoding: chunked"), "400 a body without Content-Length is not taken"),
        (b"GET /\r\n", "400 HTTP/0.9 is not supported"),
        (b"PUT / HTTP/1.1\r\n\r\n", "501 Unsupported method ('PUT')"),
        (b"GET / HTTP/1.1\r\nA: " + b"x" * 200_000, "431 Line too long"),
    ],
)
def test_a_malformed_request_is_answered_in_one_line_and_counted(
    request_bytes: bytes, said: str
) -> None:
    status, body, server = ask(request_bytes)
    assert status.startswith(f"HTTP/1.0 {said[:3]} ")
    assert body.startswith(said) and body.count("\n") == 1
    assert server.malformed.count == 1
    assert server.said[-1] == "answered"


def test_the_answer_to_a_malformed_head_request_has_no_body() -> None:
    status, body, _ = ask(b"HEAD / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n")
    assert (status, body) == ("HTTP/1.0 400 Bad Request", "")


def test_a_client_that_sends_nothing_gets_nothing() -> None:
    assert ask(b"")[:2] == ("", "")


def test_unprintable_characters_of_a_reason_are_not_repeated() -> None:
    _, body, _ = ask(b"G\x1b[1m\xe9 / HTTP/1.1\r\n\r\n")
    assert body.startswith("501 Unsupported method ('G") and body.strip().isprintable()
    assert "\x1b" not in body


def test_only_the_first_malformed_request_of_a_minute_is_logged(
    caplog: pytest.LogCaptureFixture,
) -> None:
    malformed = Malformed("metrics.port")
    for _ in range(3):
        malformed.note("10.0.0.1", "400 \x1b[31m" + "x" * 200)
    assert malformed.count == 3
    (record,) = caplog.records
    assert record.levelno == logging.WARNING
    shown = "400 ?[31m" + "x" * 91
    assert record.getMessage() == (
        f"metrics.port: malformed request from 10.0.0.1: {shown} (1 so far)"
    )
