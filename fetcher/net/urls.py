"""Which texts are URLs that may be fetched."""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import urlsplit

SCHEMES: Final = ("http", "https")
_SCHEME: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*(?=:)")
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]")


def fault(url: str, max_bytes: int) -> str | None:
    """Why this is no URL that can be fetched; None if it is one."""
    if len(url) > max_bytes or len(url.encode("utf-8", "replace")) > max_bytes:
        return f"longer than http.max_url_bytes ({max_bytes})"
    control = _CONTROL.search(url)
    if control:
        return f"control character 0x{ord(control[0]):02x} at position {control.start() + 1}"
    return _scheme_fault(scheme_of(url)) or _host_fault(url)


def _scheme_fault(scheme: str | None) -> str | None:
    if scheme is None:
        return "no scheme: write http:// or https:// in front"
    if scheme not in SCHEMES:
        return f"scheme {scheme!r} cannot be fetched (only http and https)"
    return None


def _host_fault(url: str) -> str | None:
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError as error:
        return str(error)
    if not host:
        return "no host name"
    if "@" in parts.netloc:
        return "a user name or password in a URL is refused: it would be recorded and sent in clear"
    return None


def scheme_of(url: str) -> str | None:
    """The scheme in lower case; None where there is none (`host:80/path` has none either)."""
    match = _SCHEME.match(url)
    if not match:
        return None
    scheme = match[0].lower()
    after = url[match.end() + 1 :]
    if scheme not in SCHEMES and ("." in scheme or scheme == "localhost" or after[:1].isdigit()):
        return None
    return scheme
