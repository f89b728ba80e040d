"""Decides which texts are URLs that may be fetched, and what is sent for them.

A URL means what the WHATWG URL standard says (see fetcher.web_urls). docs/rows.md lists what is
refused although the standard allows it, with reasons. libcurl, the guard, the resolver, politeness
and cookies all take the host from the Target made here, so they never disagree about it.
"""

from __future__ import annotations

import re
from typing import Final

from fetcher import web_urls
from fetcher.error_kinds import ErrorKind
from fetcher.model import Fault
from fetcher.web_urls import MAX_HOST, MAX_PORT, PORTS, SCHEMES, Target, plain

_SCHEME: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*(?=:)")
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]")
_SURROGATE: Final = re.compile(r"[\ud800-\udfff]")
_AUTHORITY: Final = re.compile(r"[A-Za-z]+:[/\\]*([^/\\?#]*)")
_PORT: Final = re.compile(r":([^\]:]*)\Z")
_DIGITS: Final = re.compile(r"0*([0-9]{0,5})")


class NoUrlError(ValueError):
    """A text is not a URL that can be fetched; `fault` says why."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault.message)
        self.fault = fault


def target_of(text: str, max_bytes: int) -> Target:
    """The target of a request for this text. Raises NoUrlError."""
    target = plain(text)
    if target is not None and len(text) <= max_bytes:
        return target
    fault = _fault(text, max_bytes)
    if fault is not None:
        raise NoUrlError(fault)
    url = web_urls.parsed(text)
    if url is None:
        raise NoUrlError(why_none(text))
    return fetchable(url, max_bytes)


def fetchable(url: str, max_bytes: int) -> Target:
    """The target of a request for an http(s) URL in the standard's form. Raises NoUrlError."""
    if len(url) > max_bytes:
        said = f"as it is sent, longer than http.max_url_bytes ({max_bytes})"
        raise NoUrlError(ErrorKind.URL_TOO_LONG.fault(said))
    target = web_urls.written(url)
    if target is None:
        said = "a user name or password in a URL is refused: it would be recorded and sent in clear"
        raise NoUrlError(ErrorKind.URL_CREDENTIALS.fault(said))
    if target.port == 0:
        raise NoUrlError(ErrorKind.URL_PORT.fault("port 0 cannot be connected to"))
    why = None if ":" in target.host else _name_fault(target.host)
    if why is not None:
        raise NoUrlError(ErrorKind.URL_HOST.fault(why))
    return target


def origin(target: Target) -> str:
    """The beginning of the target's URL, up to its path."""
    return target.url[: target.url.index("/", len(target.scheme) + 3)]


def request_target(url: str) -> str:
    """The path and query of a URL in the standard's form, as a request line has them."""
    return url[url.index("/", 8) :].partition("#")[0]


def host_key(text: str, max_bytes: int) -> str:
    """The host whose turn a request for this text needs, with an unusual port; "" if it needs none.

    http and https of a host share a turn: the same machine has to serve both.
    """
    try:
        return key_of(target_of(text, max_bytes))
    except NoUrlError:
        return ""


def key_of(target: Target) -> str:
    """See `host_key`, for a known target."""
    _, scheme, host, port = target
    if ":" in host or host[-1] == ".":
        return target.key
    return host if PORTS[scheme] == port else f"{host}:{port}"


def why_none(text: str) -> Fault:
    """Why this text is not a URL by the standard; a guess, as the library gives no reasons."""
    match = _AUTHORITY.match(text.lstrip())
    place = match[1].rpartition("@")[2] if match else ""
    if place.startswith("[") and "]" not in place:
        return ErrorKind.URL_HOST.fault(f"{_short(place)} is not an IPv6 address: its ] is missing")
    port = _PORT.search(place)
    host = place[: port.start()] if port else place
    if not host:
        return ErrorKind.URL_HOST.fault("no host name")
    digits = _DIGITS.fullmatch(port[1]) if port else None
    if port and (digits is None or int(digits[1] or 0) > MAX_PORT):
        said = f"the port {_short(port[1])} is not a number up to {MAX_PORT}"
        return ErrorKind.URL_PORT.fault(said)
    what = "neither a host name nor an IP address"
    if host.startswith("["):
        what = "not an IPv6 address"
    return ErrorKind.URL_HOST.fault(f"{_short(host)} is {what}")


def scheme_of(text: str) -> str | None:
    """The scheme in lower case; None where there is none, as in `host:80/path`."""
    match = _SCHEME.match(text.lstrip(" "))
    if not match:
        return None
    scheme = match[0].lower()
    after = text.lstrip(" ")[match.end() + 1 :]
    if scheme not in SCHEMES and ("." in scheme or scheme == "localhost" or after[:1].isdigit()):
        return None
    return scheme


def _fault(text: str, max_bytes: int) -> Fault | None:
    if len(text) > max_bytes or len(text.encode("utf-8", "replace")) > max_bytes:
        return ErrorKind.URL_TOO_LONG.fault(f"longer than http.max_url_bytes ({max_bytes})")
    control = _CONTROL.search(text)
    if control:
        said = f"control character 0x{ord(control[0]):02x} at position {control.start() + 1}"
        return ErrorKind.URL_CHARACTER.fault(said)
    surrogate = _SURROGATE.search(text)
    if surrogate:
        said = f"half a character (a lone surrogate) at position {surrogate.start() + 1}"
        return ErrorKind.URL_CHARACTER.fault(said)
    return _scheme_fault(scheme_of(text))


def _scheme_fault(scheme: str | None) -> Fault | None:
    if scheme is None:
        return ErrorKind.URL_SCHEME.fault("no scheme: write http:// or https:// in front")
    if scheme not in SCHEMES:
        said = f"scheme {scheme[:40]!r} cannot be fetched (only http and https)"
        return ErrorKind.URL_SCHEME.fault(said)
    return None


def _name_fault(host: str) -> str | None:
    """Why DNS cannot hold this host name."""
    if web_urls.is_dns_name(host):
        return None
    name = host.removesuffix(".")
    if len(name) > MAX_HOST:
        return f"the host name is longer than {MAX_HOST} characters"
    if not all(0 < len(label) < 64 for label in name.split(".")):
        return "a label of the host name is empty or longer than 63 characters"
    return f"the host name {_short(host)} has characters that no name in DNS has"


def _short(text: str) -> str:
    return repr(text) if len(text) <= 80 else f"{text[:79]!r}…"
