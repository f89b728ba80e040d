"""Decides how many more slots an engine is to place: pure, time is an argument in seconds.

It counts what the ventilator hears: how many workers live, and how many have ever joined. It does
not ask the engine about its tasks. A slot that was placed counts as coming until it has joined, or
until `start_s` have passed: then it is placed again. Each queue of an engine has a plan of its own,
which counts the workers of its routes.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import Final, NamedTuple

from msgspec import UNSET

from fetcher.protocol.messages import State

_REJOIN_S: Final = 5.0  # in which the workers of a former ventilator join its successor
_GOLDEN: Final = 0.618034  # the fractions of its multiples are spread evenly
_EARLIEST: Final = 0.75  # the shortest life of a slot, as a part of `slot_s`


class _Heard(NamedTuple):
    """What a state says of the workers of a plan."""

    workers: int
    joined: int  # since the ventilator began
    needs_no_more: bool  # workers have all lines that are left


class SlotPlan:
    """The slots of one queue, `wanted` at a time."""

    def __init__(self, wanted: int, start_s: float, routes: Sequence[str] = ()) -> None:
        """`routes`: those that each of the slots serves; (): they are not known, all count."""
        self._wanted, self._start_s, self._routes = wanted, start_s, routes
        self._coming: deque[float] = deque()  # when each was placed
        self._ventilator: int | None = None  # number of the ventilator
        self._settled_at = 0.0  # from then on, a worker that joins is new
        self._joined = 0
        self._state: State | None = None
        self.has_joined = False  # whether any worker has ever joined

    def hear(self, state: State, now: float) -> None:
        """Take in a state of the ventilator."""
        joined = self._heard(state).joined
        if state.ventilator_number != self._ventilator:
            if self._ventilator is not None:
                self._settled_at = now + _REJOIN_S
            self._ventilator, self._joined = state.ventilator_number, 0
        new, self._joined = joined - self._joined, joined
        self._state = state
        self.has_joined |= joined > 0
        if now >= self._settled_at:
            for _ in range(min(new, len(self._coming))):
                self._coming.popleft()

    def placed(self, count: int, now: float) -> None:
        """Note that the engine was asked for `count` slots."""
        self._coming.extend([now] * count)

    @property
    def coming(self) -> int:
        """How many slots were placed and have not joined."""
        return len(self._coming)

    def missing(self, now: float) -> int:
        """Return how many slots to place now."""
        state = self._state
        while self._coming and now - self._coming[0] > self._start_s:
            self._coming.popleft()
        if state is None or not state.job or state.phase not in ("running", "frozen"):
            return 0
        if now < self._settled_at:
            return 0
        heard = self._heard(state)
        if heard.needs_no_more:
            return 0
        return max(self._wanted - heard.workers - len(self._coming), 0)

    def _heard(self, state: State) -> _Heard:
        if not self._routes or state.routes is UNSET:
            joined = 0 if state.joined is UNSET else state.joined
            return _Heard(state.workers, joined, state.turns.is_all and state.workers > 0)
        # All routes of a queue have the same workers.
        number = state.routes.names.index(self._routes[0])
        # A route without lines needs no worker while the others go on. If its workers die, their
        # lines wait again, so that it is not all out any more.
        needs_no_more = set(self._routes).issubset(state.routes.all_out)
        return _Heard(state.routes.workers[number], state.routes.joined[number], needs_no_more)


def life_s(slot_s: float, number: int) -> float:
    """Return how long the slot of this number works, so that not all are replaced at once."""
    return slot_s * (_EARLIEST + (1 - _EARLIEST) * (number * _GOLDEN % 1.0))
