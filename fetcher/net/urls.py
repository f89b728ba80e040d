"""Which texts are URLs that may be fetched, and how they go over the wire.

Law: what a URL means is what `requests` makes of it (its prepare_url: IDNA, quoting, dot segments);
the plain case, which that would not change, is recognised by one pattern and left alone.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple
from urllib.parse import urlsplit

import requests
import requests.exceptions
import urllib3.exceptions

SCHEMES: Final = ("http", "https")
_SCHEME: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*(?=:)")
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]")
_LABEL: Final = r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
# Escapes of what must be escaped; others would be undone.
_ESCAPE: Final = r"%(?:[0189A-F][0-9A-F]|2[0-9ABCF]|3[A-F]|40|5[B-E]|60|7[B-DF])"
_PLAIN: Final = re.compile(
    rf"(https?)://({_LABEL}(?:\.{_LABEL})*+)(?::([1-9][0-9]{{0,4}}))?"
    rf"/(?!\.)(?:[A-Za-z0-9_~!$&'()*+,;=:@.-]++|{_ESCAPE}|/(?!\.))*+"
    rf"(?:\?(?:[A-Za-z0-9._~!$&'()*+,;=:@/?-]++|{_ESCAPE})++)?"
)
_PORTS: Final = {"http": 80, "https": 443}
_MAX_PORT: Final = 65_535
_MAX_HOST: Final = 253


class Target(NamedTuple):
    """Where a request goes."""

    url: str  # as it is sent, the fragment aside
    scheme: str
    host: str  # ASCII, lower case, IPv6 without brackets
    port: int


class NoUrlError(ValueError):
    """Its text says why something is no URL that can be fetched."""


def target_of(url: str, max_bytes: int) -> Target:
    """Where a request for this text goes. Raises NoUrlError."""
    match = _PLAIN.fullmatch(url)
    if match is not None and len(url) <= max_bytes:
        scheme, host, text = match.groups()
        port = _PORTS[scheme] if text is None else int(text)
        if port <= _MAX_PORT and len(host) <= _MAX_HOST:
            return Target(url, scheme, host, port)
    return _prepared(url, max_bytes)


def host_key(url: str, max_bytes: int) -> str:
    """Whose turn a request for this text needs: the host, with a port that is unusual; "" if none.

    http and https of a host are one: it is the same machine that has to bear them.
    """
    try:
        _, scheme, host, port = target_of(url, max_bytes)
    except NoUrlError:
        return ""
    return host if _PORTS[scheme] == port else f"{host}:{port}"


def _prepared(url: str, max_bytes: int) -> Target:
    fault = _fault(url, max_bytes)
    if fault is not None:
        raise NoUrlError(fault)
    request = requests.PreparedRequest()
    try:
        request.prepare_url(url, None)
        sent = str(request.url)
        parts = urlsplit(sent)
        host, port = parts.hostname, parts.port
    except (
        ValueError,
        requests.exceptions.RequestException,
        urllib3.exceptions.HTTPError,
    ) as error:
        raise NoUrlError(" ".join(str(error).split()) or "not a URL") from error
    if not host or host.startswith("."):
        raise NoUrlError("no host name")
    if len(host) > _MAX_HOST:
        raise NoUrlError(f"the host name is longer than {_MAX_HOST} characters")
    if any(len(label) > 63 for label in host.split(".")) or ".." in host:
        raise NoUrlError("a label of the host name is empty or longer than 63 characters")
    return Target(sent, parts.scheme, host, port or _PORTS[parts.scheme])


def _fault(url: str, max_bytes: int) -> str | None:
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
        host, port = parts.hostname, parts.port
    except ValueError as error:
        return str(error)
    if port == 0:
        return "port 0 cannot be connected to"
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
