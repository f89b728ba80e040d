"""Where a redirect leads, and what of a request may go there.

Law: as `requests` does it (its resolve_redirects, rebuild_method, get_redirect_target), except that
nothing which could be a credential ever crosses to another origin.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final
from urllib.parse import quote, urljoin, urlsplit

from fetcher.model import Outcome
from fetcher.net import urls
from fetcher.net.failures import Failure
from fetcher.settings import Http

STATUSES: Final = frozenset({301, 302, 303, 307, 308})
_URL_BYTES: Final = "!#$%&'()*+,/:;=?@[]~"
# Of the headers that a user set: what is no secret whatever it holds.
_HARMLESS: Final = frozenset(
    {"accept", "accept-encoding", "accept-language", "user-agent", "if-none-match"}
    | {"if-modified-since", "cache-control", "pragma", "range", "dnt", "expect"}
    # Without these, a body that goes along could not be read.
    | {"content-type", "content-encoding", "content-language"}
)
BODY_HEADERS: Final = frozenset({"content-length", "content-type", "transfer-encoding"})


def target_of(url: str, location: str) -> str:
    """Absolute target of the Location that `url` answered with. Raises Failure."""
    # Headers are read as latin-1; what was sent is nearly always UTF-8, and what is not goes back
    # as the bytes that came, as browsers do it.
    raw = location.encode("latin-1").strip()
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        text = quote(raw, safe=_URL_BYTES)
    try:
        target = urljoin(url, text)
        if "#" in url and not urlsplit(target).fragment:
            fragment = urlsplit(url).fragment
            target = f"{target}#{fragment}" if fragment else target
    except ValueError as error:
        raise Failure(Outcome.PROTOCOL, f"redirected to what is no URL: {error}") from error
    return target


def hop_to(text: str, http: Http) -> urls.Target:
    """Where the hop to this target goes. Raises Failure."""
    scheme = urls.scheme_of(text)
    if scheme is not None and scheme not in urls.SCHEMES:
        raise Failure(Outcome.BLOCKED, f"redirected to a {scheme!r} address")
    try:
        return urls.target_of(text, http.max_url_bytes)
    except urls.NoUrlError as error:
        raise Failure(Outcome.PROTOCOL, f"redirected to what is no URL: {error}") from error


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


def origin(url: str) -> tuple[str, str, int | None]:
    """Scheme, host and port, for comparison."""
    parts = urlsplit(url)
    default = {"http": 80, "https": 443}.get(parts.scheme)
    return parts.scheme, parts.hostname or "", parts.port or default
