"""Reads from a head how long the body is, where libcurl does not notice the body's end.

Pure. If there is a Transfer-Encoding, libcurl ignores the Content-Length and waits for the end of
the connection, as the standard says. But servers that send `Transfer-Encoding: identity`, or an
empty one, keep the connection open. Browsers count the bytes; so do we.
"""

from __future__ import annotations

from typing import Final

from fetcher.fetch.http.header_text import Headers

_MAX_DIGITS: Final = 18
_BODILESS: Final = (204, 304)


def declared_length(method: str, status: int, headers: Headers) -> int | None:
    """The body's bytes by its head; None if the head does not say, or if the body is chunked."""
    if method == "HEAD" or status in _BODILESS:
        return 0
    if "chunked" in (_values(headers, "transfer-encoding") or ""):
        return None
    length = _values(headers, "content-length") or ""
    is_number = length.isascii() and length.isdecimal() and len(length) <= _MAX_DIGITS
    return int(length) if is_number else None


def length_to_count(method: str, status: int, headers: Headers) -> int | None:
    """The declared length if we must end the body there; None where libcurl does it."""
    if _values(headers, "transfer-encoding") is None or method == "HEAD" or status in _BODILESS:
        return None
    return declared_length(method, status, headers)


def _values(headers: Headers, name: str) -> str | None:
    """The values of all headers of that name, joined, in lower case; None without one."""
    size = len(name)
    values = [value for key, value in headers if len(key) == size and key.lower() == name]
    return ", ".join(values).lower() if values else None
