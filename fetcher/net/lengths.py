"""How long a body is, where libcurl does not look at its Content-Length.

Law: pure. Beside a Transfer-Encoding libcurl waits for the end of the connection, as the standard
says. Servers that send `identity`, or nothing, there keep the connection; browsers count.
"""

from __future__ import annotations

from typing import Final

from fetcher.net.header_text import Headers

_MAX_DIGITS: Final = 18
_BODILESS: Final = (204, 304)


def length_to_count(method: str, status: int, headers: Headers) -> int | None:
    """The bytes after which the body has ended; None where libcurl knows its end."""
    encoding = _values(headers, "transfer-encoding")
    if encoding is None or "chunked" in encoding or method == "HEAD" or status in _BODILESS:
        return None
    length = _values(headers, "content-length") or ""
    is_number = length.isascii() and length.isdecimal() and len(length) <= _MAX_DIGITS
    return int(length) if is_number else None


def _values(headers: Headers, name: str) -> str | None:
    """All of that name, joined, in lower case; None for none."""
    size = len(name)
    values = [value for key, value in headers if len(key) == size and key.lower() == name]
    return ", ".join(values).lower() if values else None
