"""Decides when workers leave a job that runs elsewhere before it is complete.

Nothing here waits or reads a clock: times are arguments, in seconds of one monotonic clock.
"""

from __future__ import annotations

import enum

from fetcher.protocol.messages import State


class Leave(enum.StrEnum):
    """Why the workers leave; the values are for people and for an engine's display."""

    SILENT = "no ventilator was heard"
    OTHER_JOB = "the ventilator has another job"
    STOPPING = "the job is being stopped"
    TIME_IS_UP = "the slot's time is up"


class Patience:
    """What the workers of one supervisor wait for.

    `patience_s`: how long they wait for a ventilator; 0: for ever. `job`: they work for this job
    only, and leave when it is stopped; "": for any. `life_s`: how long they stay once they have
    heard a ventilator; 0: for ever.
    """

    def __init__(
        self, now: float, patience_s: float = 0.0, job: str = "", life_s: float = 0.0
    ) -> None:
        self._patience_s = patience_s
        self._job = job
        self._heard_at = now
        self._leave: Leave | None = None
        self._life_s = life_s
        self._until: float | None = None

    def hear(self, state: State, now: float) -> None:
        """Take in a state of the ventilator."""
        self._heard_at = now
        if self._until is None and self._life_s:
            self._until = now + self._life_s
        if not self._job:
            return
        if state.job not in ("", self._job):
            self._leave = self._leave or Leave.OTHER_JOB
        elif state.phase == "stopping":
            self._leave = self._leave or Leave.STOPPING

    def leave(self, now: float) -> Leave | None:
        """Return why the workers leave now; None: they stay. Once they leave, it is final."""
        if self._leave is None:
            if self._until is not None and now >= self._until:
                self._leave = Leave.TIME_IS_UP
            elif self._patience_s and now - self._heard_at > self._patience_s:
                self._leave = Leave.SILENT
        return self._leave
