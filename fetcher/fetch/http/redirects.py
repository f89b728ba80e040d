"""Where a redirect leads, and what of a request may go there.

Law: a Location means what it means in a browser (the WHATWG URL and Fetch standards); methods and
bodies are kept as `requests` does it (its rebuild_method); nothing which could be a credential ever
crosses to another origin.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from fetcher import web_urls
from fetcher.error_kinds import ErrorKind
from fetcher.fetch import urls
from fetcher.fetch.failures import Failure
from fetcher.settings.schema import Http
from fetcher.web_urls import Target

STATUSES: Final = frozenset({301, 302, 303, 307, 308})
# Of the headers that a user set: what is no secret whatever it holds.
_HARMLESS: Final = frozenset(
    {"accept", "accept-encoding", "accept-language", "user-agent", "if-none-match"}
    | {"if-modified-since", "cache-control", "pragma", "range", "dnt", "expect"}
    # Without these, a body that goes along could not be read.
    | {"content-type", "content-encoding", "content-language"}
)
BODY_HEADERS: Final = frozenset({"content-length", "content-type", "transfer-encoding"})


def location_of(headers: Iterable[tuple[str, str]]) -> str:
    """The Location of a redirect's headers, "" for none. Raises Failure.

    Browsers take several that are the same for one, and fail where two differ: that is how a
    redirect looks into which somebody has smuggled a header.
    """
    values = {value for name, value in headers if len(name) == 8 and name.lower() == "location"}
    values.discard("")
    if len(values) > 1:
        said = f"{len(values)} Location headers that differ"
        raise Failure(ErrorKind.PROTOCOL_BAD_LOCATION, said)
    return values.pop() if values else ""


def hop(source: Target, location: str, http: Http) -> Target:
    """Where the Location leads that `source` answered with. Raises Failure."""
    text = _text(location)
    url = web_urls.resolved(source.url, text)
    if url is None:
        raise _no_url(urls.why_none(text).words)
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


def _text(location: str) -> str:
    # Headers are read as latin-1; what was sent is nearly always UTF-8, and what is not goes back
    # as the bytes that came, as browsers do it.
    raw = location.encode("latin-1")
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return "".join(chr(byte) if byte < 0x80 else f"%{byte:02X}" for byte in raw)


def _no_url(why: str) -> Failure:
    said = f"redirected to something that is not a URL: {why}"
    return Failure(ErrorKind.PROTOCOL_BAD_LOCATION, said)


def keeps_body(status: int) -> bool:
    """Whether the request's body is sent to the next hop too."""
    return status in (307, 308)


def method_after(status: int, method: str) -> str:
    """With which method a redirect is followed."""
    if method == "HEAD":
        return method
    if status in (302, 303) or (status == 301 and method == "POST"):
        return "GET"
    return method


def headers_after(
    headers: Sequence[tuple[str, str]], *, same_origin: bool, with_body: bool
) -> tuple[tuple[str, str], ...]:
    """Those of the user's headers that go on to the next hop."""
    return tuple(
        (name, value)
        for name, value in headers
        if (same_origin or name.lower() in _HARMLESS)
        and (with_body or name.lower() not in BODY_HEADERS)
    )
