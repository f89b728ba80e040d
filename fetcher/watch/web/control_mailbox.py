"""Passes the newest look from the ventilator's loop to the page, and commands from the page back.

The loop puts a look, a visitor's thread reads it; a visitor sets a flag, the loop acts on it.
Neither waits for the other. Commands are idempotent: a flag names the wanted state.
"""

from __future__ import annotations

import time
from typing import Final

from fetcher.protocol import messages
from fetcher.watch.history import History, Point

_WATCHED_S: Final = 5.0  # after a visit


class ControlMailbox:
    """The mailbox of one ventilator; `is_on`: a page is served."""

    def __init__(self, *, is_on: bool = False, is_paused: bool = False) -> None:
        self.is_on = is_on
        self.shall_pause = is_paused
        self.shall_stop = False
        self.history = History()
        self._latest: tuple[messages.State, messages.Roster] | None = None
        self._is_seen = True  # a visitor has read the latest look
        self._visited_at = -_WATCHED_S

    def put(self, state: messages.State, roster: messages.Roster, most_in_flight: int) -> None:
        """Replace the look (called by the loop); `most_in_flight`: within the last heartbeats."""
        self._latest, self._is_seen = (state, roster), False
        if state.phase != "starting":
            self.history.add(Point(time.time(), state.totals.rows, most_in_flight))

    def visit(self) -> tuple[messages.State, messages.Roster] | None:
        """The newest look (called by a visitor); None before the first."""
        self._visited_at = time.monotonic()
        latest, self._is_seen = self._latest, True
        return latest

    def is_watched(self, now: float) -> bool:
        """Whether somebody has the page open."""
        return now - self._visited_at < _WATCHED_S

    def has_viewer(self, now: float) -> bool:
        """Whether a visitor is about to read the latest look, and has not done so yet."""
        return not self._is_seen and self.is_watched(now)
