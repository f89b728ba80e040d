"""Checks the fields that a line may give: method, headers, body, id and route.

Each check returns the value, or raises LineError with one sentence that names the key. Headers that
describe the connection (host, lengths, framing) are refused: the transport sets them, and a line
must not contradict them.
"""

from __future__ import annotations

import base64
import binascii
import re
from typing import Any, Final

from fetcher.error_kinds import ErrorKind
from fetcher.humanize import shortened
from fetcher.model import Fault

_TOKEN: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]")
_MAX_METHOD: Final = 32
MAX_ROUTE_CHARS: Final = 200
_MAX_RAW: Final = 2000  # characters of an unreadable line that stand for its URL in the row
_MAX_SHOWN: Final = 40  # characters of a wrong name
_TUNNEL: Final = "CONNECT"
BODILESS: Final = frozenset({"GET", "HEAD"})
# They describe the connection: set by the transport, or forbidden in HTTP/2.
_OWNED: Final = frozenset(
    {"host", "content-length", "transfer-encoding", "connection", "keep-alive", "upgrade"}
    | {"te", "trailer", "proxy-connection", "proxy-authorization"}
)
_INTEGERS: Final = range(-(1 << 63), 1 << 64)  # integers that other JSON readers can hold

Headers = tuple[tuple[str, str], ...]


class LineError(Exception):
    """A line is not a valid request; `str()` says why in words, `fault` also for programs."""

    def __init__(self, words: str, kind: ErrorKind = ErrorKind.LINE_FIELD) -> None:
        super().__init__(words)
        self.kind = kind

    @property
    def fault(self) -> Fault:
        return self.kind.fault(str(self))


def method(value: Any) -> str:
    """The method in upper case."""
    if not isinstance(value, str):
        raise LineError("method: must be a text")
    if not _TOKEN.fullmatch(value) or len(value) > _MAX_METHOD:
        raise LineError(f"method: {_shown(value)} is not an HTTP method")
    if value.upper() == _TUNNEL:
        raise LineError("method: CONNECT makes a tunnel and fetches nothing")
    return value.upper()


def headers(value: Any) -> Headers:
    """The headers of `{name: value}` or `[[name, value], …]`, in order."""
    if isinstance(value, dict):
        return tuple(_header(name, text) for name, text in value.items())
    if not isinstance(value, list):
        raise LineError("headers: must be an object or a list of [name, value]")
    for pair in value:
        if not isinstance(pair, list) or len(pair) != 2:
            raise LineError("headers: each must be a pair [name, value]")
    return tuple(_header(name, text) for name, text in value)


def _header(name: Any, value: Any) -> tuple[str, str]:
    if not isinstance(name, str) or not isinstance(value, str):
        raise LineError("headers: names and values must be texts")
    if not _TOKEN.fullmatch(name):
        raise LineError(f"headers: {_shown(name)} is not a header name")
    if name.lower() in _OWNED:
        raise LineError(f"headers: {name} is set by the fetcher and cannot be given")
    control = _CONTROL.search(value)
    if control:
        raise LineError(
            f"headers: {_shown(name)} holds a control character 0x{ord(control[0]):02x}"
        )
    return name, value.strip(" ")


def body(value: Any, of_method: str) -> bytes | None:
    """The body's bytes, of a text or of `{"base64": text}`; an empty one of a GET is none."""
    content = _body_bytes(value)
    if of_method not in BODILESS:
        return content
    if content:
        raise LineError(f'body: a {of_method} request has no body; give a method such as "POST"')
    return None


def _body_bytes(value: Any) -> bytes:
    if isinstance(value, str):
        return value.encode("utf-8")
    coded = value.get("base64") if isinstance(value, dict) and len(value) == 1 else None
    if not isinstance(coded, str):
        raise LineError('body: must be a text or {"base64": text}')
    try:
        return base64.b64decode(coded, validate=True)
    except (binascii.Error, ValueError) as error:
        raise LineError("body: is not valid base64") from error


def name(value: Any) -> str | int:
    """The line's id, checked."""
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise LineError("id: must be a text or a whole number")
    if isinstance(value, int) and value not in _INTEGERS:
        raise LineError("id: the number has more than 64 bits")
    return value


def route(value: Any) -> str:
    """The name of the line's route, checked; "": it names none."""
    if not isinstance(value, str) or len(value) > MAX_ROUTE_CHARS:
        raise LineError(f"route: must be a text of at most {MAX_ROUTE_CHARS} characters")
    return value


def raw(text: str) -> str:
    """The text that stands for the URL of a line that is not a readable record."""
    return text[:_MAX_RAW]


def _shown(text: str) -> str:
    return repr(shortened(text, _MAX_SHOWN))
