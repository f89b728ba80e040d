"""Turns a failure of an exchange into the exception that the stock adapter would raise.

Before the head, that is an exception of requests around one of urllib3. While the body is read, it
is one of urllib3 alone, which requests then wraps. The Failure is in its chain of causes.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import requests
from requests import exceptions as rx
from urllib3 import exceptions as ux

from fetcher.error_kinds import ErrorKind
from fetcher.fetch.failures import Failure
from fetcher.model import Outcome
from fetcher.web_urls import Target


class TooLargeError(rx.RequestException):
    """A body beyond the caps of [http]."""


class BlockedError(rx.ConnectionError):
    """An address that the guard refuses."""


_BY_KIND: Final[dict[ErrorKind, type[rx.RequestException]]] = {
    ErrorKind.PROTOCOL_BAD_LENGTH: rx.InvalidHeader,
    ErrorKind.TIMEOUT_CONNECT: rx.ConnectTimeout,
    ErrorKind.TIMEOUT_TLS: rx.ConnectTimeout,
    ErrorKind.PROTOCOL_CUT_HEAD: rx.ChunkedEncodingError,
    ErrorKind.PROTOCOL_BAD_CODING: rx.ContentDecodingError,
}
_BY_OUTCOME: Final[dict[Outcome, type[rx.RequestException]]] = {
    Outcome.INVALID_URL: rx.InvalidURL,
    Outcome.BLOCKED: BlockedError,
    Outcome.TLS: rx.SSLError,
    Outcome.TIMEOUT: rx.ReadTimeout,
    Outcome.TOO_LARGE: TooLargeError,
}


class Place(NamedTuple):
    """The destination of a request."""

    target: Target
    is_proxied: bool


def before_head(
    failure: Failure, request: requests.PreparedRequest, place: Place
) -> rx.RequestException:
    """The exception for a request without an answer."""
    kind = _BY_KIND.get(failure.kind) or _BY_OUTCOME.get(failure.outcome, rx.ConnectionError)
    if place.is_proxied and failure.outcome is Outcome.CONNECT:
        kind = rx.ProxyError
    return kind(_inner(failure, kind, place), request=request)


def _inner(failure: Failure, kind: type[rx.RequestException], place: Place) -> str | ux.HTTPError:
    target = place.target
    pool: Any = f"{target.scheme}://{target.host}:{target.port}"
    message = failure.message
    if kind is rx.ReadTimeout:
        return ux.ReadTimeoutError(pool, target.url, message)
    reason: Exception
    if kind is rx.ConnectTimeout:
        reason = ux.ConnectTimeoutError(message)
    elif kind is rx.SSLError:
        reason = ux.SSLError(message)
    elif kind is rx.ProxyError:
        reason = ux.ProxyError(f"Unable to connect to proxy: {message}", failure)
    elif kind is rx.ConnectionError and failure.outcome in (Outcome.CONNECT, Outcome.DNS):
        reason = ux.NewConnectionError(pool, message)
    else:
        return message
    return ux.MaxRetryError(pool, target.url, reason)


def in_body(failure: Failure, url: str | None) -> Exception:
    """The exception for an answer that broke off."""
    if failure.outcome is Outcome.TOO_LARGE:
        return TooLargeError(failure.message)
    if failure.kind is ErrorKind.PROTOCOL_BAD_CODING:
        return ux.DecodeError(failure.message)
    if failure.outcome is Outcome.TIMEOUT:
        pool: Any = url
        return ux.ReadTimeoutError(pool, url or "", failure.message)
    if failure.outcome is Outcome.TLS:
        return ux.SSLError(failure.message)
    return ux.ProtocolError(f"Connection broken: {failure.message}")


def cause_of(error: BaseException | None) -> Failure | None:
    """The Failure from which such an exception was made; None for any other exception."""
    while error is not None and not isinstance(error, Failure):
        error = error.__cause__ or error.__context__
    return error
