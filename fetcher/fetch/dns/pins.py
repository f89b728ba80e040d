"""Puts the addresses of requests in flight into libcurl's cache, and takes them out again.

libcurl asks its cache for every connection that it makes, also when it repeats a request whose kept
connection was dead, and also for a host that is an address. It may not look up what is missing (see
fetch.transfer.exchange). It also walks through the whole cache at each request unless entries never
expire: so ours never do, and we remove them.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec


class Pin(msgspec.Struct, frozen=True, gc=False):
    """The addresses of a request's host that the guard has passed; at least one."""

    place: str  # host:port, the key of libcurl's cache
    addresses: str  # separated by commas
    # Takes a time in seconds; asks for addresses that were not asked for yet, "" for none.
    more: Callable[[float], str] | None = None
    waited_s: float = 0.0  # after a look-up, for the request's turn; not a part of the look-up


def entry(place: str, addresses: str) -> str:
    """The RESOLVE option that replaces the addresses of a place in libcurl's cache."""
    return f"+{place}:{addresses}"


class _Place:
    """A place in libcurl's cache."""

    __slots__ = ("addresses", "is_there", "users")

    def __init__(self) -> None:
        self.users = 0  # requests in flight
        self.addresses = ""  # that were entered last
        self.is_there = False  # whether a transfer has used these


class PinTable:
    """The pins of one multi handle."""

    def __init__(self) -> None:
        self._places: dict[str, _Place] = {}
        self._unused: set[str] = set()  # places that are still in libcurl's cache

    def enter(self, pin: Pin) -> list[str]:
        """A request begins; returns the RESOLVE option that it must set; [] for none.

        It need not be set where libcurl has the addresses already. If libcurl misses them all the
        same (it may begin transfers in another order), set `entry` and run the transfer again.
        """
        place = self._places.get(pin.place)
        if place is None:
            place = self._places[pin.place] = _Place()
        place.users += 1
        if place.users == 1:
            self._unused.discard(pin.place)
        if place.is_there and place.addresses == pin.addresses:
            return []
        place.is_there = False
        place.addresses = pin.addresses
        resolve = [f"-{unused}" for unused in self._unused]
        for unused in self._unused:
            del self._places[unused]
        self._unused.clear()
        resolve.append(entry(pin.place, pin.addresses))
        return resolve

    def replaced(self, place: str) -> None:
        """libcurl has other addresses now of this place, of which a request is in flight."""
        self._places[place].addresses = ""
        self._places[place].is_there = False

    def leave(self, pin: Pin, *, is_used: bool = False) -> None:
        """A request has ended; `is_used`: libcurl has found the pin's addresses."""
        place = self._places[pin.place]
        place.users -= 1
        if not place.users:
            self._unused.add(pin.place)
        if is_used and not place.is_there:
            place.is_there = place.addresses == pin.addresses
