"""libcurl's errors become kinds of ours, with plain messages."""

from __future__ import annotations

import errno
from typing import Any, cast

import pycurl
import pytest

from fetcher.error_kinds import ErrorKind
from fetcher.fetch.failures import Failure
from fetcher.fetch.transfer import curl_errors
from fetcher.settings.schema import Http


class Easy:
    """A handle after a transfer, with these facts; 0 for all others."""

    def __init__(self, **facts: int) -> None:
        self._facts = {getattr(pycurl, name): value for name, value in facts.items()}

    def getinfo(self, what: int) -> int:
        return self._facts.get(what, 0)


def failure(
    code: int, words: str = "", http: Http | None = None, *, has_begun: bool = False, **facts: Any
) -> Failure:
    easy = cast(Any, Easy(**facts))
    return curl_errors.failure_of(code, words, easy, http or Http(), has_begun=has_begun)


@pytest.mark.parametrize(
    ("number", "kind"),
    [
        (errno.ECONNREFUSED, ErrorKind.CONNECT_REFUSED),
        (errno.ENETUNREACH, ErrorKind.CONNECT_UNREACHABLE),
        (errno.EMFILE, ErrorKind.CONNECT_LOCAL),
        (errno.EPERM, ErrorKind.CONNECT_OTHER),
        (0, ErrorKind.CONNECT_OTHER),
    ],
)
def test_a_connection_that_fails_has_the_kind_of_its_errno(number: int, kind: ErrorKind) -> None:
    found = failure(pycurl.E_COULDNT_CONNECT, "Failed to connect", OS_ERRNO=number)
    assert found.kind is kind
    assert found.message


def test_the_message_is_that_of_the_system() -> None:
    found = failure(pycurl.E_COULDNT_CONNECT, "Failed", OS_ERRNO=errno.ECONNREFUSED)
    assert found.message == "Connection refused"


@pytest.mark.parametrize(
    ("code", "facts"),
    [
        (pycurl.E_COULDNT_CONNECT, {"OS_ERRNO": errno.ECONNREFUSED}),
        (pycurl.E_RECV_ERROR, {"HTTP_CONNECTCODE": 407}),
        (pycurl.E_COULDNT_RESOLVE_PROXY, {}),
    ],
)
def test_a_proxy_that_makes_no_connection_is_named(code: int, facts: dict[str, Any]) -> None:
    found = failure(code, "x", Http(proxy="http://p:1"), **facts)
    assert found.kind is ErrorKind.CONNECT_PROXY


def test_without_a_proxy_no_tunnel_is_to_blame() -> None:
    assert failure(pycurl.E_RECV_ERROR, "x", HTTP_CONNECTCODE=407).kind is ErrorKind.PROTOCOL_RESET


@pytest.mark.parametrize(
    ("result", "kind"),
    [
        (0, ErrorKind.TLS_WRONG_HOST),
        (9, ErrorKind.TLS_NOT_YET_VALID),
        (10, ErrorKind.TLS_EXPIRED),
        (18, ErrorKind.TLS_SELF_SIGNED),
        (62, ErrorKind.TLS_WRONG_HOST),
        (20, ErrorKind.TLS_UNTRUSTED),
    ],
)
def test_a_certificate_is_refused_for_a_reason(result: int, kind: ErrorKind) -> None:
    words = "SSL certificate problem: it says why"
    found = failure(pycurl.E_PEER_FAILED_VERIFICATION, words, SSL_VERIFYRESULT=result)
    assert found.kind is kind
    assert found.message == "the certificate is not trusted: it says why"


def test_the_certificate_of_an_https_proxy_is_judged_first() -> None:
    http = Http(proxy="https://p:1")
    code = pycurl.E_PEER_FAILED_VERIFICATION
    found = failure(code, "x", http, PROXY_SSL_VERIFYRESULT=10, SSL_VERIFYRESULT=18)
    assert found.kind is ErrorKind.TLS_EXPIRED
    found = failure(code, "x", http, SSL_VERIFYRESULT=18)
    assert found.kind is ErrorKind.TLS_SELF_SIGNED


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (
            "OpenSSL SSL_read: error:0A000412:SSL routines::ssl/tls alert bad certificate",
            "the server refused: bad certificate",
        ),
        ("tlsv13 alert certificate required", "the server refused: certificate required"),
        ("reason(1116)", "the server refused: certificate required"),
    ],
)
def test_an_alert_about_our_certificate_is_known_by_its_words(words: str, message: str) -> None:
    for code in (pycurl.E_SSL_CONNECT_ERROR, pycurl.E_RECV_ERROR, pycurl.E_SEND_ERROR):
        found = failure(code, words)
        assert (found.kind, found.message) == (ErrorKind.TLS_CLIENT_CERTIFICATE, message)


