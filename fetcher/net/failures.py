"""Foreign exceptions become ours here: any exception -> an outcome and one line of error.

Law: the table is read from top to bottom along the whole chain of causes, the innermost cause
first; what it does not know is `protocol`, with the exception's own words.
"""

from __future__ import annotations

import http.client
import re
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
    ((ConnectionRefusedError,), Outcome.CONNECT),
    ((ux.ReadTimeoutError, ux.ConnectTimeoutError, rx.Timeout, TimeoutError), Outcome.TIMEOUT),
    ((http.client.HTTPException, ConnectionError), Outcome.PROTOCOL),
    # What is left of the system's errors, such as "No route to host", came while connecting.
    ((ux.NewConnectionError, OSError), Outcome.CONNECT),
)

# What urllib3 writes around a message: objects with their addresses, pools, nested exceptions.
_NOISE: Final = (
    re.compile(r"<[\w.]+ object at 0x[0-9a-f]+>,? ?"),
    re.compile(r"HTTPS?Connection(Pool)?\(host=[^)]*\):? ?"),
    re.compile(r"^Failed to establish a new connection: "),
    re.compile(r"^\[(Errno -?\d+|SSL)[^\]]*\] ?"),
    re.compile(r" \(_ssl\.c:\d+\)$"),
)


def failure_of(error: BaseException) -> Failure:
    """The failure that an exception of any library means."""
    causes = list(_causes(error))
    for cause in causes:
        if isinstance(cause, Failure):
            return cause
    for types, outcome in _TABLE:
        for cause in reversed(causes):
            # requests and urllib3 make OSErrors of their own errors: those say nothing here.
            if isinstance(cause, types) and type(cause) not in _WRAPPERS:
                return Failure(outcome, _line(cause))
    return Failure(Outcome.PROTOCOL, _line(causes[-1]))


_WRAPPERS: Final = frozenset(
    {rx.RequestException, rx.ConnectionError, rx.ChunkedEncodingError, rx.ContentDecodingError}
    | {rx.InvalidHeader, rx.ProxyError}
)


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
        # urllib3 keeps the cause in `reason` or in its arguments, requests in args[0].
        waiting += [getattr(item, "reason", None), *item.args, item.__cause__, item.__context__]


def _line(error: BaseException) -> str:
    """What it says, in one line of plain words."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"the certificate is not trusted: {error.verify_message}"
    if type(error) is http.client.BadStatusLine:
        return f"malformed status line: {ascii(str(error).strip())[:80]}"
    if isinstance(error, OSError) and error.strerror and not isinstance(error, ssl.SSLError):
        text = error.strerror
    else:
        text = str(error)
    text = " ".join(text.split())
    for noise in _NOISE:
        text = noise.sub("", text)
    text = text or type(error).__name__
    return text if len(text) <= _MAX_CHARS else text[: _MAX_CHARS - 1] + "…"
