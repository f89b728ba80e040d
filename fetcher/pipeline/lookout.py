"""What the ventilator shows of itself: on its ports, and to whoever asks on the control socket.

Law: nothing here decides anything. Who has asked is told for a short while, and only then: the
answer goes to every peer, as all that is said there does.
"""

from __future__ import annotations

from typing import Final

from fetcher.core import lease_table, wire
from fetcher.core.ledger import Ledger
from fetcher.core.members import Members
from fetcher.core.rate import Rate
from fetcher.telemetry import counts
from fetcher.telemetry.board import Board
from fetcher.telemetry.numbers import VentilatorNumbers
from fetcher.web.desk import Desk

_SHOW_S: Final = 3.0  # after a question


class Lookout:
    """One for a ventilator."""

    def __init__(self, board: Board[VentilatorNumbers], desk: Desk) -> None:
        self._board = board
        self._desk = desk
        self._members = Members()
        self._rate = Rate()
        self._show_until = 0.0

    def hear(self, event: wire.Heartbeat | wire.Progress | wire.Look, now: float) -> None:
        match event:
            case wire.Heartbeat():
                self._members.heartbeat(event, now)
            case wire.Progress():
                self._members.progress(event, now)
            case wire.Look():
                self._show_until = now + _SHOW_S

    def is_watched(self, now: float) -> bool:
        """Whether somebody looks, so that workers shall give a glimpse."""
        return now < self._show_until or self._desk.is_watched(now)

    def in_flight(self, living: list[str]) -> int:
        """Fetches of these workers, as they said last."""
        self._members.keep(living)
        return self._members.in_flight

    @property
    def turns_s(self) -> float:
        """How long politeness makes the job last still, as workers said last."""
        return self._members.turns_s

    def show(
        self,
        state: wire.State,
        ledger: Ledger,
        now: float,
        *,
        lines_read: int,
        hosts: int,
        sinks_silent_s: tuple[float, ...],
        trouble: str,
    ) -> wire.Roster | None:
        """Put the numbers on the board; the roster to tell now, None where nobody has asked.

        To be called with each state that is told.
        """
        self._rate.hear(now, state)
        if self._board.is_due(now):
            numbers = VentilatorNumbers(
                trouble=trouble,
                dropped=dict(counts.DROPPED),
                refused=dict(counts.REFUSED),
                state=state,
                table=lease_table.look(ledger, now),
                lines_read=lines_read,
                hosts=hosts,
                sinks_silent_s=sinks_silent_s,
            )
            self._board.put(numbers, now)
        if not self._desk.is_on and now >= self._show_until:
            return None
        roster = self._roster(state.job, ledger, now, trouble)
        if self._desk.is_on:
            self._desk.put(state, roster, self._members.most_in_flight)
        return roster if now < self._show_until else None

    def _roster(self, job: str, ledger: Ledger, now: float, trouble: str) -> wire.Roster:
        table = lease_table.look(ledger, now)
        workers, unlisted = self._members.look(table.by_worker, now)
        oldest = table.oldest or lease_table.OldestLine(0, 0.0, "")
        return wire.Roster(
            job=job,
            trouble=trouble[: wire.MAX_TEXT],
            rate_per_s=self._rate.per_s(),
            leases=table.sent + table.claimed + table.finished,
            leased_lines=table.lines,
            open_batches=table.open_batches,
            waiting=table.waiting,
            oldest_line=oldest.line,
            oldest_s=oldest.age_s,
            oldest_worker=oldest.worker,
            workers=workers,
            unlisted=unlisted,
            glimpse=self._members.glimpse(),
        )
