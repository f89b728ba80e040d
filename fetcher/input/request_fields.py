"""What a line may say of its request beside the URL: method, headers, body, id.

Law: each check returns the value or raises Unfit with one clear text that names the key. What
belongs to the connection (host, lengths, framing) is the transport's alone and refused here, so
that no line can make a request that says two things at once.
"""

from __future__ import annotations

import base64
import binascii
import re
from typing import Any, Final

from fetcher.error_kinds import ErrorKind
from fetcher.model import Fault

_TOKEN: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]")
_MAX_METHOD: Final = 32
_MAX_RAW: Final = 2000  # characters of a line that is no record, given as its row's URL
_MAX_SHOWN: Final = 40  # characters of a wrong name
_TUNNEL: Final = "CONNECT"
_BODILESS: Final = frozenset({"GET", "HEAD"})
# Of the connection, not of the request: set by the transport, or forbidden in HTTP/2.
_OWNED: Final = frozenset(
    {"host", "content-length", "transfer-encoding", "connection", "keep-alive", "upgrade"}
    | {"te", "trailer", "proxy-connection", "proxy-authorization"}
)
_INTEGERS: Final = range(-(1 << 63), 1 << 64)  # what JSON readers elsewhere can hold

Headers = tuple[tuple[str, str], ...]


class Unfit(Exception):
    """A line cannot be made a request; `str()` says why, `fault` also for programs."""

    def __init__(self, words: str, kind: ErrorKind = ErrorKind.LINE_FIELD) -> None:
        super().__init__(words)
        self.kind = kind

    @property
    def fault(self) -> Fault:
        return self.kind.fault(str(self))


def method(value: Any) -> str:
    """The method in upper case."""
    if not isinstance(value, str):
        raise Unfit("method: must be a text")
    if not _TOKEN.fullmatch(value) or len(value) > _MAX_METHOD:
        raise Unfit(f"method: {_shown(value)} is not an HTTP method")
    if value.upper() == _TUNNEL:
        raise Unfit("method: CONNECT makes a tunnel and fetches nothing")
    return value.upper()


def headers(value: Any) -> Headers:
    """The headers of `{name: value}` or `[[name, value], …]`, in order."""
    if isinstance(value, dict):
        return tuple(_header(name, text) for name, text in value.items())
    if not isinstance(value, list):
        raise Unfit("headers: must be an object or a list of [name, value]")
    for pair in value:
        if not isinstance(pair, list) or len(pair) != 2:
            raise Unfit("headers: each must be a pair [name, value]")
    return tuple(_header(name, text) for name, text in value)


def _header(name: Any, value: Any) -> tuple[str, str]:
    if not isinstance(name, str) or not isinstance(value, str):
        raise Unfit("headers: names and values must be texts")
    if not _TOKEN.fullmatch(name):
        raise Unfit(f"headers: {_shown(name)} is not a header name")
    if name.lower() in _OWNED:
        raise Unfit(f"headers: {name} is set by the fetcher and cannot be given")
    control = _CONTROL.search(value)
    if control:
        raise Unfit(f"headers: {_shown(name)} holds a control character 0x{ord(control[0]):02x}")
    return name, value.strip(" ")


def body(value: Any, of_method: str) -> bytes | None:
    """The body's bytes, of a text or of `{"base64": text}`; an empty one of a GET is none."""
    content = _body_bytes(value)
    if of_method not in _BODILESS:
        return content
    if content:
        raise Unfit(f'body: a {of_method} request has no body; give a method such as "POST"')
    return None


def _body_bytes(value: Any) -> bytes:
    if isinstance(value, str):
        return value.encode("utf-8")
    coded = value.get("base64") if isinstance(value, dict) and len(value) == 1 else None
    if not isinstance(coded, str):
        raise Unfit('body: must be a text or {"base64": text}')
    try:
        return base64.b64decode(coded, validate=True)
    except (binascii.Error, ValueError) as error:
        raise Unfit("body: is not valid base64") from error


def name(value: Any) -> str | int:
    """The line's id."""
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise Unfit("id: must be a text or a whole number")
    if isinstance(value, int) and value not in _INTEGERS:
        raise Unfit("id: the number has more than 64 bits")
    return value


def raw(text: str) -> str:
    """What stands for the URL of a line that cannot be read as a record."""
    return text[:_MAX_RAW]


def _shown(text: str) -> str:
    return repr(text if len(text) <= _MAX_SHOWN else text[: _MAX_SHOWN - 1] + "…")
