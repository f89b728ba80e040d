"""Calls the user's function that logs in, and takes the cookies and headers that it made.

The function gets a requests.Session over our transport and a LoginFacts. Cookies are those that
the session holds at the end. Headers are returned with the place that each is for:
`{"headers": {"https://api.example.com": {"Authorization": "…"}}}`. Nothing of it is ever logged.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from http.cookiejar import Cookie
from typing import Any, Final, NamedTuple

import gevent
import requests
from msgspec import ValidationError, convert, msgpack, to_builtins

from fetcher import web_urls
from fetcher.errors import ConfigError
from fetcher.fetch import own_code
from fetcher.fetch.cookies.public_suffixes import is_public_suffix
from fetcher.fetch.cookies.set_cookie import is_address
from fetcher.fetch.failures import LoginFailure
from fetcher.fetch.header_text import to_wire
from fetcher.fetch.http.connections import Connections
from fetcher.fetch.http.site_session import origin_of
from fetcher.fetch.requests_compat.adapter import CurlAdapter
from fetcher.fetch.unexpected import one_line
from fetcher.protocol.bounds import MAX_TEXT
from fetcher.protocol.login_messages import Secrets, SessionCookie, SessionHeader
from fetcher.settings.schema import Http

_NAME: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]")
_LOCAL: Final = ".local"  # http.cookiejar adds it to host names without a dot
_MAX_BYTES: Final = 256 * 1024  # all workers get them in one message
_LEAST_HIDDEN: Final = 4  # characters of a secret that is taken out of messages


class LoginFacts(NamedTuple):
    """Settings that the function may need."""

    user_agent: str
    timeout_s: float  # of the whole call


class LoginFunction:
    """The function that `http.login` names. Raises ConfigError if it cannot be loaded."""

    def __init__(self, http: Http, transport: Connections) -> None:
        self._call: Callable[..., Any] = own_code.load("http.login", http.login)
        if not callable(self._call):
            raise ConfigError(f"http.login = {http.login!r}: is not a function")
        self._transport = transport
        self._http = http

    def log_in(self) -> Secrets:
        """Call the function. Raises LoginFailure, at the latest when its time is over."""
        limit_s = self._http.login_timeout_s
        # In a greenlet of its own, whatever the function catches does not end the time limit.
        call = gevent.spawn(self._outcome)
        try:
            outcome: Secrets | LoginFailure = call.get(timeout=limit_s)
        except gevent.Timeout:
            raise LoginFailure(
                f"{self._http.login} took longer than http.login_timeout_s ({limit_s:g} s)"
            ) from None
        finally:
            call.kill(block=False)
        if isinstance(outcome, LoginFailure):
            raise outcome
        return outcome

    def _outcome(self) -> Secrets | LoginFailure:
        with self._session() as session:
            try:
                before = dict(session.headers)
                returned = self._call(session, self._facts())
                return _secrets(session, before, returned)
            # The user's own code may raise anything, also what ends a program.
            except BaseException as error:
                said = error if isinstance(error, LoginFailure) else one_line(error)
                return LoginFailure(_without_secrets(f"{self._http.login}: {said}", session))

    def _session(self) -> requests.Session:
        session = requests.Session()
        session.trust_env = False
        session.headers["User-Agent"] = self._http.user_agent
        adapter = CurlAdapter(self._transport)
        session.mount("http://", adapter)
        session.mount("https://", adapter)
        return session

    def _facts(self) -> LoginFacts:
        return LoginFacts(self._http.user_agent, self._http.login_timeout_s)


def _secrets(session: requests.Session, before: dict[str, Any], returned: Any) -> Secrets:
    """The cookies and headers that the log-in made. Raises LoginFailure."""
    left = [name for name, value in session.headers.items() if before.get(name) != value]
    if left:
        raise LoginFailure(
            f"it left {', '.join(left)} in session.headers; return headers with their place, as "
            '{"headers": {"https://api.example.com": {"Authorization": …}}}'
        )
    cookies = [_cookie(cookie) for cookie in session.cookies]
    kept = [each for each in cookies if not _is_shared(each)]
    made = Secrets(kept, list(_headers(_given(returned))))
    if not (made.cookies or made.headers):
        shared = {each.domain for each in cookies}
        why = f" for a host (those for {', '.join(sorted(shared))} would go to all hosts there)"
        raise LoginFailure(
            f"it left no cookie{why if shared else ''} in the session and returned no headers"
        )
    try:
        convert(to_builtins(made), Secrets)  # checks the bounds of the message
    except ValidationError as error:
        raise LoginFailure(f"a cookie or header is too long, or there are too many: {error}") from (
            error
        )
    size = len(msgpack.encode(made))
    if size > _MAX_BYTES:
        raise LoginFailure(f"its cookies and headers take {size} bytes; {_MAX_BYTES} is the most")
    return made


def _cookie(cookie: Cookie) -> SessionCookie:
    name, value, path = (_wire(text or "") for text in (cookie.name, cookie.value, cookie.path))
    domain = cookie.domain.lower().lstrip(".")
    if not cookie.domain_specified and domain.endswith(_LOCAL):
        bare = domain.removesuffix(_LOCAL)
        domain = domain if "." in bare else bare
    if not domain:
        raise LoginFailure(
            f"the cookie {name[:40]!r} has no domain: session.cookies.set(…, domain=…)"
        )
    if any(_CONTROL.search(text) or ";" in text for text in (name, value, path)):
        raise LoginFailure(f"the cookie {name[:40]!r} has a control character or a semicolon")
    return SessionCookie(
        name,
        value,
        domain.strip("[]"),
        not cookie.domain_specified or is_address(domain) or "." not in domain,
        path or "/",
        cookie.secure,
        None if cookie.expires is None else float(cookie.expires),
    )


def _is_shared(cookie: SessionCookie) -> bool:
    """Whether the cookie would go to hosts of other people. Browsers refuse it, http.cookiejar not.

    A server of www.example.co.uk may have set it for all of co.uk.
    """
    return not cookie.is_host_only and is_public_suffix(cookie.domain)


def _wire(text: str) -> str:
    """The text as wire text, which it is already where a server sent it."""
    plain = _plain(text)
    return plain if all(char <= "\xff" for char in plain) else to_wire(plain)


def _plain(text: str) -> str:
    """The text as a str, because no message takes a subtype of it, such as a text of lxml."""
    return str.__str__(text)


def _given(returned: Any) -> Mapping[Any, Any]:
    """The headers of what the function returned, by place."""
    if returned is None:
        return {}
    if not isinstance(returned, Mapping) or returned.keys() - {"headers"}:
        raise LoginFailure('it returned something else than None or {"headers": {PLACE: {…}}}')
    given = returned.get("headers", {})
    if not (isinstance(given, Mapping) and all(isinstance(v, Mapping) for v in given.values())):
        raise LoginFailure('its "headers" are not {PLACE: {NAME: VALUE}}')
    return given


def _headers(given: Mapping[Any, Any]) -> Iterator[SessionHeader]:
    for place, headers in given.items():
        where = _place(str(place))
        for name, value in headers.items():
            if not (isinstance(name, str) and _NAME.fullmatch(name)):
                raise LoginFailure(f"{str(name)[:40]!r} is not the name of a header")
            if not isinstance(value, str) or _CONTROL.search(value):
                raise LoginFailure(f"the value of the header {name} is not a text on one line")
            yield SessionHeader(where, _plain(name), to_wire(_plain(value).strip()))


def _place(text: str) -> str:
    """The place of headers in the form of site_session: a host, or an origin."""
    has_scheme = "://" in text
    url = web_urls.parsed(text if has_scheme else f"https://{text}")
    target = web_urls.written(url) if url else None
    if target is None or target.url.split("/", 3)[3]:
        raise LoginFailure(
            f"{text[:60]!r} is not a place for headers: a host (for https), or https://HOST:PORT "
            "or http://HOST:PORT"
        )
    has_port = text.rpartition("]")[2].rpartition(":")[2].isdigit()
    return origin_of(target) if has_scheme or has_port else target.host


def _without_secrets(text: str, session: requests.Session) -> str:
    """The text without the values of the session's cookies, which an exception may quote."""
    for cookie in session.cookies:
        if cookie.value and len(cookie.value) >= _LEAST_HIDDEN:
            text = text.replace(cookie.value, "…")
    return text[:MAX_TEXT]
