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


def entry(place: str, addresses: str) -> str:
    """The RESOLVE option that replaces the addresses of a place in libcurl's cache."""
    return f"+{place}:{addresses}"


class PinTable:
    """The pins of one multi handle."""

    def __init__(self) -> None:
        self._users: dict[str, int] = {}  # requests in flight, by place
        self._unused: set[str] = set()  # places that are still in libcurl's cache
        self._newest: dict[str, str] = {}  # the addresses that were entered last, by place
        self._there: set[str] = set()  # places whose newest addresses a transfer has used

    def enter(self, pin: Pin) -> list[str]:
        """A request begins; returns the RESOLVE option that it must set; [] for none.

        It need not be set where libcurl has the addresses already. If libcurl misses them all the
        same (it may begin transfers in another order), set `entry` and run the transfer again.
        """
        place, addresses = pin.place, pin.addresses
        self._users[place] = self._users.get(place, 0) + 1
        self._unused.discard(place)
        if place in self._there and self._newest[place] == addresses:
            return []
        self._there.discard(place)
        self._newest[place] = addresses
        resolve = [self._remove(unused) for unused in self._unused]
        self._unused.clear()
        resolve.append(entry(place, addresses))
        return resolve

    def _remove(self, place: str) -> str:
        self.replaced(place)
        return f"-{place}"

    def replaced(self, place: str) -> None:
        """libcurl has other addresses of this place now, or none."""
        self._newest.pop(place, None)
        self._there.discard(place)

    def leave(self, pin: Pin, *, is_used: bool = False) -> None:
        """A request has ended; `is_used`: libcurl has found the pin's addresses."""
        place = pin.place
        users = self._users[place] - 1
        if users:
            self._users[place] = users
        else:
            del self._users[place]
            self._unused.add(place)
        if is_used and self._newest.get(place) == pin.addresses:
            self._there.add(place)
