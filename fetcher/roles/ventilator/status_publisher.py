"""Publishes the ventilator's status: on its ports, and as a roster on the control socket.

Nothing here decides anything. The roster is sent for a short while after each question, and only
then, as everything on the control socket goes to all peers.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Final

from msgspec import UNSET

from fetcher.commit.rate import Rate
from fetcher.leases import lease_stats
from fetcher.leases.ledger import Ledger
from fetcher.protocol import bounds, messages
from fetcher.telemetry import drops
from fetcher.telemetry.numbers import VentilatorNumbers
from fetcher.telemetry.snapshot import Snapshot
from fetcher.watch.web.control_mailbox import ControlMailbox
from fetcher.watch.workers import WorkerTable

_ANSWER_S: Final = 3.0  # how long a question is answered


class StatusPublisher:
    """The status of one ventilator: its numbers, its page, its roster."""

    def __init__(self, snapshot: Snapshot[VentilatorNumbers], mailbox: ControlMailbox) -> None:
        self._snapshot = snapshot
        self._mailbox = mailbox
        self._workers = WorkerTable()
        self._rate = Rate()
        self._answer_until = 0.0

    def receive(
        self, event: messages.Heartbeat | messages.Progress | messages.Look, now: float
    ) -> None:
        """Take in what a worker says about itself, or a question for the roster."""
        match event:
            case messages.Heartbeat():
                self._workers.heartbeat(event, now)
            case messages.Progress():
                self._workers.progress(event, now)
            case messages.Look():
                self._answer_until = now + _ANSWER_S

    def is_watched(self, now: float) -> bool:
        """Return whether somebody looks at the job, so that workers send samples."""
        return now < self._answer_until or self._mailbox.is_watched(now)

    def in_flight(self, living: Collection[str]) -> int:
        """Return the number of fetches in flight in these workers, as they said last."""
        self._workers.keep(living)
        return self._workers.in_flight

    @property
    def turns_s(self) -> float:
        """How many seconds the job will still last because of politeness, as workers said last."""
        return self._workers.turns_s

    def publish(
        self,
        state: messages.State,
        ledger: Ledger,
        now: float,
        *,
        lines_read: int,
        hosts: int,
        sinks_silent_s: tuple[float, ...],
        trouble: str,
        routes: Sequence[messages.RouteLoad] = (),
    ) -> messages.Roster | None:
        """Publish the numbers; return the roster to send now, None if nobody has asked.

        To be called with each state that is sent.
        """
        self._rate.hear(now, state)
        if self._snapshot.is_due(now):
            numbers = VentilatorNumbers(
                trouble=trouble,
                dropped=dict(drops.DROPPED),
                refused=dict(drops.REFUSED),
                state=state,
                table=lease_stats.collect(ledger, now),
                lines_read=lines_read,
                hosts=hosts,
                sinks_silent_s=sinks_silent_s,
                routes=tuple(routes),
            )
            self._snapshot.put(numbers, now)
        if not self._mailbox.is_on and now >= self._answer_until:
            return None
        roster = self._roster(state.job, ledger, now, trouble, routes)
        if self._mailbox.is_on:
            self._mailbox.put(state, roster, self._workers.most_in_flight)
        return roster if now < self._answer_until else None

    def _roster(
        self,
        job: str,
        ledger: Ledger,
        now: float,
        trouble: str,
        routes: Sequence[messages.RouteLoad],
    ) -> messages.Roster:
        table = lease_stats.collect(ledger, now)
        workers, unlisted = self._workers.members(table.by_worker, now)
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
            samples=self._workers.samples(),
            routes=[*routes] or UNSET,
        )
