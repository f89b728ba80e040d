"""Where the ventilator's loop leaves its newest look for the page, and finds what visitors want.

Law: the loop replaces, a visitor's thread reads; a visitor leaves a wish, the loop carries it out.
Neither waits for the other. A wish may be repeated: it says what shall be, not what to change.
"""

from __future__ import annotations

import time
from typing import Final

from fetcher.protocol import messages
from fetcher.watch.history import History, Point

_WATCHED_S: Final = 5.0  # after a visit


class ControlMailbox:
    """One for a ventilator; `is_on`: there is a page."""

    def __init__(self, *, is_on: bool = False, is_paused: bool = False) -> None:
        self.is_on = is_on
        self.shall_pause = is_paused
        self.shall_stop = False
        self.history = History()
        self._latest: tuple[messages.State, messages.Roster] | None = None
        self._is_seen = True  # a visitor has had the latest
        self._visited_at = -_WATCHED_S

    def put(self, state: messages.State, roster: messages.Roster, most_in_flight: int) -> None:
        """The newest look, by the loop; `most_in_flight`: within the last heartbeats."""
        self._latest, self._is_seen = (state, roster), False
        if state.phase != "starting":
            self.history.add(Point(time.time(), state.totals.rows, most_in_flight))

    def visit(self) -> tuple[messages.State, messages.Roster] | None:
        """The newest look, by a visitor; None before the first."""
        self._visited_at = time.monotonic()
        latest, self._is_seen = self._latest, True
        return latest

    def is_watched(self, now: float) -> bool:
        """Whether somebody looks at the page."""
        return now - self._visited_at < _WATCHED_S

    def is_looked_for(self, now: float) -> bool:
        """Whether a visitor will want the latest, and has not had it."""
        return not self._is_seen and self.is_watched(now)
