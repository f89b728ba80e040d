"""What the ventilator shows of itself: on its ports, and to whoever asks on the control socket.

Law: nothing here decides anything. Who has asked is told for a short while, and only then: the
answer goes to every peer, as all that is said there does.
"""

from __future__ import annotations

from typing import Final

from fetcher.commit.rate import Rate
from fetcher.leases import lease_stats
from fetcher.leases.ledger import Ledger
from fetcher.protocol import bounds, messages
from fetcher.telemetry import drops
from fetcher.telemetry.numbers import VentilatorNumbers
from fetcher.telemetry.snapshot import Snapshot
from fetcher.watch.web.control_mailbox import ControlMailbox
from fetcher.watch.workers import WorkerTable

_SHOW_S: Final = 3.0  # after a question


class StatusPublisher:
    """One for a ventilator."""

    def __init__(self, board: Snapshot[VentilatorNumbers], desk: ControlMailbox) -> None:
        self._board = board
        self._desk = desk
        self._members = WorkerTable()
        self._rate = Rate()
        self._show_until = 0.0

    def hear(
        self, event: messages.Heartbeat | messages.Progress | messages.Look, now: float
    ) -> None:
        match event:
            case messages.Heartbeat():
                self._members.heartbeat(event, now)
            case messages.Progress():
                self._members.progress(event, now)
            case messages.Look():
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
        state: messages.State,
        ledger: Ledger,
        now: float,
        *,
        lines_read: int,
        hosts: int,
        sinks_silent_s: tuple[float, ...],
        trouble: str,
    ) -> messages.Roster | None:
        """Put the numbers on the board; the roster to tell now, None where nobody has asked.

        To be called with each state that is told.
        """
        self._rate.hear(now, state)
        if self._board.is_due(now):
            numbers = VentilatorNumbers(
                trouble=trouble,
                dropped=dict(drops.DROPPED),
                refused=dict(drops.REFUSED),
                state=state,
                table=lease_stats.collect(ledger, now),
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

    def _roster(self, job: str, ledger: Ledger, now: float, trouble: str) -> messages.Roster:
        table = lease_stats.collect(ledger, now)
        workers, unlisted = self._members.look(table.by_worker, now)
        oldest = table.oldest or lease_stats.OldestLine(0, 0.0, "")
        return messages.Roster(
            job=job,
            trouble=trouble[: bounds.MAX_TEXT],
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
