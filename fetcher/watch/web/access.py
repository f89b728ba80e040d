"""Decides who may see the page and who may control the job by it.

Pure; secrets are compared in constant time. A request is refused unless
- its Host is an address, a name of this machine or the name that we listen on: a foreign page whose
  name was made to resolve to us (DNS rebinding) sends another Host;
- it has the token, where one is set: in a cookie derived from it, or as `Authorization: Bearer`;
- a request that changes something comes from our own page: it brings a secret that only our page
  can read (against cross-site request forgery), and its Origin and Sec-Fetch-Site are ours.
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
    """The parts of a request that decide; "" where a part is missing."""

    method: str
    host: str
    origin: str = ""
    site: str = ""  # Sec-Fetch-Site
    cookie: str = ""  # the value of our cookie
    authorization: str = ""
    word: str = ""


class Refusal(NamedTuple):
    """The status and the reason of an answer that refuses."""

    status: HTTPStatus
    reason: str


class Access:
    """The access rules of one page."""

    def __init__(self, host: str, port: int, token: str, names: tuple[str, ...] = ()) -> None:
        """`host`, `port`: where the page listens; `names`: other names of this machine."""
        self._names = {host.lower(), "localhost", *(name.lower() for name in names)}
        self._token = token
        self.cookie_name = f"fetcher_page_{port}"  # a host's ports share their cookies
        self.word = secrets.token_urlsafe(24)  # only our own page can read it

    @property
    def cookie(self) -> str:
        """The value that the browser keeps; the token cannot be derived from it."""
        return hmac.new(self._token.encode(), b"fetcher live page", "sha256").hexdigest()

    def is_token(self, given: str) -> bool:
        """Whether this is the token; False where none is set."""
        return bool(self._token) and _same(given, self._token)

    def refuse_place(self, request: Request) -> Refusal | None:
        """Refuse a request for another host, and a change that another site asks for."""
        name = host_in_header(request.host)
        if name not in self._names and not _is_address(name):
            return Refusal(HTTPStatus.FORBIDDEN, "this is not the host that you ask for")
        if request.method not in ("GET", "HEAD") and (
            request.site not in ("", "same-origin")
            or (request.origin and request.origin.partition("://")[2] != request.host)
        ):
            return Refusal(HTTPStatus.FORBIDDEN, "another page may not ask for this")
        return None

    def refuse(self, request: Request) -> Refusal | None:
        """Why the request is refused; None: it is answered."""
        refusal = self.refuse_place(request)
        if refusal is not None:
            return refusal
        if self._token and not self._has_token(request):
            return Refusal(HTTPStatus.UNAUTHORIZED, "the token of monitor.token is wanted")
        if request.method not in ("GET", "HEAD") and not _same(request.word, self.word):
            return Refusal(HTTPStatus.FORBIDDEN, f"{WORD_HEADER} is wanted, as the page has it")
        return None

    def _has_token(self, request: Request) -> bool:
        scheme, _, given = request.authorization.partition(" ")
        bears = scheme.lower() == "bearer" and self.is_token(given.strip())
        return bears or _same(request.cookie, self.cookie)


def host_in_header(header: str) -> str:
    """The host in a Host header, without its port, in lower case."""
    if header.startswith("["):
        return header[1:].partition("]")[0].lower()
    return header.partition(":")[0].lower()


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach a socket that listens there."""
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
