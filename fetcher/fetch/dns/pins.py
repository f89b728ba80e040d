"""Whose addresses libcurl has from us: those of requests in flight, and no others.

Law: libcurl asks its cache of addresses for every connection it makes, also for the second try of
a request whose kept connection was dead; what is not there it would look up itself. And it looks
through all of the cache at each request, unless its entries are for ever: so they are, and we take
them out.
"""

from __future__ import annotations

from typing import NamedTuple


class Pin(NamedTuple):
    """Where a request's host is."""

    place: str  # host:port, as libcurl's cache has it
    addresses: str  # with commas between; "" where the host is an address in itself


class PinTable:
    """One for a multi handle."""

    def __init__(self) -> None:
        self._users: dict[str, int] = {}
        self._left: set[str] = set()

    def enter(self, pin: Pin) -> list[str]:
        """A request begins; what libcurl must be told with it (its RESOLVE)."""
        place = pin.place
        self._users[place] = self._users.get(place, 0) + 1
        self._left.discard(place)
        told = [f"-{gone}" for gone in self._left]
        self._left.clear()
        if pin.addresses:
            told.append(f"+{place}:{pin.addresses}")  # "+": it replaces older ones
        return told

    def leave(self, place: str) -> None:
        """It has ended."""
        users = self._users[place] - 1
        if users:
            self._users[place] = users
        else:
            del self._users[place]
            self._left.add(place)
