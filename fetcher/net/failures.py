"""Foreign exceptions become ours here: any exception -> an outcome and one line of error.

Law: the table is read from top to bottom along the whole chain of causes, the innermost cause
first; what it does not know is `protocol`, with the exception's own words.
"""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator
from typing import Final

import requests.exceptions as rx
import urllib3.exceptions as ux

from fetcher.model import Outcome

_MAX_CHARS: Final = 300


class Failure(Exception):
    """A fetch that ended with this outcome."""

    def __init__(self, outcome: Outcome, message: str) -> None:
        super().__init__(message)
        self.outcome = outcome
        self.message = message


_TABLE: Final[tuple[tuple[tuple[type[BaseException], ...], Outcome], ...]] = (
    ((ssl.SSLError, ux.SSLError, rx.SSLError), Outcome.TLS),
    ((socket.gaierror, ux.NameResolutionError), Outcome.DNS),
    ((rx.InvalidURL, rx.MissingSchema, rx.InvalidSchema), Outcome.INVALID_URL),
    ((ux.LocationParseError, ux.LocationValueError), Outcome.INVALID_URL),
    ((ux.ReadTimeoutError, ux.ConnectTimeoutError, rx.Timeout, TimeoutError), Outcome.TIMEOUT),
    ((ux.NewConnectionError, ConnectionRefusedError), Outcome.CONNECT),
    ((ux.HTTPError, rx.RequestException, ConnectionError, ValueError), Outcome.PROTOCOL),
    ((OSError,), Outcome.CONNECT),
)


def failure_of(error: BaseException) -> Failure:
    """The failure that an exception of any library means."""
    causes = list(_causes(error))
    for cause in causes:
        if isinstance(cause, Failure):
            return cause
    for types, outcome in _TABLE:
        for cause in reversed(causes):
            if isinstance(cause, types):
                return Failure(outcome, _line(cause))
    return Failure(Outcome.PROTOCOL, _line(error))


def _causes(error: BaseException) -> Iterator[BaseException]:
    """The exception and what it wraps, outermost first, each once."""
    seen: set[int] = set()
    waiting: list[object] = [error]
    while waiting:
        item = waiting.pop(0)
        if not isinstance(item, BaseException) or id(item) in seen:
            continue
        seen.add(id(item))
        yield item
        # urllib3 keeps the cause in `reason`, requests in args[0].
        waiting += [getattr(item, "reason", None), item.__cause__, item.__context__, *item.args[:1]]


def _line(error: BaseException) -> str:
    text = " ".join(str(error).split()) or type(error).__name__
    return text if len(text) <= _MAX_CHARS else text[: _MAX_CHARS - 1] + "…"
