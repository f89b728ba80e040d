"""Authenticates requests by any `requests` auth object, over our adapter.

An auth object belongs to one request at a time, as in requests. What it adds is sent only to the
origin that the line names (see CurlFetch).
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterator

import requests
import urllib3
from msgspec.structs import replace
from requests.hooks import dispatch_hook

from fetcher.error_kinds import ErrorKind
from fetcher.errors import ConfigError
from fetcher.fetch import own_code
from fetcher.fetch.body.body_memory import Account
from fetcher.fetch.failures import Failure
from fetcher.fetch.http.connections import Connections
from fetcher.fetch.requests_compat.adapter import CurlAdapter, NewCapture
from fetcher.fetch.requests_compat.errors import cause_of
from fetcher.fetch.requests_compat.prepared import repeated
from fetcher.fetch.requests_compat.raw import Raw
from fetcher.fetch.transfer.message import NO_ANSWER, Answer, Request
from fetcher.fetch.unexpected import one_line


class Auth:
    """Makes auth objects with what `http.auth` names. Raises ConfigError if that fails."""

    def __init__(self, name: str, transport: Connections) -> None:
        self._make = own_code.load("http.auth", name)
        try:
            self._make()
        # The user's own code may raise anything.
        except Exception as error:
            raise ConfigError(f"http.auth = {name!r}: {type(error).__name__}: {error}") from error
        self._transport = transport

    def perform(
        self,
        request: Request,
        timeout_s: float,
        new_capture: NewCapture | None,
        note: Callable[[Answer, list[bytes], int, float], None],
        account: Account | None,
    ) -> Answer:
        """Make the exchanges that the auth object needs, and return the last answer.

        `new_capture` makes the Capture of each exchange. `note` gets the last answer that began,
        the pieces of its body, also where that is cut, how many requests were sent again, and for
        how long they waited for memory (see Exchange). `account` counts the bodies. Raises Failure.
        """
        headers, lines = repeated(request.headers)
        prepared = _prepared(request, headers)
        prepared.prepare_auth(self._make())
        ends_at = time.monotonic() + timeout_s
        adapter = CurlAdapter(self._transport, new_capture, ends_at, lines, account)
        answer, pieces = NO_ANSWER, list[bytes]()
        try:
            response = dispatch_hook(  # type: ignore[no-untyped-call]
                "response", prepared.hooks, adapter.send(prepared)
            )
            try:
                is_packed = "content-encoding" in response.headers
                for piece in _pieces(response):
                    pieces.append(piece)
                    if account is not None and is_packed:
                        account.add(len(piece))
            finally:
                answer = _as_read(response.raw.answer, pieces)
        except (requests.RequestException, urllib3.exceptions.HTTPError, ValueError) as error:
            cause = cause_of(error)
            raise cause or Failure(ErrorKind.PROTOCOL_OTHER, one_line(error)) from error
        finally:
            note(answer, pieces, adapter.repeats, adapter.paused_s)
        return answer


def _pieces(response: requests.Response) -> Iterator[bytes]:
    # An auth object may have read the body already, or have made a response of its own.
    is_read = getattr(response, "_content_consumed", False)
    if is_read or not isinstance(response.raw, Raw):
        return iter([response.content])
    return response.raw.pieces()


def _as_read(answer: Answer, pieces: list[bytes]) -> Answer:
    """The answer with the size and digest of its decoded body."""
    digest = hashlib.sha256()
    for piece in pieces:
        digest.update(piece)
    return replace(answer, body_bytes=sum(map(len, pieces)), sha256=digest.hexdigest())


def _prepared(request: Request, headers: dict[str, str]) -> requests.PreparedRequest:
    """Prepare the request as requests does, but leave the URL as it is."""
    prepared = requests.Request(request.method, "http://any/", headers, data=request.body).prepare()
    prepared.url = request.url
    return prepared
