"""Where a role's loop leaves its newest numbers, and whoever serves them takes them.

Law: the loop replaces the whole, frozen; a server's thread only ever reads the reference. A role
that nobody looks at makes no numbers.
"""

from __future__ import annotations

import math
import time
from typing import Final, Generic, TypeVar

Numbers = TypeVar("Numbers")

EVERY_S: Final = 0.5


class Snapshot(Generic[Numbers]):
    """One role's; `is_on`: somebody may look."""

    def __init__(self, *, is_on: bool) -> None:
        self.is_on = is_on
        self._due_at = 0.0 if is_on else math.inf
        self._latest: tuple[Numbers | None, float] = (None, time.monotonic())

    def is_due(self, now: float) -> bool:
        """Whether new numbers should be put up; never where nobody looks."""
        return now >= self._due_at

    def put(self, numbers: Numbers, now: float) -> None:
        """Replace what is there. The loop turns, as it does this."""
        self._latest = (numbers, now)
        self._due_at = now + EVERY_S

    def latest(self) -> tuple[Numbers | None, float]:
        """The newest numbers (None before the first), and when the loop was last seen to turn."""
        return self._latest
