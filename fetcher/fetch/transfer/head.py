"""Parses the head of a response into a status and headers.

Text is read as latin-1, as in http.client, so no byte is an error and each can be sent back as it
came (see fetch.header_text). Names and values stay as they were sent, in their order, repeated
names included.
"""

from __future__ import annotations

import re
from typing import Final, cast

import msgspec

from fetcher.error_kinds import ErrorKind
from fetcher.fetch.failures import Failure
from fetcher.fetch.header_text import Headers

_STATUS_LINE: Final = re.compile(rb"HTTP/\d(?:\.\d)?\s+([1-9]\d\d)(?!\d) ?([^\r\n]*)")
# In lower case: the headers that say what the body is, where it ends, and where a redirect leads.
_NOTABLE: Final = frozenset(
    {"content-type", "content-encoding", "content-length", "transfer-encoding", "location"}
)
# Most servers repeat most of their lines: parsed lines up to this length are remembered.
_SHORT_BYTES: Final = 128
_MOST_KNOWN: Final = 4096
_KNOWN: Final[dict[bytes, tuple[str, str]]] = {}


class Head(msgspec.Struct, gc=False):
    """A parsed head; `notable`: the few headers that we act on, with names in lower case."""

    status: int
    reason: str
    headers: Headers
    notable: Headers
    is_ascii: bool  # all of it


NO_HEAD: Final = Head(0, "", [], [], True)


def parse_head(lines: list[bytes]) -> Head:
    """Parse the lines of a head, which have their line ends. Raises Failure."""
    match = _STATUS_LINE.match(lines[0]) if lines else None
    if match is None:
        said = ascii(lines[0].decode("latin-1").strip())[:80] if lines else "none"
        raise Failure(ErrorKind.PROTOCOL_BAD_HEAD, f"malformed status line: {said}")
    known = [_KNOWN.get(line) for line in lines[1:]]
    headers = _parsed(lines[1:]) if None in known else cast("Headers", known)
    return Head(
        int(match[1]),
        match[2].decode("latin-1"),
        headers,
        notable_of(headers),
        b"".join(lines).isascii(),
    )


def notable_of(headers: Headers) -> Headers:
    """See Head."""
    return [(low, value) for name, value in headers if (low := name.lower()) in _NOTABLE]


def _parsed(lines: list[bytes]) -> Headers:
    headers: Headers = []
    for line in lines:
        field = _KNOWN.get(line) or _field(line)
        if field is not None:
            headers.append(field)
            if len(line) <= _SHORT_BYTES:
                _remember(line, field)
        elif line[0] in b" \t" and headers:  # a folded line, which is obsolete
            last, begun = headers[-1]
            headers[-1] = last, f"{begun} {line.decode('latin-1').strip()}"
    return headers


def _remember(line: bytes, field: tuple[str, str]) -> None:
    if len(_KNOWN) >= _MOST_KNOWN:
        _KNOWN.clear()  # cheaper than to note for each line when it was used last
    _KNOWN[line] = field


def _field(line: bytes) -> tuple[str, str] | None:
    name, colon, value = line.decode("latin-1").partition(":")
    if not colon or line[0] in b" \t":
        return None
    return name.rstrip(), value.strip()
