"""A failure of an exchange is raised as the stock adapter would raise it."""

from __future__ import annotations

import pytest
import requests
from requests import exceptions as rx
from urllib3 import exceptions as ux

from fetcher.error_kinds import ErrorKind
from fetcher.fetch.failures import Failure
from fetcher.fetch.requests_compat.errors import (
    BlockedError,
    Place,
    TooLargeError,
    before_head,
    cause_of,
    in_body,
)
from fetcher.fetch.urls import target_of

PLACE = Place(target_of("http://a.test/x", 8192), is_proxied=False)
REQUEST = requests.Request("GET", "http://a.test/x").prepare()


@pytest.mark.parametrize(
    ("kind", "raised", "reason"),
    [
        (ErrorKind.DNS_NO_NAME, rx.ConnectionError, ux.NewConnectionError),
        (ErrorKind.CONNECT_REFUSED, rx.ConnectionError, ux.NewConnectionError),
        (ErrorKind.TIMEOUT_CONNECT, rx.ConnectTimeout, ux.ConnectTimeoutError),
        (ErrorKind.TIMEOUT_TLS, rx.ConnectTimeout, ux.ConnectTimeoutError),
        (ErrorKind.TIMEOUT_FIRST_BYTE, rx.ReadTimeout, None),
        (ErrorKind.TLS_EXPIRED, rx.SSLError, ux.SSLError),
        (ErrorKind.PROTOCOL_NO_ANSWER, rx.ConnectionError, None),
        (ErrorKind.PROTOCOL_BAD_LENGTH, rx.InvalidHeader, None),
        (ErrorKind.PROTOCOL_CUT_HEAD, rx.ChunkedEncodingError, None),
        (ErrorKind.URL_HOST, rx.InvalidURL, None),
        (ErrorKind.BLOCKED_ADDRESS, BlockedError, None),
        (ErrorKind.LARGE_BODY, TooLargeError, None),
    ],
)
def test_each_kind_of_failure_has_its_exception(
    kind: ErrorKind, raised: type[Exception], reason: type[Exception] | None
) -> None:
    error = before_head(Failure(kind, "why"), REQUEST, PLACE)
    assert type(error) is raised
    assert error.request is REQUEST
    inner = error.args[0]
    assert isinstance(inner, ux.MaxRetryError) == (reason is not None)
    if reason is not None:
        assert type(inner.reason) is reason
    assert isinstance(inner, ux.ReadTimeoutError) == (raised is rx.ReadTimeout)
    assert "why" in str(error)


def test_a_connection_that_a_proxy_does_not_make_is_a_proxy_error() -> None:
    place = PLACE._replace(is_proxied=True)
    error = before_head(Failure(ErrorKind.CONNECT_PROXY, "why"), REQUEST, place)
    assert type(error) is rx.ProxyError
    assert isinstance(error.args[0].reason, ux.ProxyError)
    late = before_head(Failure(ErrorKind.PROTOCOL_RESET, "why"), REQUEST, place)
    assert type(late) is rx.ConnectionError


@pytest.mark.parametrize(
    ("kind", "raised"),
    [
        (ErrorKind.LARGE_BODY, TooLargeError),
        (ErrorKind.PROTOCOL_BAD_CODING, ux.DecodeError),
        (ErrorKind.TIMEOUT_STALLED, ux.ReadTimeoutError),
        (ErrorKind.TLS_OTHER, ux.SSLError),
        (ErrorKind.PROTOCOL_CUT_BODY, ux.ProtocolError),
    ],
)
def test_a_body_that_breaks_off_is_an_exception_of_urllib3(
    kind: ErrorKind, raised: type[Exception]
) -> None:
    error = in_body(Failure(kind, "why"), "http://a.test/")
    assert type(error) is raised
    assert "why" in str(error)


def test_the_failure_is_found_in_the_chain_of_causes() -> None:
    failure = Failure(ErrorKind.PROTOCOL_RESET, "why")
    try:
        try:
            raise in_body(failure, None) from failure
        except ux.ProtocolError:
            raise rx.ChunkedEncodingError("outer")  # noqa: B904 (the context counts, too)
    except rx.ChunkedEncodingError as error:
        assert cause_of(error) is failure
    assert cause_of(failure) is failure
    assert cause_of(ValueError("another")) is None
    assert cause_of(None) is None
