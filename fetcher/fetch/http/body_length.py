"""How long a body is by its head, where libcurl does not say when it has come as a whole.

Law: pure. Beside a Transfer-Encoding libcurl does not look at a Content-Length and waits for the
end of the connection, as the standard says. Servers that send `identity`, or nothing, there keep
the connection; browsers count.
"""

from __future__ import annotations

from typing import Final

from fetcher.fetch.http.header_text import Headers

_MAX_DIGITS: Final = 18
_BODILESS: Final = (204, 304)


def declared_length(method: str, status: int, headers: Headers) -> int | None:
    """The bytes of the body as its head says; None where it does not, or chunks do."""
    if method == "HEAD" or status in _BODILESS:
        return 0
    if "chunked" in (_values(headers, "transfer-encoding") or ""):
        return None
    length = _values(headers, "content-length") or ""
    is_number = length.isascii() and length.isdecimal() and len(length) <= _MAX_DIGITS
    return int(length) if is_number else None


def length_to_count(method: str, status: int, headers: Headers) -> int | None:
    """The same where it is for us to end the body there; None where libcurl does."""
    if _values(headers, "transfer-encoding") is None or method == "HEAD" or status in _BODILESS:
        return None
    return declared_length(method, status, headers)


def _values(headers: Headers, name: str) -> str | None:
    """All of that name, joined, in lower case; None for none."""
    size = len(name)
    values = [value for key, value in headers if len(key) == size and key.lower() == name]
    return ", ".join(values).lower() if values else None
