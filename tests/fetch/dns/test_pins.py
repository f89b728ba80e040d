"""libcurl has the addresses of requests in flight, and no others."""

from __future__ import annotations

import random

from fetcher.fetch.dns.pins import Pin, PinTable


class Cache:
    """libcurl's, as RESOLVE changes it; a literal address comes in as it is asked for."""

    def __init__(self) -> None:
        self.places: dict[str, str] = {}

    def take(self, resolve: list[str], pin: Pin) -> None:
        for line in resolve:
            if line.startswith("-"):
                self.places.pop(line[1:], None)
            else:
                host, port, addresses = line[1:].split(":", 2)
                self.places[f"{host}:{port}"] = addresses
        self.places.setdefault(pin.place, "itself")


def test_what_is_in_flight_is_there_and_the_rest_goes() -> None:
    dice = random.Random(3)
    places, cache = PinTable(), Cache()
    flying: list[Pin] = []
    for turn in range(20_000):
        if flying and dice.random() < 0.5:
            places.leave(flying.pop(dice.randrange(len(flying))).place)
            continue
        host = dice.randrange(turn // 10 + 3)
        pin = Pin(f"h{host}:80", "" if host % 3 == 0 else f"10.0.0.{turn % 250}")
        cache.take(places.enter(pin), pin)
        flying.append(pin)
        assert cache.places[pin.place] == (pin.addresses or "itself"), "the newest addresses"
        assert cache.places.keys() == {each.place for each in flying}


def test_a_host_that_is_asked_again_and_again_costs_nothing() -> None:
    places, pin = PinTable(), Pin("10.0.0.1:80", "")
    for _ in range(3):
        assert places.enter(pin) == []
        places.leave(pin.place)
