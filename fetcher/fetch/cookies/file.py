"""Reads a file of cookies in the browsers' cookies.txt format.

A line that is not a cookie raises a ConfigError with the file and the line. The standard library's
MozillaCookieJar does not read what browsers' extensions write: it demands a first line, refuses a
domain whose dot and flag differ, takes the expiry 0 of session cookies for the past, decodes by the
machine's locale, and puts the cookie itself into its error, without a line number.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from fetcher.errors import ConfigError
from fetcher.fetch.cookies.jar import Cookie, Cookies
from fetcher.fetch.cookies.set_cookie import is_address
from fetcher.fetch.header_text import to_wire

_HTTP_ONLY: Final = "#HttpOnly_"  # in front of the domain, as curl and browsers write it
_FIELDS: Final = 7  # domain, with subdomains, path, secure, expires, name, value
_BOOLEANS: Final = {"TRUE": True, "FALSE": False}
_CONTROL: Final = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_DOMAIN: Final = re.compile(r"[\w.:\[\]-]+")


def load(path: Path) -> Cookies:
    """Read the cookies of the file. Raises ConfigError."""
    try:
        text = path.read_text("utf-8-sig")
    except OSError as error:
        raise ConfigError(f"http.cookies_file: {path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ConfigError(
            f"http.cookies_file: {path}: not valid UTF-8 (at byte {error.start})"
        ) from error
    return Cookies(_parsed(path, text))


def _parsed(path: Path, text: str) -> Iterator[Cookie]:
    for number, record in enumerate(text.split("\n"), 1):
        is_comment = record.startswith(("#", "$")) and not record.startswith(_HTTP_ONLY)
        if is_comment or not record.strip():
            continue
        try:
            yield _cookie(record)
        except ValueError as error:
            raise ConfigError(f"http.cookies_file: {path}, line {number}: {error}") from error


def _cookie(record: str) -> Cookie:
    """Parse the cookie of a line. Raises ValueError."""
    fields = record.removeprefix(_HTTP_ONLY).split("\t")
    if len(fields) != _FIELDS:
        raise ValueError(f"{len(fields)} fields between tabs, a cookie has {_FIELDS}")
    if _CONTROL.search(record):
        raise ValueError("a control character")
    domain, subdomains, path, secure, expires, name, value = fields
    for field in (subdomains, secure):
        if field.upper() not in _BOOLEANS:
            raise ValueError(f"{field[:20]!r} is neither TRUE nor FALSE")
    if not path.startswith("/"):
        raise ValueError(f"the path {path[:20]!r} does not begin with /")
    bare = _domain(domain)
    for_subdomains = _BOOLEANS[subdomains.upper()] or domain.startswith(".")
    return Cookie(
        to_wire(name),
        to_wire(value),
        bare,
        not for_subdomains or "." not in bare or is_address(bare),
        to_wire(path),
        _BOOLEANS[secure.upper()],
        _expires(expires),
    )


def _domain(text: str) -> str:
    bare = text.lower().lstrip(".")
    if not bare or not _DOMAIN.fullmatch(bare):
        raise ValueError(f"{text[:40]!r} is not a domain")
    try:
        return bare.strip("[]") if bare.isascii() else bare.encode("idna").decode("ascii")
    except UnicodeError as error:
        raise ValueError(f"{text[:40]!r} is not a domain") from error


def _expires(text: str) -> float | None:
    """The expiry as Unix time; None for a session cookie."""
    try:
        return float(int(float(text or 0))) or None
    except (ValueError, OverflowError) as error:
        raise ValueError(f"the expiry {text[:20]!r} is not a Unix time") from error
