"""Authentication by any `requests` auth object, over our adapter.

Law: an auth object belongs to one request at a time, as it does in requests; what it adds goes to
the origin that the line names, and nowhere else (see CurlFetch).
"""

from __future__ import annotations

import importlib
from collections.abc import Callable

import requests
from requests.hooks import dispatch_hook

from fetcher.errors import ConfigError
from fetcher.net.adapter import CurlAdapter, Taper, repeated
from fetcher.net.exchange import Answer, Request
from fetcher.net.failures import Failure
from fetcher.net.transport import Transport


class Auth:
    """What `http.auth` names. Raises ConfigError where that cannot be had."""

    def __init__(self, name: str, transport: Transport) -> None:
        module, _, attribute = name.partition(":")
        try:
            self._make = getattr(importlib.import_module(module), attribute)
            self._make()
        # Whatever the user's own code raises.
        except Exception as error:
            raise ConfigError(f"http.auth = {name!r}: {type(error).__name__}: {error}") from error
        self._transport = transport

    def perform(
        self,
        request: Request,
        timeout_s: float,
        taper: Taper | None,
        note: Callable[[Answer, list[bytes], int], None],
    ) -> Answer:
        """The last answer of the exchange, or exchanges, that it takes.

        `taper` makes a tape for each exchange; `note` gets the last answer that began, the
        pieces of its body, also where that is cut, and how many requests were sent again (see
        Exchange). Raises Failure.
        """
        headers, lines = repeated(request.headers)
        prepared = _prepared(request, headers)
        prepared.prepare_auth(self._make())
        adapter = CurlAdapter(self._transport, taper, lines)
        try:
            response = adapter.send(prepared, timeout=timeout_s)
            response = dispatch_hook(  # type: ignore[no-untyped-call]
                "response", prepared.hooks, response, timeout=timeout_s
            )
        except requests.RequestException as error:
            if isinstance(error.__cause__, Failure):
                raise error.__cause__ from error
            raise
        finally:
            if adapter.last is not None:
                note(*adapter.last, adapter.repeats)
        answer: Answer = response.raw.answer
        return answer


def _prepared(request: Request, headers: dict[str, str]) -> requests.PreparedRequest:
    """As requests prepares it, but for the URL, which stays as it is."""
    prepared = requests.Request(request.method, "http://any/", headers, data=request.body).prepare()
    prepared.url = request.url
    return prepared
