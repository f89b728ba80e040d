"""A `requests` transport adapter on the fetch core: Session, auth, cookies and hooks work over it.

Law: what a caller of requests sees is what the stock adapter would show, except where our limits
say otherwise: the guard, the caps, a deadline for the whole answer, and a redirect's body, of which
no more is read than http.redirect_body_bytes. Header text that latin-1 lacks is sent as UTF-8, and
a reason that is UTF-8 is shown as that. `timeout` may only shorten the settings' limits.
"""

from __future__ import annotations

import http.client
import io
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, NoReturn, cast

import requests
import urllib3
from requests import exceptions as rx
from requests.adapters import BaseAdapter, HTTPAdapter

from fetcher.model import Outcome
from fetcher.net import urls
from fetcher.net.exchange import Answer, Request
from fetcher.net.failures import CutShort, Failure, Undecodable
from fetcher.net.header_text import shown, to_wire
from fetcher.net.tape import Tape
from fetcher.net.transport import Transport

_HTTP_VERSIONS: Final = {"1.0": 10, "1.1": 11, "2": 20, "3": 30}
_MAKER: Final = HTTPAdapter()  # its build_response is the meaning that we keep

Taper = Callable[[Request], Tape]


class TooLargeError(rx.RequestException):
    """A body beyond the caps of [http]."""


class BlockedError(rx.ConnectionError):
    """An address that the guard does not open."""


_ERRORS: Final[dict[Outcome, type[rx.RequestException]]] = {
    Outcome.INVALID_URL: rx.InvalidURL,
    Outcome.BLOCKED: BlockedError,
    Outcome.TLS: rx.SSLError,
    Outcome.TIMEOUT: rx.ReadTimeout,
    Outcome.TOO_LARGE: TooLargeError,
}


class CurlAdapter(BaseAdapter):
    """Mount it on a Session for http:// and https://."""

    def __init__(
        self,
        transport: Transport,
        taper: Taper | None = None,
        repeated: Mapping[str, Sequence[tuple[str, str]]] | None = None,
    ) -> None:
        """`taper` makes a tape for each exchange.

        `repeated`: what is sent for headers that a request holds as one (see `repeated` below).
        """
        super().__init__()
        self._transport = transport
        self._taper = taper
        self._repeated = repeated or {}
        self.last: tuple[Answer, list[bytes]] | None = None  # what the last exchange brought
        self.repeats = 0  # requests that were sent again so far; see Exchange

    def send(
        self,
        request: requests.PreparedRequest,
        stream: bool = False,
        timeout: Any = None,
        verify: bool | str = True,
        cert: Any = None,
        proxies: Mapping[str, str] | None = None,
    ) -> requests.Response:
        """See requests.adapters.BaseAdapter; `verify`, `cert` and `proxies` are the settings'."""
        limits = self._transport.http
        pieces: list[bytes] = []
        exchange = self._transport.lend()
        try:
            target = urls.prepared(request.url or "", limits.max_url_bytes)
            left_s = min(limits.total_timeout_s, _seconds(timeout))
            asked = Request(
                target.url,
                request.method or "GET",
                tuple(self._headers(request)),
                _bytes_of(request.body),
            )
            pin = self._transport.pin(target, left_s)
            tape = self._taper(asked) if self._taper else None
            try:
                exchange.perform(asked, left_s, pin, pieces.append, tape)
            finally:
                self.last = exchange.answer(), pieces
                if tape is not None:
                    tape.end(asked.body, self.last[0].remote_ip)
            body = b"".join(pieces)
            response = response_of(request, exchange.answer(), shown(exchange.reason), body)
            response.connection = cast(HTTPAdapter, self)  # auth objects send again through it
            return response
        except urls.NoUrlError as error:
            raise rx.InvalidURL(str(error), request=request) from error
        except Failure as failure:
            _raise(failure, request)
        finally:
            self.repeats += exchange.repeats
            self._transport.give_back(exchange)

    def _headers(self, request: requests.PreparedRequest) -> Iterator[tuple[str, str]]:
        for name, value in request.headers.items():
            header = _text(name), _text(value)
            lines = self._repeated.get(header[0].lower())
            # What an auth object has changed is sent as it left it.
            yield from lines if lines and header[1] == _joined(lines) else (header,)

    def close(self) -> None:
        """The connections belong to the transport."""


def repeated(
    headers: Iterable[tuple[str, str]],
) -> tuple[dict[str, str], dict[str, list[tuple[str, str]]]]:
    """The headers with each name once, as requests holds them, and those given repeatedly."""
    by_name: dict[str, list[tuple[str, str]]] = {}
    for name, value in headers:
        by_name.setdefault(name.lower(), []).append((name, value))
    held = {lines[0][0]: _joined(lines) for lines in by_name.values()}
    return held, {name: lines for name, lines in by_name.items() if len(lines) > 1}


def _joined(lines: Iterable[tuple[str, str]]) -> str:
    return ", ".join(value for _, value in lines)


def response_of(
    request: requests.PreparedRequest, answer: Answer, reason: str, body: bytes
) -> requests.Response:
    """As the stock adapter makes it; the body is decoded."""
    message = http.client.HTTPMessage()
    for name, value in answer.headers:
        message[name] = value
    raw = _Decoded(
        body=io.BytesIO(body),
        headers=urllib3.HTTPHeaderDict(answer.headers),
        status=answer.status,
        version=_HTTP_VERSIONS.get(answer.http_version or "", 11),
        reason=reason,
        preload_content=False,
        enforce_content_length=False,  # it counts what was received
        original_response=_Original(message),  # type: ignore[arg-type]
        request_method=request.method,
    )
    raw.answer = answer
    return _MAKER.build_response(request, raw)


class _Decoded(urllib3.HTTPResponse):
    """A response whose body is decoded already."""

    answer: Answer

    def _init_decoder(self) -> None:
        self._decoder = None


class _Original:
    """What requests' cookies ask of http.client's response."""

    def __init__(self, message: http.client.HTTPMessage) -> None:
        self.msg = message

    def isclosed(self) -> bool:
        return True

    def close(self) -> None:
        pass


def _seconds(timeout: Any) -> float:
    parts = timeout if isinstance(timeout, tuple) else (timeout,)
    known = [float(part) for part in parts if part is not None]
    return sum(known) if known else float("inf")


def _text(value: str | bytes) -> str:
    """Its wire text; text that is latin-1 is that, as for the stock adapter."""
    if isinstance(value, bytes):
        return value.decode("latin-1")
    try:
        value.encode("latin-1")
    except UnicodeEncodeError:
        return to_wire(value)
    return value


def _bytes_of(body: Any) -> bytes | None:
    if body is None or isinstance(body, bytes):
        return body
    if isinstance(body, str):
        return body.encode("utf-8")
    if hasattr(body, "read"):
        content = body.read()
        return content.encode("utf-8") if isinstance(content, str) else bytes(content)
    if isinstance(body, Iterable):
        return b"".join(part.encode("utf-8") if isinstance(part, str) else part for part in body)
    return bytes(body)


def _raise(failure: Failure, request: requests.PreparedRequest) -> NoReturn:
    kind: type[rx.RequestException] = _ERRORS.get(failure.outcome, rx.ConnectionError)
    if isinstance(failure, Undecodable):
        kind = rx.ContentDecodingError
    elif isinstance(failure, CutShort):
        kind = rx.ChunkedEncodingError
    elif failure.outcome is Outcome.TIMEOUT and failure.message.startswith("could not connect"):
        kind = rx.ConnectTimeout
    raise kind(failure.message, request=request) from failure