@pytest.mark.parametrize(
    ("code", "words", "status", "kind", "message"),
    [
        (
            *(pycurl.E_RECV_ERROR, "Recv failure: Connection reset by peer", 0),
            *(ErrorKind.PROTOCOL_RESET, "the connection broke while receiving"),
        ),
        (
            *(pycurl.E_RECV_ERROR, "Recv failure", 200),
            *(ErrorKind.PROTOCOL_CUT_BODY, "the connection broke while receiving"),
        ),
        (
            *(pycurl.E_RECV_ERROR, "chunk hex-length char not a hex digit: 0x78", 200),
            *(ErrorKind.PROTOCOL_BAD_CHUNK, "the chunked body is malformed"),
        ),
        (
            *(pycurl.E_PARTIAL_FILE, "end of response with 17 bytes missing", 200),
            *(ErrorKind.PROTOCOL_CUT_BODY, "the body broke off, 17 bytes are missing"),
        ),
        (
            *(pycurl.E_PARTIAL_FILE, "transfer closed", 200),
            *(ErrorKind.PROTOCOL_CUT_BODY, "the body broke off"),
        ),
        (
            *(pycurl.E_GOT_NOTHING, "Empty reply from server", 0),
            *(ErrorKind.PROTOCOL_NO_ANSWER, "the server closed the connection without an answer"),
        ),
        (
            *(8, "Invalid Content-Length: value", 0),
            *(ErrorKind.PROTOCOL_BAD_LENGTH, "malformed or contradictory Content-Length"),
        ),
        (8, "Multiple Location headers", 0, ErrorKind.PROTOCOL_BAD_LOCATION, None),
        (8, "Weird", 0, ErrorKind.PROTOCOL_BAD_HEAD, "Weird"),
        (12345, "", 0, ErrorKind.PROTOCOL_OTHER, "libcurl's error 12345"),
        (12345, "a\n  b", 0, ErrorKind.PROTOCOL_OTHER, "a b"),
        (100, "Too large", 0, ErrorKind.PROTOCOL_HEADERS, "more headers than can be taken"),
    ],
)
def test_an_answer_that_cannot_be_used_has_a_kind_and_a_plain_message(
    code: int, words: str, status: int, kind: ErrorKind, message: str | None
) -> None:
    found = failure(code, words, RESPONSE_CODE=status)
    assert found.kind is kind
    assert message is None or found.message == message


def test_a_long_message_is_cut() -> None:
    assert len(failure(12345, "x" * 1000).message) <= 301


def test_a_stream_that_is_refused_on_a_new_connection_too_is_the_servers_fault() -> None:
    words = "Connection died, tried 5 times before giving up"
    found = failure(pycurl.E_SEND_ERROR, words, NUM_CONNECTS=1)
    assert found.kind is ErrorKind.PROTOCOL_HTTP2
    assert found.message == "the server refused the request on several HTTP/2 connections"
    assert failure(pycurl.E_SEND_ERROR, words).kind is ErrorKind.PROTOCOL_RESET


@pytest.mark.parametrize(
    ("words", "has_begun", "facts", "kind", "said"),
    [
        (
            *("Operation too slow. Less than 1 bytes/sec", True, {}, ErrorKind.TIMEOUT_STALLED),
            "the server sent too little for http.low_speed_s (20 s",
        ),
        (
            *("Operation too slow", False, {}, ErrorKind.TIMEOUT_FIRST_BYTE),
            "the server did not answer for http.low_speed_s (20 s",
        ),
        (
            *("Connection timed out", False, {}, ErrorKind.TIMEOUT_CONNECT),
            "could not connect within http.connect_timeout_s (10 s)",
        ),
        (
            *("SSL connection timeout", False, {"NUM_CONNECTS": 1}, ErrorKind.TIMEOUT_TLS),
            "could not connect within http.connect_timeout_s (10 s)",
        ),
        (
            *("Operation timed out", False, {}, ErrorKind.TIMEOUT_FIRST_BYTE),
            "took longer than http.total_timeout_s (60 s)",
        ),
        (
            *("Operation timed out", True, {}, ErrorKind.TIMEOUT_TOTAL),
            "took longer than http.total_timeout_s (60 s)",
        ),
    ],
)
def test_a_timeout_names_the_setting_that_it_reached(
    words: str, has_begun: bool, facts: dict[str, Any], kind: ErrorKind, said: str
) -> None:
    found = failure(pycurl.E_OPERATION_TIMEDOUT, words, has_begun=has_begun, **facts)
    assert found.kind is kind
    assert found.message.startswith(said)


def test_the_shorter_of_two_limits_is_named() -> None:
    http = Http(connect_timeout_s=10.0, total_timeout_s=5.0)
    found = failure(pycurl.E_OPERATION_TIMEDOUT, "Connection timed out", http)
    assert found.message == "could not connect within http.total_timeout_s (5 s)"


def test_a_connection_to_a_proxy_is_not_one_to_the_host() -> None:
    http = Http(proxy="http://p:1")
    found = failure(pycurl.E_OPERATION_TIMEDOUT, "Proxy timeout", http, NUM_CONNECTS=1)
    assert found.kind is ErrorKind.TIMEOUT_CONNECT


@pytest.mark.parametrize(
    ("code", "connects", "was_lost"),
    [
        (pycurl.E_GOT_NOTHING, 0, True),
        (pycurl.E_SEND_ERROR, 0, True),
        (pycurl.E_HTTP2, 0, True),
        (pycurl.E_GOT_NOTHING, 1, False),
        (pycurl.E_PARTIAL_FILE, 0, False),
    ],
)
def test_a_request_is_lost_only_on_a_kept_connection(
    code: int, connects: int, was_lost: bool
) -> None:
    assert curl_errors.was_lost(code, cast(Any, Easy(NUM_CONNECTS=connects))) is was_lost


@pytest.mark.parametrize(
    ("code", "words", "expected"),
    [
        (pycurl.E_RECV_ERROR, "error:0A000126::unexpected eof while reading", True),
        (pycurl.E_RECV_ERROR, "The TLS connection was non-properly terminated.", True),
        (pycurl.E_RECV_ERROR, "Connection reset by peer", False),
        (pycurl.E_SEND_ERROR, "unexpected eof while reading", False),
    ],
)
def test_an_end_without_a_close_notify_is_known(code: int, words: str, expected: bool) -> None:
    assert curl_errors.is_unannounced_end(code, words) is expected
