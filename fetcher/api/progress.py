"""How far a job is: a snapshot that does not change."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import msgspec

from fetcher.commit.rate import Work
from fetcher.protocol import messages
from fetcher.protocol.totals import Totals, in_order

State = Literal[
    "new", "starting", "running", "paused", "frozen", "stopping", "complete", "stopped", "failed"
]


class Progress(msgspec.Struct, frozen=True, kw_only=True):
    """One look at a job; its counts are of committed rows, earlier runs of it included.

    `state`: `new` (not started), `starting`, `running`, `paused` (by its page), `frozen` (its rows
    cannot be committed now, as the disk is full; it goes on by itself), `stopping`,
    `complete`, `stopped` (the same job again resumes), `failed` (rows() and wait() raise why).
    """

    state: State = "new"
    rows: int = 0
    total: int | None = None  # inputs; an estimate until `total_exact`, None until there is one
    total_exact: bool = False
    outcomes: Mapping[str, int] = {}
    statuses: Mapping[int, int] = {}  # by HTTP status
    body_bytes: int = 0  # decoded
    in_flight: int = 0
    workers: int = 0
    rate_per_s: float | None = None  # now: over the last ten seconds; None unless it is running
    average_per_s: float | None = None  # over the time at work, all runs; None until it is known

    @property
    def ended(self) -> bool:
        """Whether this job will have no more rows."""
        return self.state in {"complete", "stopped", "failed"}


def from_state(state: messages.State, per_s: float, work: Work | None) -> Progress:
    """The progress of a running job by its newest state; `per_s`: its rate now."""
    total, exact = state.source.total()
    # The phase is `finish` once all is committed; the job is complete when all roles have ended.
    phase: State = "running" if state.phase == "finish" else state.phase
    return with_totals(
        Progress(
            state=phase,
            total=total,
            total_exact=exact,
            in_flight=state.in_flight,
            workers=state.workers,
            rate_per_s=per_s,
            average_per_s=work.per_s if work else None,
        ),
        state.totals,
    )


def with_totals(progress: Progress, totals: Totals) -> Progress:
    """The progress with these counts."""
    return msgspec.structs.replace(
        progress,
        rows=totals.rows,
        outcomes=in_order(totals.outcomes),
        statuses={status: count for status, count in totals.statuses.items() if status},
        body_bytes=totals.body_bytes,
    )


def at_rest(progress: Progress, state: State) -> Progress:
    """The progress once all roles have ended."""
    complete = state == "complete"
    return msgspec.structs.replace(
        progress,
        state=state,
        total=progress.rows if complete else progress.total,
        total_exact=complete or progress.total_exact,
        in_flight=0,
        workers=0,
        rate_per_s=None,
    )
