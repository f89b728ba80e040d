"""Parses the head of a response into a status and headers.

Text is read as latin-1, as in http.client, so no byte is an error and each can be sent back as it
came (see fetch.header_text). Names and values stay as they were sent, in their order, repeated
names included.
"""

from __future__ import annotations

import re
from typing import Final

import msgspec

from fetcher.error_kinds import ErrorKind
from fetcher.fetch.failures import Failure
from fetcher.fetch.header_text import Headers

_STATUS_LINE: Final = re.compile(rb"HTTP/\d(?:\.\d)?\s+([1-9]\d\d)(?!\d) ?([^\r\n]*)")
# In lower case: the headers that say what the body is, where it ends, and where a redirect leads.
_NOTABLE: Final = frozenset(
    {"content-type", "content-encoding", "content-length", "transfer-encoding", "location"}
)
_Field = tuple[str, str]
# Most servers repeat most of their lines: parsed lines up to this length are remembered, each as
# its header, and as its notable header if it is one.
_SHORT_BYTES: Final = 128
_MOST_KNOWN: Final = 4096
_KNOWN: Final[dict[bytes, tuple[_Field, _Field | None]]] = {}


class Head(msgspec.Struct, gc=False):
    """A parsed head.

    `notable`: the few headers that we act on, with names in lower case; `last`: the last of each.
    """

    status: int
    reason: str
    headers: Headers
    notable: Headers
    last: dict[str, str]
    is_ascii: bool  # all of it


NO_HEAD: Final = Head(0, "", [], [], {}, True)


def parse_head(lines: list[bytes]) -> Head:
    """Parse the lines of a head, which have their line ends. Raises Failure."""
    match = _STATUS_LINE.match(lines[0]) if lines else None
    if match is None:
        said = ascii(lines[0].decode("latin-1").strip())[:80] if lines else "none"
        raise Failure(ErrorKind.PROTOCOL_BAD_HEAD, f"malformed status line: {said}")
    headers, notable = _fields(lines[1:])
    return Head(
        int(match[1]),
        match[2].decode("latin-1"),
        headers,
        notable,
        dict(notable),
        b"".join(lines).isascii(),
    )


def _fields(lines: list[bytes]) -> tuple[Headers, Headers]:
    """All headers, and the notable ones."""
    # Loops in C: a loop in Python over all lines takes 5 % of what a worker does for a URL.
    known = list(filter(None, map(_KNOWN.get, lines)))
    if known and len(known) == len(lines):
        headers, notable = zip(*known, strict=True)
        return list(headers), list(filter(None, notable))
    parsed = _parsed(lines)
    return parsed, notable_of(parsed)


def notable_of(headers: Headers) -> Headers:
    """See Head."""
    return list(filter(None, map(_notable, headers)))


def _notable(field: _Field) -> _Field | None:
    low = field[0].lower()
    return (low, field[1]) if low in _NOTABLE else None


def _parsed(lines: list[bytes]) -> Headers:
    headers: Headers = []
    for line in lines:
        known = _KNOWN.get(line)
        field = known[0] if known else _field(line)
        if field is not None:
            headers.append(field)
            if known is None and len(line) <= _SHORT_BYTES:
                _remember(line, field)
        elif line[0] in b" \t" and headers:  # a folded line, which is obsolete
            last, begun = headers[-1]
            headers[-1] = last, f"{begun} {line.decode('latin-1').strip()}"
    return headers


def _remember(line: bytes, field: _Field) -> None:
    if len(_KNOWN) >= _MOST_KNOWN:
        _KNOWN.clear()  # cheaper than to note for each line when it was used last
    _KNOWN[line] = field, _notable(field)


def _field(line: bytes) -> _Field | None:
    name, colon, value = line.decode("latin-1").partition(":")
    if not colon or line[0] in b" \t":
        return None
    return name.rstrip(), value.strip()
