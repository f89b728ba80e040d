"""A `requests` transport adapter on the fetch core: Session, auth, cookies and hooks work over it.

A caller of requests sees what the stock adapter would show, except where our limits say otherwise:
the guard, the caps, a deadline for the whole answer, and a redirect's body, of which no more is
read than http.redirect_body_bytes. `timeout` may only shorten the settings' limits. The list of
differences is docs/requests.md.
"""

from __future__ import annotations

import time
import weakref
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import gevent
import requests
import urllib3.exceptions
from requests import exceptions as rx
from requests.adapters import HTTPAdapter

from fetcher.fetch.body.body_memory import Account
from fetcher.fetch.body.capture import Capture
from fetcher.fetch.failures import Failure
from fetcher.fetch.header_text import shown
from fetcher.fetch.http.connections import Connections
from fetcher.fetch.requests_compat import errors, per_request, prepared
from fetcher.fetch.requests_compat.pipe import Reader
from fetcher.fetch.requests_compat.raw import Raw
from fetcher.fetch.requests_compat.streaming import Job, StreamedExchange
from fetcher.fetch.requests_compat.timeouts import Limits, limits_of
from fetcher.fetch.requests_compat.upload import Upload, is_streamed, length_of
from fetcher.fetch.transfer.message import Request
from fetcher.settings.schema import Http, Settings
from fetcher.web_urls import Target

NewCapture = Callable[[Request], Capture]


class CurlAdapter(HTTPAdapter):
    """Mount it on a Session for http:// and https://."""

    def __init__(
        self,
        transport: Connections,
        new_capture: NewCapture | None = None,
        ends_at: float = float("inf"),
        repeated: Mapping[str, Sequence[tuple[str, str]]] | None = None,
        account: Account | None = None,
    ) -> None:
        """`new_capture` makes the Capture of each exchange. All end by `ends_at` (monotonic),
        without the time in which they waited for memory.

        `repeated`: what to send for headers that a request holds as one (see `prepared.repeated`).
        `account` counts what is received; while it admits no more, the transfer pauses.
        """
        super().__init__()
        self.repeats = 0  # requests that were sent again so far; see Exchange
        self._account = account
        self._exchanges: list[StreamedExchange] = []  # those of which the pauses count
        self._new_capture = new_capture
        self._repeated = repeated or {}
        self._ends_at = ends_at
        self._use(transport)

    def _use(self, transport: Connections) -> None:
        self._transport = transport
        # libcurl and gevent's loop belong to one thread.
        self._by_hub: weakref.WeakKeyDictionary[Any, Connections] = weakref.WeakKeyDictionary()
        self._by_hub[transport.hub] = transport

    def send(
        self,
        request: requests.PreparedRequest,
        stream: bool = False,
        timeout: Any = None,
        verify: bool | str | None = True,
        cert: Any = None,
        proxies: Mapping[str, str] | None = None,
    ) -> requests.Response:
        """See requests.adapters.HTTPAdapter; all bodies are read as they come, if they are read."""
        transport = self._of_this_thread()
        target = prepared.target_of(request, transport.http.max_url_bytes)
        http = per_request.http_of(transport.http, request, verify, cert, proxies)
        self.add_headers(
            request, stream=stream, timeout=timeout, verify=verify, cert=cert, proxies=proxies
        )
        limits = limits_of(timeout)
        asked, upload = self._translated(request, target)
        exchange = transport.stream(http)
        if self._account is not None:
            self._exchanges.append(exchange)
        try:
            job = self._job(transport, http, target, asked, upload, limits)
            return self._response(request, exchange, exchange.start(job), http)
        except Failure as failure:
            place = errors.Place(target, is_proxied=bool(http.proxy))
            raise errors.before_head(failure, request, place) from failure

    @property
    def paused_s(self) -> float:
        """Seconds for which exchanges with an account waited for room."""
        return sum(exchange.paused_s for exchange in self._exchanges)

    def _translated(
        self, request: requests.PreparedRequest, target: Target
    ) -> tuple[Request, Upload | None]:
        """The request for the fetch core, and its body where that is streamed."""
        headers = tuple(prepared.headers_of(request, self._repeated))
        method = prepared.method_of(request)
        upload = None
        if is_streamed(request.body):
            upload = Upload(request.body, length_of(headers))
        return Request(target.url, method, headers, prepared.body_of(request, method)), upload

    def _job(
        self,
        transport: Connections,
        http: Http,
        target: Target,
        asked: Request,
        upload: Upload | None,
        limits: Limits,
    ) -> Job:
        """All that the exchange needs; looks the host up. Raises Failure."""
        left_s = min(http.total_timeout_s, self._ends_at + self.paused_s - time.monotonic())
        if left_s <= 0:
            raise transport.late()
        pin = transport.pin(target, left_s, http)
        capture = self._new_capture(asked) if self._new_capture else None
        return Job(asked, left_s, pin, limits, upload, capture, self._account)

    def _response(
        self,
        request: requests.PreparedRequest,
        exchange: StreamedExchange,
        runner: gevent.Greenlet,
        http: Http,
    ) -> requests.Response:
        """Wait for the answer's head and make the response. Raises Failure, InvalidHeader."""
        try:
            exchange.send_body()
            exchange.pipe.head.wait()
            self.repeats += exchange.repeats
            if not exchange.has_head:
                exchange.pipe.raise_failure()
            reader = Reader(exchange.pipe, exchange.resume, lambda: runner.kill(block=False))
            raw = Raw(
                reader,
                exchange.answer,
                shown(exchange.head.reason),
                request.method,
                request.url,
                http,
            )
        except urllib3.exceptions.InvalidHeader as error:
            runner.kill(block=False)
            raise rx.InvalidHeader(error, request=request) from error
        except BaseException:
            runner.kill(block=False)
            raise
        return self.build_response(request, raw)

    def _of_this_thread(self) -> Connections:
        hub = gevent.get_hub()
        transport = self._by_hub.get(hub)
        if transport is None:
            transport = self._by_hub[hub] = Connections(self._transport.settings)
        return transport

    def __getstate__(self) -> dict[str, Any]:
        state = {name: getattr(self, name) for name in (*HTTPAdapter.__attrs__, "_ends_at")}
        return {**state, "settings": self._transport.settings}

    def __setstate__(self, state: dict[str, Any]) -> None:
        settings: Settings = state.pop("settings")
        super().__setstate__(state)  # type: ignore[misc]
        self._new_capture = None
        self._repeated = {}
        self._account = None
        self._exchanges = []
        self.repeats = 0
        self._use(Connections(settings))
