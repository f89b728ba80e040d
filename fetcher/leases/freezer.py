"""Freezes and thaws shares of the list; meanwhile none of their lines is handed out or expires.

Which shares are frozen, and since when: leases.frozen_shares. No time of leases and workers runs on
while their share is frozen.
"""

from __future__ import annotations

from fetcher.leases.ledger_state import LedgerState


class Freezer:
    """Changes the state of a ledger when a sink is away or back, and in a pause."""

    def __init__(self, state: LedgerState) -> None:
        self._state = state
        self._frozen = state.frozen

    def freeze(self, now: float, index: int) -> None:
        """The share's sink is away or cannot commit."""
        self._frozen.freeze(now, index)
        # Its leases in the pipe of a dead worker do not expire; they must not count for ever.
        for lease in self._state.book.leases_of(index):
            lease.is_excused = True
            self._state.flow(lease).exclude(lease)

    def thaw(self, now: float, index: int) -> None:
        """The sink is back: its share goes on, unless all is paused."""
        if self._frozen.is_cut_off(index):
            for lease in self._state.book.leases_of(index):
                self._state.flow(lease).include(lease)
        was_all_frozen = self._frozen.is_all_frozen
        frozen_s = self._frozen.thaw(now, index)
        if frozen_s is not None:
            self._go_on(now, {index: frozen_s}, was_all_frozen=was_all_frozen)

    def resume(self, now: float) -> None:
        """End the pause; shares whose sink is away stay frozen."""
        was_all_frozen = self._frozen.is_all_frozen
        frozen_s = self._frozen.resume(now)
        if frozen_s:
            self._go_on(now, frozen_s, was_all_frozen=was_all_frozen)

    def _go_on(self, now: float, frozen_s: dict[int, float], *, was_all_frozen: bool) -> None:
        """Move the times of leases by the seconds for which their share was frozen."""
        if was_all_frozen:  # nobody checked whether workers are silent
            self._state.workers.restart_clocks(now)
        for index, seconds in frozen_s.items():
            for lease in self._state.book.leases_of(index):
                lease.expires_at += seconds
                lease.issued_at += seconds
                lease.seen_at += seconds
