"""Reads from a head how long the body is, where libcurl does not notice the body's end.

Pure. If there is a Transfer-Encoding, libcurl ignores the Content-Length and waits for the end of
the connection, as the standard says. But servers that send `Transfer-Encoding: identity`, or an
empty one, keep the connection open. Browsers count the bytes; so do we. libcurl also ignores a
Content-Length of more than 63 bits, whose body is never whole.
"""

from __future__ import annotations

from typing import Final

from fetcher.error_kinds import ErrorKind
from fetcher.fetch.failures import Failure
from fetcher.fetch.header_text import Headers, values_of

_MAX_DIGITS: Final = 30  # longer numbers count as the largest number of so many digits
_MAX_OF_LIBCURL: Final = 2**63 - 1
_SHORT_DIGITS: Final = 18  # of numbers that are surely not larger
_LENGTH: Final = "content-length"
_CODING: Final = "transfer-encoding"
_BODILESS: Final = (204, 304)


def declared_length(method: str, status: int, notable: Headers) -> int | None:
    """The body's bytes by its head; None if the head does not say, or if the body is chunked.

    `notable`: the head's notable headers, see fetch.transfer.head.Head.
    Raises Failure for lengths that differ, if libcurl does not see it.
    """
    if method == "HEAD" or status in _BODILESS:
        return 0
    if "chunked" in (_values(notable, _CODING) or ""):
        return None
    given = _values(notable, _LENGTH)
    if given is None:
        return None
    lengths = {_number(text.strip()) for text in given.split(",")}
    if len(lengths) == 1:
        return lengths.pop()
    if any(length is not None and length > _MAX_OF_LIBCURL for length in lengths):
        raise Failure(ErrorKind.PROTOCOL_BAD_LENGTH, "malformed or contradictory Content-Length")
    return None


def length_to_count(method: str, status: int, notable: Headers, last: dict[str, str]) -> int | None:
    """The declared length if we must end the body there; None where libcurl does it.

    `last`: see Head, too. Raises Failure as `declared_length` does.
    """
    if method == "HEAD" or status in _BODILESS:
        return None
    given = last.get(_LENGTH, "")
    is_readable = len(given) <= _SHORT_DIGITS and "," not in given
    if is_readable and _CODING not in last and len(last) == len(notable):
        return None  # libcurl reads the length of nearly all answers itself
    length = declared_length(method, status, notable)
    if length is None or length > _MAX_OF_LIBCURL:
        return length
    return None if _values(notable, _CODING) is None else length


def _number(text: str) -> int | None:
    """The number of a Content-Length; None if it is not one."""
    if not (text.isascii() and text.isdecimal()):
        return None
    digits = text.lstrip("0") or "0"
    return int(digits) if len(digits) <= _MAX_DIGITS else 10**_MAX_DIGITS - 1


def _values(notable: Headers, name: str) -> str | None:
    """The values of all headers of that name, joined, in lower case; None without one."""
    values = values_of(notable, name)
    return ", ".join(values).lower() if values else None
