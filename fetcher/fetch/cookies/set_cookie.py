"""Parses Set-Cookie headers by the algorithms of RFC 6265.

Pure: time is an argument, and nothing raises. Where the RFC ignores an attribute, the cookie is
kept without it; where the RFC ignores the cookie, the result is None. Text is wire text
(fetch.header_text). https://www.rfc-editor.org/rfc/rfc6265#section-5
"""

from __future__ import annotations

import datetime
import re
from typing import Final, NamedTuple

_MAX_BYTES: Final = 8192  # a longer Set-Cookie is ignored, as browsers do (from 4096 on)
_CONTROL: Final = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_SPACE: Final = " \t"
_DELIMITERS: Final = re.compile(r"[\t\x20-\x2f\x3b-\x40\x5b-\x60\x7b-\x7e]+")
_TIME: Final = re.compile(r"([0-9]{1,2}):([0-9]{1,2}):([0-9]{1,2})(?![0-9])")
_DAY: Final = re.compile(r"([0-9]{1,2})(?![0-9])")
_YEAR: Final = re.compile(r"([0-9]{2,4})(?![0-9])")
_MONTHS: Final = {
    name: number
    for number, name in enumerate(
        ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"), 1
    )
}
_FIRST_YEAR: Final = 1601
_MAX_AGE: Final = re.compile(r"-?[0-9]+")
_MAX_DIGITS: Final = 12  # of a Max-Age; with more, it never ends
_FOR_EVER_S: Final = 1e11


class SetCookie(NamedTuple):
    """A cookie as its server describes it."""

    name: str
    value: str
    expires: float | None  # Unix time, seconds; None: at the end of the session
    domain: str  # in lower case, without a leading dot; "" where there is none
    path: str | None  # None: that of the request's URL
    secure: bool


def parse(text: str, now: float) -> SetCookie | None:
    """Parse a Set-Cookie's value (section 5.2); None where the cookie is to be ignored."""
    if len(text) > _MAX_BYTES or _CONTROL.search(text):
        return None
    pair, *attributes = text.split(";")
    name, equals, value = pair.partition("=")
    name = name.strip(_SPACE)
    if not equals or not name:
        return None
    max_age = expires = path = None
    domain, secure = "", False
    for attribute in attributes:
        key, _, content = attribute.partition("=")
        content = content.strip(_SPACE)
        # If an attribute is there twice, the last valid one holds.
        match key.strip(_SPACE).lower():
            case "expires":
                expires = _first(parse_date(content), expires)
            case "max-age":
                max_age = _first(_end_of(content, now), max_age)
            case "domain" if content:
                domain = _lower(content.removeprefix("."))
            case "path":
                path = content if content.startswith("/") else None
            case "secure":
                secure = True
    return SetCookie(name, value.strip(_SPACE), _first(max_age, expires), domain, path, secure)


def _lower(wire_text: str) -> str:
    """ASCII letters in lower case; bytes of other letters stay as they are."""
    return wire_text.encode("latin-1").lower().decode("latin-1")


def _first(one: float | None, other: float | None) -> float | None:
    return other if one is None else one


def _end_of(max_age: str, now: float) -> float | None:
    """When a Max-Age ends, Unix time (5.2.2); None where it is to be ignored."""
    if not _MAX_AGE.fullmatch(max_age):
        return None
    if len(max_age) > _MAX_DIGITS:
        return 0.0 if max_age.startswith("-") else _FOR_EVER_S
    age_s = int(max_age)
    return now + age_s if age_s > 0 else 0.0


def parse_date(text: str) -> float | None:
    """Parse a date in any form that servers send (5.1.1) to Unix time; None if it is not a date."""
    clock = day = month = year = None
    for token in _DELIMITERS.split(text):
        if clock is None and (found := _TIME.match(token)):
            clock = [int(part) for part in found.groups()]
        elif day is None and (found := _DAY.match(token)):
            day = int(found[1])
        elif month is None and token[:3].lower() in _MONTHS:
            month = _MONTHS[token[:3].lower()]
        elif year is None and (found := _YEAR.match(token)):
            year = _full_year(int(found[1]))
    if clock is None or day is None or month is None or year is None or year < _FIRST_YEAR:
        return None
    hour, minute, second = clock
    try:
        at = datetime.datetime(year, month, day, hour, minute, second, tzinfo=datetime.UTC)
    except ValueError:
        return None
    return at.timestamp()


def _full_year(year: int) -> int:
    if 70 <= year <= 99:
        return year + 1900
    return year + 2000 if year <= 69 else year


def default_path(url_path: str) -> str:
    """The path of a cookie that names none (5.1.4)."""
    if not url_path.startswith("/"):
        return "/"
    return url_path[: url_path.rindex("/")] or "/"


def path_matches(url_path: str, cookie_path: str) -> bool:
    """Whether a cookie with this path is sent with a request for that path (5.1.4)."""
    if not url_path.startswith(cookie_path):
        return False
    rest = url_path[len(cookie_path) :]
    return not rest or cookie_path.endswith("/") or rest.startswith("/")


def domain_matches(host: str, domain: str) -> bool:
    """Whether the host is this domain or one of its subdomains (5.1.3)."""
    return host == domain or (host.endswith(f".{domain}") and not is_address(host))


def is_address(host: str) -> bool:
    """Whether a host is an IP address; a top-level domain is never a number."""
    return ":" in host or host.rpartition(".")[2].isdigit()
