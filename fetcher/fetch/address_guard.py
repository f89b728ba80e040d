"""Which IP addresses may be connected to: the public internet, and what `guard.allow` opens.

An address is judged before libcurl may connect to it, and again as a connection's peer before each
request, so a name that later resolves to another address cannot pass. The denied networks are an
explicit list (the IANA registries of special-purpose addresses), as `ipaddress.is_global` passes
several of them. An IPv6 address that only wraps an IPv4 address is judged as that address.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Final

_CACHED: Final = 8192  # judgements that are kept: crawls come back to the same hosts

_V4: Final = 4
_V6: Final = 16
_OPENS: Final = "(guard.allow opens it)"  # the end of each refusal
# A network as numbers: the length of its addresses in bytes, its first and its last address.
_Range = tuple[int, int, int]

_DENIED: Final = (
    ("0.0.0.0/8", "an address of this host"),
    ("10.0.0.0/8", "a private address"),
    ("100.64.0.0/10", "an address of a provider's own network"),
    ("127.0.0.0/8", "a loopback address"),
    ("168.63.129.16/32", "a cloud's metadata address"),
    ("169.254.169.254/32", "a cloud's metadata address"),
    ("169.254.0.0/16", "a link-local address"),
    ("172.16.0.0/12", "a private address"),
    ("192.0.0.0/24", "an address reserved for protocols"),
    ("192.0.2.0/24", "an address for documentation"),
    ("192.88.99.0/24", "an address of a 6to4 relay"),
    ("192.168.0.0/16", "a private address"),
    ("198.18.0.0/15", "an address for benchmarks"),
    ("198.51.100.0/24", "an address for documentation"),
    ("203.0.113.0/24", "an address for documentation"),
    ("224.0.0.0/4", "a multicast address"),
    ("255.255.255.255/32", "the broadcast address"),
    ("240.0.0.0/4", "a reserved address"),
    ("::/128", "an address of this host"),
    ("::1/128", "a loopback address"),
    ("64:ff9b:1::/48", "an address of a private translator"),
    ("100::/64", "an address that discards all"),
    ("2001::/32", "a Teredo address"),
    ("2001::/23", "an address reserved for protocols"),
    ("2001:db8::/32", "an address for documentation"),
    ("3fff::/20", "an address for documentation"),
    ("5f00::/16", "an address of segment routing"),
    ("fd00:ec2::254/128", "a cloud's metadata address"),
    ("fc00::/7", "a private address"),
    ("fe80::/10", "a link-local address"),
    ("fec0::/10", "a site-local address"),
    ("ff00::/8", "a multicast address"),
)

# IPv6 networks whose addresses only wrap an IPv4 address, and how many bits follow that.
_WRAPPERS: Final = (
    ("::ffff:0:0/96", 0),
    ("::/96", 0),
    ("64:ff9b::/96", 0),
    ("2002::/16", 80),
)

# The public addresses of IPv6; all others are refused.
_PUBLIC_V6: Final = "2000::/3"
# Bits 32 to 63 of an ISATAP address, whose last 32 bits are an IPv4 address.
_ISATAP: Final = frozenset({0x0000_5EFE, 0x0200_5EFE})


class Guard:
    """Judges addresses; `allow` are networks that may be connected to.

    A network of `allow` opens an address that lies in it, and an IPv6 address that wraps an IPv4
    address that lies in it: "127.0.0.0/8" opens ::ffff:127.0.0.1 too, but not ::1.
    """

    def __init__(self, allow: Iterable[str]) -> None:
        ranges = [_range(network) for network in allow]
        self._allow = {
            size: tuple((first, last) for s, first, last in ranges if s == size)
            for size in (_V4, _V6)
        }
        # Why an IP address may not be connected to; None if it may. Asked twice for each request.
        self.refusal: Callable[[str], str | None] = lru_cache(_CACHED)(self._judge)

    def _judge(self, address: str) -> str | None:
        packed = _packed(address.partition("%")[0] if "%" in address else address)
        if packed is None:
            return f"{address[:80]} is not an IP address"
        size, number = len(packed), int.from_bytes(packed)
        if self._allows(size, number):
            return None
        if size == _V4:
            return _refused(address, self._denied_v4(number))
        return _refused(address, self._denied_v6(number))

    def _denied_v4(self, number: int) -> str | None:
        return None if self._allows(_V4, number) else _kind(_V4, number)

    def _denied_v6(self, number: int) -> str | None:
        kind = _kind(_V6, number)
        if kind is not None:
            return kind
        for (_, first, last), shift in _WRAPPER_RANGES:
            if first <= number <= last:
                return self._denied_inside(number >> shift)
        if not _PUBLIC_RANGE[1] <= number <= _PUBLIC_RANGE[2]:
            return "no public address"
        if (number >> 32) & 0xFFFF_FFFF in _ISATAP:
            return self._denied_inside(number)
        return None

    def _denied_inside(self, number: int) -> str | None:
        """Judge the IPv4 address in the lowest 32 bits."""
        inside = number & 0xFFFF_FFFF
        kind = self._denied_v4(inside)
        return kind and f"{socket.inet_ntoa(inside.to_bytes(4))}, {kind}, in IPv6"

    def _allows(self, size: int, number: int) -> bool:
        for first, last in self._allow[size]:  # noqa: SIM110 (`any` takes three times as long)
            if first <= number <= last:
                return True
        return False


@lru_cache(maxsize=_CACHED)
def literal(host: str) -> str | None:
    """The host if it is an IP address, None if it is a name.

    For a Target's host: other notations of addresses (`0x7f.1`) were replaced when it was made.
    """
    return None if _packed(host) is None else host


def _packed(text: str) -> bytes | None:
    family = socket.AF_INET6 if ":" in text else socket.AF_INET
    try:
        return socket.inet_pton(family, text)
    except (OSError, ValueError):
        return None


def _refused(address: str, kind: str | None) -> str | None:
    return kind and f"{address} is {kind} {_OPENS}"


def refused_address(message: str) -> str | None:
    """The address that a message of `Guard.refusal` is about; None for any other message."""
    return message.partition(" ")[0] if message.endswith(_OPENS) else None


def _kind(size: int, number: int) -> str | None:
    """Which denied sort of address it is; None for an address that is not denied."""
    for first, last, kind in _DENIED_RANGES[size]:
        if first <= number <= last:
            return kind
    return None


def _range(network: str) -> _Range:
    net = ipaddress.ip_network(network)
    return net.max_prefixlen // 8, int(net.network_address), int(net.broadcast_address)


_DENIED_RANGES: Final = {
    size: tuple(
        (first, last, kind)
        for (s, first, last), kind in ((_range(network), kind) for network, kind in _DENIED)
        if s == size
    )
    for size in (_V4, _V6)
}
_WRAPPER_RANGES: Final = tuple((_range(network), shift) for network, shift in _WRAPPERS)
_PUBLIC_RANGE: Final = _range(_PUBLIC_V6)
