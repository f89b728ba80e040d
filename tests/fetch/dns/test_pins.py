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
            places.leave(flying.pop(dice.randrange(len(flying))).place)
            continue
        pin = Pin(f"h{dice.randrange(turn // 10 + 3)}:80", f"10.0.0.{turn % 250}")
        cache.take(places.enter(pin))
        flying.append(pin)
        assert cache.places[pin.place] == pin.addresses, "the newest addresses"
        assert cache.places.keys() == {each.place for each in flying}
