"""Authentication by any `requests` auth object, over our adapter.

Law: an auth object belongs to one request at a time, as it does in requests; what it adds goes to
the origin that the line names, and nowhere else (see CurlFetch).
"""

from __future__ import annotations

import importlib

import requests
from requests.hooks import dispatch_hook

from fetcher.errors import ConfigError
from fetcher.net.adapter import CurlAdapter, Taper
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

    def adapter(self, taper: Taper | None) -> CurlAdapter:
        """For one `perform`; `taper` makes a tape for each of its exchanges."""
        return CurlAdapter(self._transport, taper)

    def perform(
        self, request: Request, timeout_s: float, adapter: CurlAdapter
    ) -> tuple[Answer, bytes]:
        """The last answer of the exchange, or exchanges, that it takes, and its body.

        Raises Failure.
        """
        prepared = _prepared(request)
        prepared.prepare_auth(self._make())
        try:
            response = adapter.send(prepared, timeout=timeout_s)
            response = dispatch_hook(  # type: ignore[no-untyped-call]
                "response", prepared.hooks, response, timeout=timeout_s
            )
        except requests.RequestException as error:
            if isinstance(error.__cause__, Failure):
                raise error.__cause__ from error
            raise
        answer: Answer = response.raw.answer
        return answer, response.content


def _prepared(request: Request) -> requests.PreparedRequest:
    """As requests prepares it, but for the URL, which stays as it is."""
    prepared = requests.Request(
        request.method, "http://any/", dict(request.headers), data=request.body
    ).prepare()
    prepared.url = request.url
    return prepared
