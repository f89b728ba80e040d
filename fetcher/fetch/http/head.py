"""Parses the head of a response into a status and headers.

Text is read as latin-1, as in http.client, so no byte is an error and each can be sent back as it
came (see fetch.http.header_text). Names and values stay as they were sent, in their order, repeated
names included.
"""

from __future__ import annotations

import functools
import re
from typing import Final

from fetcher.error_kinds import ErrorKind
from fetcher.fetch.failures import Failure
from fetcher.fetch.http.header_text import Headers

_STATUS_LINE: Final = re.compile(rb"HTTP/\d(?:\.\d)?\s+([1-9]\d\d)(?!\d) ?([^\r\n]*)")
_SHORT: Final = 128  # bytes of a line that is worth remembering: most servers repeat most of theirs


def parse_head(lines: list[bytes]) -> tuple[int, str, Headers]:
    """Parse status, reason and headers from lines with their line ends. Raises Failure."""
    match = _STATUS_LINE.match(lines[0]) if lines else None
    if match is None:
        said = ascii(lines[0].decode("latin-1").strip())[:80] if lines else "none"
        raise Failure(ErrorKind.PROTOCOL_BAD_HEAD, f"malformed status line: {said}")
    headers: Headers = []
    for line in lines[1:]:
        field = _known(line) if len(line) <= _SHORT else _field(line)
        if field is not None:
            headers.append(field)
        elif line[0] in b" \t" and headers:  # a folded line, which is obsolete
            last, begun = headers[-1]
            headers[-1] = last, f"{begun} {line.decode('latin-1').strip()}"
    return int(match[1]), match[2].decode("latin-1"), headers


def _field(line: bytes) -> tuple[str, str] | None:
    name, colon, value = line.decode("latin-1").partition(":")
    if not colon or line[0] in b" \t":
        return None
    return name.rstrip(), value.strip()


_known: Final = functools.lru_cache(maxsize=4096)(_field)
