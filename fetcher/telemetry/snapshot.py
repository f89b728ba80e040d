"""Passes a role's newest numbers from its loop to the threads that serve them.

The loop replaces one frozen object; a server's thread only reads the reference. Without a port no
numbers are made.
"""

from __future__ import annotations

import math
import time
from typing import Final, Generic, TypeVar

Numbers = TypeVar("Numbers")

EVERY_S: Final = 0.5  # between two updates


class Snapshot(Generic[Numbers]):
    """The newest numbers of one role; `is_on`: a port serves them."""

    def __init__(self, *, is_on: bool) -> None:
        self.is_on = is_on
        self._due_at = 0.0 if is_on else math.inf
        self._latest: tuple[Numbers | None, float] = (None, time.monotonic())

    def is_due(self, now: float) -> bool:
        """Whether new numbers should be put; never without a port."""
        return now >= self._due_at

    def put(self, numbers: Numbers, now: float) -> None:
        """Replace the numbers. The call also shows that the role's loop runs."""
        self._latest = (numbers, now)
        self._due_at = now + EVERY_S

    def latest(self) -> tuple[Numbers | None, float]:
        """The newest numbers (None before the first), and their time in monotonic seconds."""
        return self._latest
