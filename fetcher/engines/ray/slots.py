"""Decides which actor runs which ticket: pure, time is an argument.

There are at most as many actors as the job wants slots, and an actor runs one slot at a time. So
Ray may restart actors and repeat their calls as it likes: the job never has more workers than it
wants, and a cluster that grows on demand is never asked for more. A ticket waits here until an
actor is free, or until it has expired.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from fetcher.engines.interface import SlotCount

Ticket = Mapping[str, Any]
Result = Mapping[str, Any]


class Actors(Protocol):
    """The actors of Ray; `actor` and `call` are what Ray knows them by."""

    def start(self) -> Any:
        """Ask for an actor, and return it; it may wait for a place."""

    def has_begun(self, actor: Any) -> bool:
        """Return whether the actor has ever had a process."""

    def serve(self, actor: Any, ticket: Ticket) -> Any:
        """Have the actor run a slot, as soon as it can, and return the call."""

    def ended(self, calls: Sequence[Any]) -> Collection[Any]:
        """Return those of the calls that have ended."""

    def result(self, call: Any) -> Result:
        """Return the result of a call that has ended; an error as `{"error": …}`."""

    def kill(self, actor: Any) -> None:
        """End the actor for ever."""


@dataclass
class _Slot:
    actor: Any
    made_at: float
    call: Any = None  # None: it is free
    has_begun: bool = False


class Slots:
    """The actors of one job. Times are in seconds since the epoch, as those of tickets."""

    def __init__(self, actors: Actors, most: int, start_s: float) -> None:
        self._actors, self._most, self._start_s = actors, most, start_s
        self._slots: list[_Slot] = []
        self._waiting: list[Ticket] = []

    def place(self, tickets: Iterable[Ticket]) -> None:
        """Take tickets; `turn` gives them to actors."""
        self._waiting += tickets

    def turn(self, now: float) -> list[Result]:
        """Give tickets to free actors; return the results of slots that have ended."""
        results = self._results()
        self._waiting = [ticket for ticket in self._waiting if ticket["expires_at"] > now]
        while self._waiting and (slot := self._free(now)) is not None:
            slot.call = self._actors.serve(slot.actor, self._waiting.pop(0))
        return [*results, *self._notices(now)]

    def count(self) -> SlotCount:
        """Return how many slots wait, and how many an actor may be running."""
        running = self.running()
        return SlotCount(len(self._waiting) + len(self._calls()) - running, running)

    def running(self) -> int:
        """Return how many slots an actor may be running."""
        return sum(slot.has_begun and slot.call is not None for slot in self._slots)

    def forget_waiting(self) -> None:
        """Take back the tickets and the actors that wait; running slots go on."""
        self._waiting.clear()
        for slot in [slot for slot in self._slots if not self._look_whether_begun(slot)]:
            self._drop(slot)

    def end(self) -> None:
        """End all actors."""
        for slot in [*self._slots]:
            self._drop(slot)

    def _results(self) -> list[Result]:
        ended = self._actors.ended(self._calls())
        results = []
        for slot in [slot for slot in self._slots if slot.call in ended]:
            result = self._actors.result(slot.call)
            results.append(result)
            slot.call = None
            if result.get("error"):
                self._drop(slot)  # the next one may get another node
        return results

    def _calls(self) -> list[Any]:
        return [slot.call for slot in self._slots if slot.call is not None]

    def _free(self, now: float) -> _Slot | None:
        for slot in self._slots:
            if slot.call is None:
                return slot
        if len(self._slots) >= self._most:
            return None
        slot = _Slot(self._actors.start(), now)
        self._slots.append(slot)
        return slot

    def _drop(self, slot: _Slot) -> None:
        self._slots.remove(slot)
        self._actors.kill(slot.actor)

    def _notices(self, now: float) -> list[Result]:
        late = [slot for slot in self._slots if now - slot.made_at > self._start_s]
        waiting = sum(not self._look_whether_begun(slot) for slot in late)
        if not waiting:
            return []
        return [
            {"notice": f"{waiting} of {self._most} slots wait until Ray has free CPUs for them"}
        ]

    def _look_whether_begun(self, slot: _Slot) -> bool:
        slot.has_begun = slot.has_begun or self._actors.has_begun(slot.actor)
        return slot.has_begun
