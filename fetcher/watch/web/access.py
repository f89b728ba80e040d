"""Who may see the page, and who may steer by it.

Law: pure; what is secret is compared in constant time. A request is refused unless
- its Host is an address, this machine's name or the one that is listened on: a page elsewhere whose
  name is made to lead here (DNS rebinding) has another;
- it has the token, where there is one: in a cookie made of it, or as `Authorization: Bearer`;
- it comes from our own page, where it would change something: it brings the word that only our
  page can read, and where a browser says whose it is, it is ours.
"""

from __future__ import annotations

import hmac
import ipaddress
import secrets
from http import HTTPStatus
from typing import Final, NamedTuple

import msgspec

WORD_HEADER: Final = "X-Fetcher-Word"


class Request(msgspec.Struct, frozen=True):
    """What is looked at of a request; "" where it has none."""

    method: str
    host: str
    origin: str = ""
    site: str = ""  # Sec-Fetch-Site
    cookie: str = ""  # the one of ours
    authorization: str = ""
    word: str = ""


class Refusal(NamedTuple):
    """No, and why."""

    status: HTTPStatus
    reason: str


class Access:
    """Of one page."""

    def __init__(self, host: str, port: int, token: str, names: tuple[str, ...] = ()) -> None:
        """`host`, `port`: that are listened on; `names`: others that lead here."""
        self._names = {host.lower(), "localhost", *(name.lower() for name in names)}
        self._token = token
        self.cookie_name = f"fetcher_page_{port}"  # a host's ports share their cookies
        self.word = secrets.token_urlsafe(24)  # that only our own page can read

    @property
    def cookie(self) -> str:
        """What the browser keeps: of no use to whoever wants the token itself."""
        return hmac.new(self._token.encode(), b"fetcher live page", "sha256").hexdigest()

    def is_token(self, given: str) -> bool:
        return bool(self._token) and _same(given, self._token)

    def refuse_place(self, request: Request) -> Refusal | None:
        """Where it asks for another place than this, or comes from one to change something."""
        name = host_of(request.host)
        if name not in self._names and not _is_address(name):
            return Refusal(HTTPStatus.FORBIDDEN, "this is not the host that you ask for")
        if request.method not in ("GET", "HEAD") and (
            request.site not in ("", "same-origin")
            or (request.origin and request.origin.partition("://")[2] != request.host)
        ):
            return Refusal(HTTPStatus.FORBIDDEN, "another page may not ask for this")
        return None

    def refuse(self, request: Request) -> Refusal | None:
        """Why it is not answered; None: it is."""
        wrong = self.refuse_place(request)
        if wrong is not None:
            return wrong
        if self._token and not self._has_token(request):
            return Refusal(HTTPStatus.UNAUTHORIZED, "the token of monitor.token is wanted")
        if request.method not in ("GET", "HEAD") and not _same(request.word, self.word):
            return Refusal(HTTPStatus.FORBIDDEN, f"{WORD_HEADER} is wanted, as the page has it")
        return None

    def _has_token(self, request: Request) -> bool:
        scheme, _, given = request.authorization.partition(" ")
        bears = scheme.lower() == "bearer" and self.is_token(given.strip())
        return bears or _same(request.cookie, self.cookie)


def host_of(header: str) -> str:
    """The name in a Host header, without its port."""
    if header.startswith("["):
        return header[1:].partition("]")[0].lower()
    return header.partition(":")[0].lower()


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach what listens there."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _same(given: str, wanted: str) -> bool:
    return hmac.compare_digest(given.encode("utf-8", "replace"), wanted.encode())
