"""Cookies: those of a cookies.txt file, and those that one URL's redirects set on their way.

Law: the file's cookies are shared and never changed; what servers set lives in one Chain, that of
one URL, and dies with it. Which cookie belongs where is decided by http.cookiejar's policy, held
to what browsers do: a cookie without Domain stays with its host, and none is taken for a top-level
domain or for a second level such as `co.uk`. There is no public suffix list: one for `github.io`
is taken, but it reaches no further than its own chain.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from email.message import Message
from http.cookiejar import Cookie, CookieJar, DefaultCookiePolicy
from pathlib import Path
from typing import Any, Final, cast
from urllib.parse import urlsplit
from urllib.request import Request

from fetcher.errors import ConfigError

_HTTP_ONLY: Final = "#HttpOnly_"  # in front of the domain, as curl and browsers write it
_FIELDS: Final = 7  # domain, with subdomains, path, secure, expires, name, value
_BOOLEANS: Final = {"TRUE": True, "FALSE": False}
_CONTROL: Final = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_PORT: Final = re.compile(r":\d*$")
_V4: Final = re.compile(r"\.\d+$")  # no top-level domain is a number
_MAX_SET_BYTES: Final = 8192  # a longer Set-Cookie is ignored, as browsers do (from 4096 on)


class _Policy(DefaultCookiePolicy):
    """The standard library's rules, at their strictest that real sites survive."""

    def __init__(self) -> None:
        super().__init__(
            rfc2965=False,
            strict_domain=True,
            strict_ns_domain=DefaultCookiePolicy.DomainStrictNonDomain,
        )

    def set_ok_domain(self, cookie: Cookie, request: Request) -> bool:
        # Domain=.0.1 of 127.0.0.1 would reach other addresses.
        if cookie.domain_specified and _is_address(_effective_host(request.full_url)):
            return False
        return super().set_ok_domain(cookie, request)


_POLICY: Final = _Policy()


class _Asked:
    """What http.cookiejar wants to know of a request."""

    unverifiable = False

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self.full_url = url
        self.type = parts.scheme
        self.host = parts.netloc
        self.origin_req_host = parts.hostname or ""
        self.header: str | None = None

    def get_full_url(self) -> str:
        return self.full_url

    def get_header(self, name: str, default: str | None = None) -> str | None:
        return default

    def has_header(self, name: str) -> bool:
        return False

    def add_unredirected_header(self, name: str, value: str) -> None:
        self.header = value


class _Answered:
    """What http.cookiejar wants to know of a response."""

    def __init__(self, set_cookies: list[str]) -> None:
        self._message = Message()
        for value in set_cookies:
            self._message["Set-Cookie"] = value

    def info(self) -> Message:
        return self._message


class Cookies:
    """The cookies that a job begins with: those of a file, or none."""

    def __init__(self, cookies: Iterable[Cookie] = ()) -> None:
        self._by_domain: dict[str, list[Cookie]] = {}
        for cookie in cookies:
            self._by_domain.setdefault(cookie.domain, []).append(cookie)

    def header_for(self, url: str) -> str | None:
        """The value of the Cookie header that belongs to a request for this URL, if any."""
        return Chain(self).header_for(url) if self._by_domain else None

    def chain(self) -> Chain:
        """The cookies of one URL's requests: these, and what its responses will set."""
        return Chain(self)

    def of_host(self, host: str) -> Iterator[tuple[str, list[Cookie]]]:
        """By domain, those that may belong to this host; the policy has the last word."""
        if not self._by_domain:
            return
        labels = host.split(".")
        for domain in (host, *("." + ".".join(labels[at:]) for at in range(len(labels)))):
            if domain in self._by_domain:
                yield domain, self._by_domain[domain]


