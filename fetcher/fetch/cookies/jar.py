"""Keeps cookies: those of a cookies.txt file, and those that the redirects of one URL set.

The file's cookies are shared and never changed. Cookies that servers set live in the Chain of one
URL and end with it. RFC 6265 (5.3 and 5.4) decides which cookie is kept and where it is sent, with
the public suffixes and the name prefixes that browsers know.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from typing import NamedTuple
from urllib.parse import urlsplit

from fetcher.fetch.cookies import set_cookie
from fetcher.fetch.cookies.public_suffixes import is_public_suffix
from fetcher.fetch.cookies.set_cookie import SetCookie
from fetcher.fetch.header_text import shown


class Cookie(NamedTuple):
    """A kept cookie."""

    name: str  # "": only the value is sent
    value: str
    domain: str  # lower case, ASCII, without a leading dot
    is_host_only: bool  # not sent to subdomains
    path: str
    is_secure: bool  # for https only
    expires: float | None  # Unix time, seconds; None: with the session

    @property
    def key(self) -> tuple[str, str, bool, str]:
        """A cookie with the same key replaces this one."""
        return self.name, self.domain, self.is_host_only, self.path

    def matches(self, request: _RequestUrl, now: float) -> bool:
        """Whether the cookie is sent with this request (5.4)."""
        host_fits = (
            request.host == self.domain if self.is_host_only else self._is_above(request.host)
        )
        return (
            host_fits
            and (request.is_secure or not self.is_secure)
            and (self.expires is None or self.expires > now)
            and set_cookie.path_matches(request.path, self.path)
        )

    def _is_above(self, host: str) -> bool:
        return set_cookie.domain_matches(host, self.domain)

    def __str__(self) -> str:
        return f"{self.name}={self.value}" if self.name else self.value


class _RequestUrl:
    """The parts of a request's URL that matter to cookies."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self.host = parts.hostname or ""
        self.path = parts.path or "/"
        self.is_secure = parts.scheme == "https"


class Cookies:
    """The cookies of a file, or none; never changed."""

    def __init__(self, cookies: Iterable[Cookie] = ()) -> None:
        self._by_domain: dict[str, dict[tuple[str, str, bool, str], Cookie]] = {}
        for cookie in cookies:
            self._by_domain.setdefault(cookie.domain, {})[cookie.key] = cookie

    def __iter__(self) -> Iterator[Cookie]:
        for cookies in self._by_domain.values():
            yield from cookies.values()

    def header_for(self, url: str) -> str | None:
        """The value of the Cookie header for this URL; None without cookies."""
        return self.chain().header_for(url)

    def chain(self) -> Chain:
        """The cookies for one URL's requests: these, and those that its responses will set."""
        return Chain(self)

    def of_host(self, host: str) -> Iterator[Cookie]:
        """The cookies of this host's domain and of its parent domains."""
        labels = host.split(".") if self._by_domain else []
        for at in range(len(labels)):
            yield from self._by_domain.get(".".join(labels[at:]), {}).values()


class Chain:
    """The cookies of one URL and its redirects."""

    __slots__ = ("_base", "_own")

    def __init__(self, base: Cookies) -> None:
        self._base = base
        self._own: dict[
            tuple[str, str, bool, str], Cookie
        ] = {}  # expired ones hide those of the base

    def header_for(self, url: str) -> str | None:
        """The value of the Cookie header for this URL; None without cookies."""
        request, now = _RequestUrl(url), time.time()
        known = {cookie.key: cookie for cookie in self._base.of_host(request.host)} | self._own
        found = [cookie for cookie in known.values() if cookie.matches(request, now)]
        found.sort(key=lambda cookie: -len(cookie.path))  # then by age: the sort is stable
        return "; ".join(map(str, found)) or None

    def absorb(self, url: str, headers: Iterable[tuple[str, str]]) -> None:
        """Keep the cookies that the response for this URL sets, for the next requests."""
        for name, value in headers:
            if len(name) == 10 and name.lower() == "set-cookie":
                parsed = set_cookie.parse(value, time.time())
                cookie = _kept(parsed, _RequestUrl(url)) if parsed else None
                if cookie is not None:
                    self._own[cookie.key] = cookie


def _kept(parsed: SetCookie, request: _RequestUrl) -> Cookie | None:
    """The cookie to keep (5.3); None if this host may not set it."""
    domain = _ascii(parsed.domain)
    is_host_only = not parsed.domain or (
        domain == request.host and (set_cookie.is_address(domain) or is_public_suffix(domain))
    )
    if not is_host_only and not _may_share(request.host, domain):
        return None
    if not _keeps_its_prefix(parsed, request):
        return None
    path = set_cookie.default_path(request.path) if parsed.path is None else parsed.path
    return Cookie(
        parsed.name,
        parsed.value,
        request.host if is_host_only else domain,
        is_host_only,
        path,
        parsed.secure,
        parsed.expires,
    )


def _may_share(host: str, domain: str) -> bool:
    return set_cookie.domain_matches(host, domain) and not is_public_suffix(domain)


def _keeps_its_prefix(parsed: SetCookie, request: _RequestUrl) -> bool:
    """Whether the cookie is as the prefix of its name promises (RFC 6265bis, 4.1.3)."""
    name = parsed.name.lower()
    if name.startswith(("__secure-", "__host-")) and not (parsed.secure and request.is_secure):
        return False
    return not name.startswith("__host-") or (not parsed.domain and parsed.path == "/")


def _ascii(domain: str) -> str:
    """The domain as a URL's host: IPv6 without brackets, IDN as A-labels; "" if invalid."""
    if domain.isascii():
        return domain.strip("[]")
    try:
        return shown(domain).encode("idna").decode("ascii")
    except UnicodeError:
        return ""
