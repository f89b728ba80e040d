"""Parses the head of a response into a status and headers.

Text is read as latin-1, as in http.client, so no byte is an error and each can be sent back as it
came (see fetch.header_text). Names and values stay as they were sent, in their order, repeated
names included. Most servers repeat most of their lines: short ones are parsed once and remembered.
"""

from __future__ import annotations

import functools
import operator
import re
from collections.abc import Callable
from typing import Final

import msgspec

from fetcher.error_kinds import ErrorKind
from fetcher.fetch.failures import Failure
from fetcher.fetch.header_text import Headers

_STATUS_LINE: Final = re.compile(rb"HTTP/(\d(?:\.\d)?)\s+([1-9]\d\d)(?!\d) ?([^\r\n]*)")
# In lower case: the headers that say what the body is, where it ends, and where a redirect leads.
_NOTABLE: Final = frozenset(
    {"content-type", "content-encoding", "content-length", "transfer-encoding", "location"}
)
_SHORT_BYTES: Final = 128  # lines up to this length are remembered
_MOST_KNOWN: Final = 4096
_MOST_KNOWN_STATUS_LINES: Final = 256
# Around a name or value. Not all that `str.strip` takes: a byte of UTF-8 may look like a space.
_SPACE: Final = " \t\r\n"
_Field = tuple[str, str]


class Head(msgspec.Struct, gc=False):
    """A parsed head.

    `notable`: the few headers that we act on, with names in lower case; `last`: the last of each.
    """

    status: int
    reason: str
    version: str | None  # of HTTP
    headers: Headers
    notable: Headers
    last: dict[str, str]
    is_ascii: bool  # all of it


NO_HEAD: Final = Head(0, "", None, [], [], {}, True)


class _Known(dict[bytes, _Field | None]):
    """Line -> what `parse` makes of it, called when the line is first looked up."""

    def __init__(self, parse: Callable[[bytes], _Field | None]) -> None:
        super().__init__()
        self._parse = parse

    def __missing__(self, line: bytes) -> _Field | None:
        field = self._parse(line)
        if len(line) <= _SHORT_BYTES:
            if len(self) >= _MOST_KNOWN:
                self.clear()  # cheaper than to note for each line when it was used last
            self[line] = field
        return field


def _field(line: bytes) -> _Field | None:
    name, colon, value = line.decode("latin-1").partition(":")
    if not colon or line[0] in b" \t":
        return None
    return name.rstrip(_SPACE), value.strip(_SPACE)


def _notable(line: bytes) -> _Field | None:
    field = _known[line]
    name = "" if field is None else field[0].lower()
    return (name, field[1]) if field and name in _NOTABLE else None


_known: Final = _Known(_field)
_known_notable: Final = _Known(_notable)


def parse_head(lines: list[bytes]) -> Head:
    """Parse the lines of a head, which have their line ends. Raises Failure."""
    first = lines[0] if lines else b""
    parse = _known_status if len(first) <= _SHORT_BYTES else _status_of
    status, reason, version = parse(first)
    headers, notable = _fields(lines[1:])
    is_ascii = b"".join(lines).isascii()
    return Head(status, reason, version, headers, notable, dict(notable), is_ascii)


def _status_of(line: bytes) -> tuple[int, str, str]:
    match = _STATUS_LINE.match(line)
    if match is None:
        said = ascii(line.decode("latin-1").strip())[:80] if line else "none"
        raise Failure(ErrorKind.PROTOCOL_BAD_HEAD, f"malformed status line: {said}")
    return int(match[2]), match[3].decode("latin-1"), match[1].decode("ascii")


_known_status: Final = functools.lru_cache(_MOST_KNOWN_STATUS_LINES)(_status_of)


def _fields(lines: list[bytes]) -> tuple[Headers, Headers]:
    """The headers of these lines, and the notable ones."""
    if len(lines) > 1:
        fields_in = operator.itemgetter(*lines)  # a loop in C
        headers = fields_in(_known)
        if all(headers):
            return list(headers), list(filter(None, fields_in(_known_notable)))
    unfolded = _unfolded(lines)
    return unfolded, notable_of(unfolded)


def notable_of(headers: Headers) -> Headers:
    """See Head."""
    return [(low, value) for name, value in headers if (low := name.lower()) in _NOTABLE]


def _unfolded(lines: list[bytes]) -> Headers:
    headers: Headers = []
    for line in lines:
        field = _known[line]
        if field is not None:
            headers.append(field)
        elif line[0] in b" \t" and headers:  # a folded line, which is obsolete
            last, begun = headers[-1]
            headers[-1] = last, f"{begun} {line.decode('latin-1').strip(_SPACE)}"
    return headers
