"""Decides how many more slots an engine is to place: pure, time is an argument in seconds.

It counts what the ventilator hears: how many workers live, and how many have ever joined. It does
not ask the engine about its tasks. A slot that was placed counts as coming until it has joined, or
until `start_s` have passed: then it is placed again.
"""

from __future__ import annotations

from collections import deque
from typing import Final

from msgspec import UNSET

from fetcher.protocol.messages import State

_REJOIN_S: Final = 5.0  # in which the workers of a former ventilator join its successor
_GOLDEN: Final = 0.618034
_EARLIEST: Final = 0.75  # of `slot_s`


class SlotPlan:
    """The slots of one job, `wanted` at a time."""

    def __init__(self, wanted: int, start_s: float) -> None:
        self._wanted, self._start_s = wanted, start_s
        self._coming: deque[float] = deque()  # when each was placed
        self._ventilator: int | None = None  # number of the ventilator
        self._settled_at = 0.0  # from then on, a worker that joins is new
        self._joined = 0
        self._state: State | None = None
        self.has_joined = False  # whether any worker has ever joined

    def hear(self, state: State, now: float) -> None:
        """Take in a state of the ventilator."""
        joined = 0 if state.joined is UNSET else state.joined
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
        if state.turns.is_all and state.workers:
            return 0  # workers have all lines that are left
        return max(self._wanted - state.workers - len(self._coming), 0)


def life_s(slot_s: float, number: int) -> float:
    """Return how long the slot of this number works, so that not all are replaced at once."""
    return slot_s * (_EARLIEST + (1 - _EARLIEST) * (number * _GOLDEN % 1.0))
