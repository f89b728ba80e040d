"""Translates a PreparedRequest for the fetch core.

The preparation by requests decides about URL, headers and method. A request that was changed after
its preparation is sent as changed, as with the stock adapter. But libcurl gets a URL that is built
from the very host that was judged and pinned, so that both mean the same host.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final
from urllib.parse import quote

import requests
from requests import exceptions as rx
from urllib3.exceptions import LocationParseError
from urllib3.util import parse_url

from fetcher.fetch import urls
from fetcher.fetch.requests_compat.upload import is_streamed
from fetcher.web_urls import SCHEMES, Target

_KEPT: Final = "!#$%&'()*+,/:;=?@[]~"  # of a request target; other characters are quoted
_BEFORE_PATH: Final = re.compile(r"[^/]*//[^/?#]*")
_SENDABLE: Final = re.compile(r"/[!-~]*")
_WITHOUT_BODY: Final = frozenset({"GET", "HEAD", "DELETE", "TRACE", "OPTIONS", "CONNECT"})
_BROKEN: Final = re.compile(r"[\r\n\0]")
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f ]")
_NAME: Final = re.compile(r"[^\s:\x00-\x1f\x7f][^:\r\n\0]*")


def target_of(request: requests.PreparedRequest, max_bytes: int) -> Target:
    """The target of the request. Raises InvalidURL, InvalidSchema."""
    url = request.url or ""
    if len(url) > max_bytes:
        raise rx.InvalidURL(f"longer than http.max_url_bytes ({max_bytes})", request=request)
    try:
        parts = parse_url(url)
    except LocationParseError as error:
        raise rx.InvalidURL(error, request=request) from error
    if parts.scheme not in SCHEMES:
        raise rx.InvalidSchema(
            f"scheme {parts.scheme!r} cannot be fetched (only http and https)", request=request
        )
    place = parts.netloc or ""  # without user and password, which are in a header by now
    try:
        target = urls.target_of(f"{parts.scheme}://{place}/", max_bytes)
    except urls.NoUrlError as error:
        raise rx.InvalidURL(f"{error}: {url[:100]!r}", request=request) from error
    return target._replace(url=urls.origin(target) + _rest(request, url))


def _rest(request: requests.PreparedRequest, url: str) -> str:
    """Path and query; as they are (they may be signed) where libcurl can send them so."""
    rest = _BEFORE_PATH.sub("", url, count=1).partition("#")[0]
    return rest if _SENDABLE.fullmatch(rest) else quote(request.path_url, safe=_KEPT)


def method_of(request: requests.PreparedRequest) -> str:
    """The method, checked as http.client does. Raises ValueError."""
    method = request.method or "GET"
    if _CONTROL.search(method):
        raise ValueError(f"method can't contain control characters. {method!r}")
    return method


def body_of(request: requests.PreparedRequest, method: str) -> bytes | None:
    """The body; None if it is streamed, or if the request needs none."""
    body: Any = request.body
    if body is None:
        return None if method.upper() in _WITHOUT_BODY else b""
    if isinstance(body, str):
        return body.encode("utf-8")
    return None if is_streamed(body) else bytes(body)


def repeated(
    headers: Iterable[tuple[str, str]],
) -> tuple[dict[str, str], dict[str, list[tuple[str, str]]]]:
    """Split headers into those that requests can hold, each name once, and the repeated lines."""
    by_name: dict[str, list[tuple[str, str]]] = {}
    for name, value in headers:
        by_name.setdefault(name.lower(), []).append((name, value))
    held = {lines[0][0]: _joined(lines) for lines in by_name.values()}
    return held, {name: lines for name, lines in by_name.items() if len(lines) > 1}


def _joined(lines: Iterable[tuple[str, str]]) -> str:
    return ", ".join(value for _, value in lines)


def headers_of(
    request: requests.PreparedRequest, repeated: Mapping[str, Sequence[tuple[str, str]]]
) -> Iterator[tuple[str, str]]:
    """The headers, checked as http.client does. Raises ValueError, UnicodeEncodeError.

    `repeated`: the lines to send for a header that the request holds as one.
    """
    headers: dict[Any, Any] = dict(request.headers)
    for given, value in headers.items():
        name = _text(given)
        text = _text(value)
        if not _NAME.fullmatch(name):
            raise ValueError(f"Invalid header name {name!r}")
        if _BROKEN.search(text):
            raise ValueError(f"Invalid header value {text!r}")
        text.encode("latin-1")
        lines = repeated.get(name.lower())
        # A header that an auth object has changed is sent as changed.
        yield from lines if lines and text == _joined(lines) else ((name, text),)


def _text(value: Any) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)
