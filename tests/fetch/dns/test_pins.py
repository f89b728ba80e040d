"""libcurl has the addresses of requests in flight, and no others."""

from __future__ import annotations

import random

from fetcher.fetch.dns.pins import Pin, PinTable


class Cache:
    """libcurl's, as RESOLVE changes it."""

    def __init__(self) -> None:
        self.places: dict[str, str] = {}

    def take(self, resolve: list[str]) -> None:
        for line in resolve:
            if line.startswith("-"):
                self.places.pop(line[1:], None)
            else:
                host, port, addresses = line[1:].split(":", 2)
                self.places[f"{host}:{port}"] = addresses


def test_what_is_in_flight_is_there_and_the_rest_goes() -> None:
    dice = random.Random(3)
    places, cache = PinTable(), Cache()
    flying: list[Pin] = []
    for turn in range(20_000):
        if flying and dice.random() < 0.5:
            places.leave(flying.pop(dice.randrange(len(flying))), is_used=dice.random() < 0.7)
            continue
        pin = Pin(f"h{dice.randrange(turn // 10 + 3)}:80", f"10.0.0.{turn % 250}")
        cache.take(places.enter(pin))
        flying.append(pin)
        assert cache.places[pin.place] == pin.addresses, "the newest addresses"
        assert cache.places.keys() == {each.place for each in flying}


def test_addresses_that_libcurl_has_are_not_set_again() -> None:
    places, pin = PinTable(), Pin("h:80", "10.0.0.1")
    set_once = places.enter(pin)
    assert places.enter(pin) == set_once == ["+h:80:10.0.0.1"], "none has used them yet"
    places.leave(pin, is_used=True)
    assert places.enter(pin) == []


def test_other_addresses_are_set_again() -> None:
    places, first, second = PinTable(), Pin("h:80", "10.0.0.1"), Pin("h:80", "10.0.0.2")
    places.enter(first)
    places.enter(second)
    places.leave(first, is_used=True)  # but libcurl has the second's by now
    assert places.enter(first) == ["+h:80:10.0.0.1"]
    places.leave(first, is_used=True)
    places.replaced("h:80")
    assert places.enter(first) == ["+h:80:10.0.0.1"]


def test_a_host_that_comes_back_after_its_removal_is_set_again() -> None:
    places, pin = PinTable(), Pin("h:80", "10.0.0.1")
    places.enter(pin)
    places.leave(pin, is_used=True)
    assert places.enter(Pin("other:80", "10.0.0.9")) == ["-h:80", "+other:80:10.0.0.9"]
    assert places.enter(pin) == ["+h:80:10.0.0.1"]
