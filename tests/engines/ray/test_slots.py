"""Which actor of Ray runs which ticket."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from fetcher.engines.ray.slots import Slots


class RecordedActors:
    """Actors that do nothing; a test says when one has begun, and when a call has ended."""

    def __init__(self) -> None:
        self.alive: list[int] = []
        self.begun: set[int] = set()
        self.calls: list[tuple[int, str]] = []  # actor, ticket
        self.results: dict[int, Mapping[str, Any]] = {}  # by the number of the call
        self._made = 0

    def start(self) -> int:
        self._made += 1
        self.alive.append(self._made)
        return self._made

    def has_begun(self, actor: int) -> bool:
        return actor in self.begun

    def serve(self, actor: int, ticket: Mapping[str, Any]) -> int:
        self.calls.append((actor, ticket["slot"]))
        return len(self.calls) - 1

    def ended(self, calls: Sequence[int]) -> Collection[int]:
        return [call for call in calls if call in self.results]

    def result(self, call: int) -> Mapping[str, Any]:
        return self.results[call]

    def kill(self, actor: int) -> None:
        self.alive.remove(actor)


def ticket(slot: str, expires_at: float = 60.0) -> dict[str, Any]:
    return {"slot": slot, "expires_at": expires_at}


def made(most: int) -> tuple[Slots, RecordedActors]:
    actors = RecordedActors()
    return Slots(actors, most, start_s=10.0), actors


def test_each_ticket_gets_an_actor_of_its_own() -> None:
    slots, actors = made(2)
    slots.place([ticket("a"), ticket("b")])
    assert slots.turn(0) == []
    assert actors.calls == [(1, "a"), (2, "b")]
    assert slots.count() == (2, 0)


def test_there_are_never_more_actors_than_slots_and_the_next_ticket_waits_for_a_free_one() -> None:
    slots, actors = made(1)
    slots.place([ticket("a"), ticket("b")])
    slots.turn(0)
    assert actors.calls == [(1, "a")]
    assert slots.count() == (2, 0)
    actors.results[0] = {"ended": "its time is up"}
    assert slots.turn(1) == [{"ended": "its time is up"}]
    assert actors.calls == [(1, "a"), (1, "b")]


def test_a_ticket_that_has_expired_is_forgotten() -> None:
    slots, actors = made(1)
    slots.place([ticket("a"), ticket("b", expires_at=5)])
    slots.turn(0)
    actors.begun.add(1)
    actors.results[0] = {}
    slots.turn(6)
    assert actors.calls == [(1, "a")]
    assert slots.count() == (0, 0)


def test_the_actor_of_a_slot_that_failed_is_replaced() -> None:
    slots, actors = made(1)
    slots.place([ticket("a")])
    slots.turn(0)
    actors.results[0] = {"error": "fetcher cannot be imported"}
    slots.turn(1)
    assert actors.alive == []
    slots.place([ticket("b")])
    slots.turn(2)
    assert actors.calls[-1] == (2, "b")


def test_slots_that_ray_does_not_start_are_noted_until_it_does() -> None:
    slots, actors = made(3)
    slots.place([ticket("a"), ticket("b"), ticket("c")])
    slots.turn(0)
    actors.begun.add(1)
    assert slots.turn(10) == []
    notice = {"notice": "2 of 3 slots wait until Ray has free CPUs for them"}
    assert slots.turn(11) == [notice]
    actors.begun |= {2, 3}
    assert slots.turn(12) == []


def test_at_the_end_running_slots_may_finish_and_waiting_ones_never_begin() -> None:
    slots, actors = made(2)
    slots.place([ticket("a"), ticket("b"), ticket("c")])
    slots.turn(0)
    actors.begun.add(2)
    slots.forget_waiting()
    assert actors.alive == [2]
    assert slots.running() == 1
    actors.results[1] = {}
    slots.turn(1)
    assert slots.running() == 0
    assert len(actors.calls) == 2
    slots.end()
    assert actors.alive == []