class Chain:
    """The cookies of one URL and its redirects; nothing in it outlives or leaves it."""

    __slots__ = ("_base", "_jar", "_taken")

    def __init__(self, base: Cookies) -> None:
        self._base = base
        self._jar: CookieJar | None = None  # made where there is a first cookie
        self._taken: set[str] = set()  # domains whose cookies of the file are in the jar

    def header_for(self, url: str) -> str | None:
        """The value of the Cookie header that belongs to a request for this URL, if any."""
        if self._jar is None and not self._base._by_domain:
            return None
        request = _Asked(url)
        self._take(request)
        if self._jar is None:
            return None
        self._jar.add_cookie_header(cast(Request, request))
        return request.header

    def absorb(self, url: str, headers: Iterable[tuple[str, str]]) -> None:
        """Keep what the response for this URL sets, for the requests that follow."""
        found = [
            value
            for name, value in headers
            if len(name) == 10 and name.lower() == "set-cookie"
            if len(value) <= _MAX_SET_BYTES and not _CONTROL.search(value)
        ]
        if not found:
            return
        request = _Asked(url)
        # First the file's own, so that a response can also take one of them back.
        self._take(request)
        if self._jar is None:
            self._jar = CookieJar(_POLICY)
        self._jar.extract_cookies(cast(Any, _Answered(found)), cast(Request, request))

    def _take(self, request: _Asked) -> None:
        for domain, cookies in self._base.of_host(_effective_host(request.full_url)):
            if domain in self._taken:
                continue
            self._taken.add(domain)
            self._jar = self._jar or CookieJar(_POLICY)
            for cookie in cookies:
                self._jar.set_cookie(cookie)


def load(path: Path) -> Cookies:
    """The cookies of a file in the browsers' cookies.txt format. Raises ConfigError."""
    try:
        text = path.read_text("utf-8-sig")
    except OSError as error:
        raise ConfigError(f"http.cookies_file: {path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ConfigError(
            f"http.cookies_file: {path}: not valid UTF-8 (at byte {error.start})"
        ) from error
    return Cookies(_parsed(path, text))


def _parsed(path: Path, text: str) -> Iterator[Cookie]:
    for number, line in enumerate(text.split("\n"), 1):
        record = line.removesuffix("\r")
        is_comment = record.startswith(("#", "$")) and not record.startswith(_HTTP_ONLY)
        if is_comment or not record.strip():
            continue
        try:
            yield _cookie(record)
        except ValueError as error:
            raise ConfigError(f"http.cookies_file: {path}, line {number}: {error}") from error


def _cookie(record: str) -> Cookie:
    """The cookie of a line. Raises ValueError."""
    fields = record.removeprefix(_HTTP_ONLY).split("\t")
    if len(fields) != _FIELDS:
        raise ValueError(f"{len(fields)} fields between tabs, a cookie has {_FIELDS}")
    if _CONTROL.search(record):
        raise ValueError("a control character")
    domain, subdomains, path, secure, expires, name, value = fields
    for field in (subdomains, secure):
        if field.upper() not in _BOOLEANS:
            raise ValueError(f"{field[:20]!r} is neither TRUE nor FALSE")
    if not path.startswith("/"):
        raise ValueError(f"the path {path[:20]!r} does not begin with /")
    domain, for_subdomains = _domain(domain, _BOOLEANS[subdomains.upper()])
    expires_s = _expires(expires)
    return Cookie(
        version=0,
        # A nameless cookie is written as its value alone.
        name=name or value,
        value=value if name else None,
        port=None,
        port_specified=False,
        domain=domain,
        domain_specified=for_subdomains,
        domain_initial_dot=for_subdomains,
        path=path,
        path_specified=True,
        secure=_BOOLEANS[secure.upper()],
        expires=expires_s,
        discard=expires_s is None,
        comment=None,
        comment_url=None,
        rest={},
    )


def _domain(text: str, subdomains: bool) -> tuple[str, bool]:
    """The domain as http.cookiejar writes it, and whether subdomains are meant too."""
    bare = text.lower().lstrip(".")
    if not bare or not re.fullmatch(r"[\w.:\[\]-]+", bare):
        raise ValueError(f"{text[:40]!r} is no domain")
    if "." not in bare:
        return f"{bare}.local", False  # as it calls a host without a dot
    if _is_address(bare) or not (subdomains or text.startswith(".")):
        return bare, False
    return f".{bare}", True


def _expires(text: str) -> int | None:
    """Unix time; None for a cookie of the session."""
    try:
        return int(float(text or 0)) or None
    except (ValueError, OverflowError) as error:
        raise ValueError(f"the expiry {text[:20]!r} is no Unix time") from error


def _effective_host(url: str) -> str:
    """The host as http.cookiejar sees it: in lower case, `.local` behind one without a dot."""
    host = _PORT.sub("", urlsplit(url).netloc.lower())
    return host if "." in host else f"{host}.local"


def _is_address(host: str) -> bool:
    return _V4.search(host) is not None or "[" in host
