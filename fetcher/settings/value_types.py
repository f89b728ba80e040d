"""The types of settings' values: bounds, patterns, and the words for them in messages and docs.

In `Meta.extra`, `kind` describes the allowed values in words, where the bounds alone do not (see
describe.allowed), and `hide` is the function that hides the secret in a value (see secrecy).
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable
from typing import Annotated, Any, Final, Literal

from msgspec import Meta, Struct

MIB: Final = 1024 * 1024
MAX_SINKS: Final = 64

Seconds = Annotated[float, Meta(gt=0, le=86_400)]


def parse_server(text: str) -> tuple[str, int]:
    """The address and port of a name server given as IP, IP:PORT or [IP]:PORT; or ValueError."""
    host, port = text, "53"
    if text.startswith("["):
        host, _, port = text[1:].partition("]")
        port = port.removeprefix(":") or "53"
    elif text.count(":") == 1:
        host, _, port = text.partition(":")
    if not (port.isascii() and port.isdigit() and 0 < int(port) < 65_536):
        raise ValueError(f"{text!r} has no valid port")
    return str(ipaddress.ip_address(host)), int(port)


def check_endpoint(value: str) -> None:
    _, _, port = value.rpartition(":")
    # The next two numbers must be valid ports, too; libzmq takes a larger one modulo 65536.
    if value.startswith("tcp:") and not 0 < int(port) < 65_534:
        raise ValueError("its port and those after it must be from 1 to 65535")


def check_sinks(values: tuple[str, ...]) -> None:
    taken: set[str] = set()
    for value in values:
        check_endpoint(value)
        base, _, port = value.rpartition(":")
        both = {value, f"{base}:{int(port) + 1}" if port.isdigit() else f"{value}.1"}
        if both & taken:
            raise ValueError(f"{value} has a port of another sink")
        taken |= both


Hide = Callable[[Any], Any]


def about(description: str, kind: str = "", hide: Hide | None = None, **checks: Any) -> Meta:
    """Help text, `kind` and `hide` (see the module), and checks of msgspec.Meta."""
    extra = {name: value for name, value in (("kind", kind), ("hide", hide)) if value}
    return Meta(description=description, extra=extra or None, **checks)


def _kind(kind: str, pattern: str | None = None) -> Meta:
    return Meta(pattern=pattern, extra={"kind": kind})


# Patterns end with \Z, because $ also matches before a line feed at the end.
_HEADER: Final = r"^[!#$%&'*+.^_`|~0-9A-Za-z-]+:[ \t]*[^\x00-\x1f\x7f]*\Z"
_LOGGED_OUT: Final = (
    r"[ ]*(status:[1-5]\d\d|(redirect|text):[^|\x00-\x1f\x7f]*[^| \x00-\x1f\x7f])[ ]*"
)
_ENDPOINT: Final = r"^(tcp://([^\s/:\[\]]+|\[[0-9a-fA-F:.]+\]):\d{1,5}|ipc:///\S+)\Z"
_Header = Annotated[str, Meta(pattern=_HEADER)]
_Failure = Literal["dns", "connect", "tls", "timeout", "protocol"]
_TlsGroup = Literal[
    "X25519MLKEM768",
    "SecP256r1MLKEM768",
    "SecP384r1MLKEM1024",
    "X25519",
    "X448",
    "P-256",
    "P-384",
    "P-521",
]
_Status = Annotated[int, Meta(ge=400, le=599)]
_Name = Annotated[str, Meta(pattern=r"^[^\s/:]+\Z")]

Networks = Annotated[tuple[str, ...], _kind('a list of networks such as "10.0.0.0/8"')]
Addresses = Annotated[
    tuple[str, ...], _kind("a list of IP addresses, with :PORT where it is not 53")
]
Headers = Annotated[tuple[_Header, ...], _kind('a list of texts "Name: value"')]
Failures = Annotated[tuple[_Failure, ...], _kind("a list of dns, connect, tls, timeout, protocol")]
TlsGroups = Annotated[
    tuple[_TlsGroup, ...],
    _kind(
        "a list of X25519MLKEM768, SecP256r1MLKEM768, SecP384r1MLKEM1024, X25519, X448, P-256, "
        "P-384, P-521"
    ),
]
Statuses = Annotated[tuple[_Status, ...], _kind("a list of statuses from 400 to 599")]
Factory = Annotated[str, _kind('module:name, or ""', r"^([\w.]+:\w+)?\Z")]
Patterns = Annotated[
    tuple[Annotated[str, Meta(min_length=1, max_length=1000)], ...],
    Meta(max_length=100),
    _kind("a list of regular expressions of 1 to 1000 characters"),
]
ParameterNames = Annotated[
    tuple[Annotated[str, Meta(pattern=r"^(@tracking|[^\s=&#@][^\s=&#]{0,199})\Z")], ...],
    Meta(max_length=1000),
    _kind(
        "a list of @tracking and of parameter names of 1 to 200 characters, which may end with *"
    ),
]
LoggedOut = Annotated[
    str,
    _kind(
        'status:NUMBER, redirect:BEGINNING or text:PART, with | between several, or ""',
        rf"^({_LOGGED_OUT}(\|{_LOGGED_OUT})*)?\Z",
    ),
]
RouteName = Annotated[str, Meta(pattern=r"^[A-Za-z0-9_-]{1,40}\Z")]
RouteNames = Annotated[
    tuple[RouteName, ...], Meta(max_length=33), _kind("a list of names of routes")
]
Names = Annotated[tuple[_Name, ...], _kind("a list of host names")]
Endpoint = Annotated[
    str, _kind("tcp://HOST:PORT or ipc:///PATH, with the next two ports free, too", _ENDPOINT)
]
SinkEndpoints = Annotated[
    tuple[Annotated[str, Meta(pattern=_ENDPOINT)], ...],
    Meta(min_length=1, max_length=MAX_SINKS),
    _kind("1 to 64 of tcp://HOST:PORT or ipc:///PATH, each with the next port free, too"),
]


class Section(Struct, frozen=True, forbid_unknown_fields=True):
    """Base of the sections: settings that belong together."""
