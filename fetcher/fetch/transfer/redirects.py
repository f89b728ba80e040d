"""Decides where a redirect leads, and which parts of the request go there.

A Location means what it means in a browser (the WHATWG URL and Fetch standards). Methods and
bodies are kept as in `requests` (its rebuild_method). Nothing that could be a credential is sent to
another origin.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from fetcher import web_urls
from fetcher.error_kinds import ErrorKind
from fetcher.fetch import urls
from fetcher.fetch.failures import Failure
from fetcher.fetch.header_text import values_of
from fetcher.settings.schema import Http
from fetcher.web_urls import Target

STATUSES: Final = frozenset({301, 302, 303, 307, 308})
# Headers that hold no secret, whatever the user has set.
_HARMLESS: Final = frozenset(
    {"accept", "accept-encoding", "accept-language", "user-agent", "if-none-match"}
    | {"if-modified-since", "cache-control", "pragma", "range", "dnt", "expect"}
    # Without these, the receiver could not read a body.
    | {"content-type", "content-encoding", "content-language"}
)
BODY_HEADERS: Final = frozenset({"content-length", "content-type", "transfer-encoding"})


def location_of(notable: Sequence[tuple[str, str]]) -> str:
    """The Location among a redirect's notable headers, "" for none. Raises Failure.

    As in browsers, several equal ones count as one, and different ones are an error: a header may
    have been smuggled into the answer.
    """
    values = set(values_of(notable, "location"))
    values.discard("")
    if len(values) > 1:
        said = f"{len(values)} Location headers that differ"
        raise Failure(ErrorKind.PROTOCOL_BAD_LOCATION, said)
    return values.pop() if values else ""


def hop(source: Target, location: str, http: Http) -> Target:
    """The target of the Location in the answer of `source`. Raises Failure."""
    url = url_of(source, location)
    if url is None:
        raise _no_url(urls.why_none(_text(location)).message)
    _, mark, fragment = source.url.partition("#")
    if mark and "#" not in url:
        url = f"{url}#{fragment}"
    scheme = url.partition(":")[0]
    if scheme not in web_urls.SCHEMES:
        raise Failure(ErrorKind.BLOCKED_SCHEME, f"redirected to a {scheme[:40]!r} address")
    try:
        return urls.fetchable(url, http.max_url_bytes)
    except urls.NoUrlError as error:
        raise _no_url(str(error)) from error


def url_of(source: Target, location: str) -> str | None:
    """The URL that the Location in the answer of `source` means; None if it is not one."""
    return web_urls.resolved(source.url, _text(location))


def _text(location: str) -> str:
    # Headers are read as latin-1. Most servers send UTF-8; other bytes are sent back as they came,
    # as in browsers.
    raw = location.encode("latin-1")
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return "".join(chr(byte) if byte < 0x80 else f"%{byte:02X}" for byte in raw)


def _no_url(why: str) -> Failure:
    said = f"redirected to something that is not a URL: {why}"
    return Failure(ErrorKind.PROTOCOL_BAD_LOCATION, said)


def keeps_body(status: int) -> bool:
    """Whether the next hop gets the request's body too."""
    return status in (307, 308)


def require_body_may_go(status: int, source: Target, target: Target, http: Http) -> None:
    """Raise Failure if a redirect takes a request's body to an origin that may not have it."""
    if not keeps_body(status) or target[1:] == source[1:] or http.cross_origin_bodies:
        return
    raise Failure(
        ErrorKind.BLOCKED_BODY,
        f"redirected ({status}) to another origin, {target.host}:{target.port} by "
        f"{target.scheme}, which may not have the request's body "
        "(http.cross_origin_bodies = false)",
    )


def method_after(status: int, method: str) -> str:
    """The method of the next hop."""
    if method == "HEAD":
        return method
    if status in (302, 303) or (status == 301 and method == "POST"):
        return "GET"
    return method


def headers_after(
    headers: Sequence[tuple[str, str]], *, same_origin: bool, with_body: bool
) -> tuple[tuple[str, str], ...]:
    """The user's headers that the next hop gets."""
    return tuple(
        (name, value)
        for name, value in headers
        if (same_origin or name.lower() in _HARMLESS)
        and (with_body or name.lower() not in BODY_HEADERS)
    )
