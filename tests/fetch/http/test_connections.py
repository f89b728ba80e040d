"""Connections: their errors and messages, and when they are reused."""

from __future__ import annotations

import socket
import ssl
from pathlib import Path
from typing import Any

from fetcher.model import Outcome
from support.fetching import fetch
from support.scripted import Asked, Script, answer, scripted, self_signed

PAGE = answer(b"page")
UNVERIFIED = {"PYTHONWARNINGS": "ignore"}


def closes_when_used_again(asked: Asked) -> Script:
    return Script(PAGE, end="keep") if asked.nth == 1 else Script()


def play_twice(script: object, tls: ssl.SSLContext | None = None) -> tuple[list[Outcome], int, int]:
    """Two URLs one after the other: outcomes, requests and connections that the server saw."""
    with scripted({"/": script}, tls) as server:  # type: ignore[dict-item]
        urls = [server.url("/?1"), server.url("/?2")]
        done = fetch(urls, pool=1, env=UNVERIFIED, verify_tls=False, total_timeout_s=10.0)
        return [done.by_url[url].outcome for url in urls], len(server.asked), server.connections


def test_a_connection_that_was_closed_while_idle_is_replaced_in_silence(tmp_path: Path) -> None:
    for tls in (None, self_signed(tmp_path)):
        assert play_twice(closes_when_used_again, tls) == ([Outcome.OK, Outcome.OK], 3, 2)


def test_a_reset_of_an_idle_connection_is_not_a_failure_either() -> None:
    def script(asked: Asked) -> Script:
        return Script(PAGE, end="keep") if asked.nth == 1 else Script(end="reset")

    assert play_twice(script) == ([Outcome.OK, Outcome.OK], 3, 2)


def test_a_request_is_sent_again_once_and_no_more() -> None:
    def script(asked: Asked) -> Script:
        return Script(PAGE, end="keep") if asked == ("/?1", 1, 1) else Script()

    assert play_twice(script) == ([Outcome.OK, Outcome.PROTOCOL], 3, 2)


def test_a_request_whose_answer_began_is_not_sent_again() -> None:
    def script(asked: Asked) -> Script:
        return Script(PAGE, end="keep") if asked.nth == 1 else Script(b"HTTP/1.1 200 OK\r\n")

    assert play_twice(script) == ([Outcome.OK, Outcome.PROTOCOL], 2, 1)


def test_a_fresh_connection_without_an_answer_is_not_tried_again() -> None:
    with scripted({"/": Script()}) as server:
        (result,) = fetch([server.url("/")]).results
        assert (result.outcome, len(server.asked)) == (Outcome.PROTOCOL, 1)
        assert result.error == "the server closed the connection without an answer"


def test_what_cannot_be_reached_is_a_failed_connection() -> None:
    (result,) = fetch(
        ["http://255.255.255.255/"], sections={"guard": {"allow": ["255.255.255.255/32"]}}
    ).results
    assert (result.outcome, result.error) == (Outcome.CONNECT, "Network is unreachable")


def test_a_name_that_does_not_resolve_says_so() -> None:
    (result,) = fetch(["http://nowhere.invalid/"], total_timeout_s=20.0).results
    assert result.outcome is Outcome.DNS
    assert (result.error or "").startswith("the host name does not resolve (")


def test_a_timeout_names_the_setting_that_caused_it() -> None:
    silent = Script(end="hang")
    with scripted({"/": silent}) as server:
        url = server.url("/")
        (read,) = fetch([url], low_speed_s=1.0, total_timeout_s=10.0).results
        (total,) = fetch([url], low_speed_s=10.0, total_timeout_s=0.3).results
    with socket.create_server(("127.0.0.1", 0)) as mute:
        url = f"https://127.0.0.1:{mute.getsockname()[1]}/"
        (connect,) = fetch([url], connect_timeout_s=0.3, total_timeout_s=10.0).results
    for result, setting in (
        (read, "http.low_speed_s"),
        (total, "http.total_timeout_s"),
        (connect, "http.connect_timeout_s"),
    ):
        assert result.outcome is Outcome.TIMEOUT
        assert setting in (result.error or ""), result


ODD = {
    "/nothing": Script(),
    "/reset": Script(end="reset"),
    "/version": Script(b"HTTP/9.1 200 OK\r\n\r\n"),
    "/noise": Script(b"\x00\x1b[31m\xff" * 100),
    "/lengths": Script(answer(b"", "Content-Length: 5")),
    "/cut": Script(answer(b"abc")[:-1]),
    "/chunk": Script(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"),
    "/gzip": Script(answer(b"abc", "Content-Encoding: gzip")),
    "/long": Script(b"HTTP/1.1 200 OK\r\nX: " + b"y" * 100_000),
    "/location": Script(answer(b"", "Location: http://[", status="302 Found")),
    "/slow": Script(end="hang"),
}


def test_what_went_wrong_is_said_in_plain_words() -> None:
    with scripted(ODD) as server:
        urls = [server.url(path) for path in ODD]
        urls.append(server.url("/").replace("http:", "https:"))
        done = fetch(urls, low_speed_s=1.0)
    for result in done.results:
        error = result.error or ""
        assert error and error.isprintable() and len(error) <= 300
        for noise in ("0x", "<", "Errno", "HTTPConnection", "Pool", "Error(", "Read(", "_ssl.c"):
            assert noise not in error or "status line" in error, error


def test_the_wait_after_a_look_up_ends_with_the_time_of_the_line() -> None:
    with scripted({"/": Script(answer(b"page"))}) as server:
        urls = [f"http://localhost:{server.port}/?{number}" for number in range(2)]
        polite: dict[str, dict[str, Any]] = {"polite": {"delay_s": 6.0}}
        done = fetch(urls, sections=polite, total_timeout_s=1.0)
        first, second = done.results
    assert first.outcome is Outcome.OK
    assert (second.outcome, second.error_kind) == (Outcome.TIMEOUT, "resolve")
    assert done.took_s < 5.0
    assert len(server.asked) == 1
