"""`fetcher status`: how far a job is, from its files alone, during and after a run."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Final

import msgspec

from fetcher.core.tally import Totals
from fetcher.monitor.audit import read_both
from fetcher.store.lock import is_locked

_RECENT_S: Final = 60


class Status(msgspec.Struct, frozen=True):
    """One look at a job; `state` is running, stopped or complete."""

    job: str
    input: str
    state: str
    rows: int
    url_lines: int | None
    url_lines_exact: bool
    rate_per_s: float | None  # over the last minute of work
    updated_s_ago: float | None
    totals: Totals


def look(out: Path) -> Status:
    """The status of the job in `out`. Raises ConflictError, DamageError."""
    manifest, view = read_both(out)
    total, exact = view.source.total()
    state = manifest.state
    if state != "complete":
        state = "running" if is_locked(out) else "stopped"
    updated = view.updated_at_s
    return Status(
        job=manifest.job,
        input=manifest.input.name,
        state=state,
        rows=view.recovered.totals.rows,
        url_lines=total,
        url_lines_exact=exact,
        rate_per_s=_rate(view.marks, updated, view.recovered.totals.rows),
        updated_s_ago=None if updated is None else max(time.time() - updated, 0.0),
        totals=view.recovered.totals,
    )


def _rate(marks: list[tuple[int, int]], updated_s: float | None, rows: int) -> float | None:
    if not marks or updated_s is None:
        return None
    first_s, first = next(mark for mark in marks if mark[0] >= marks[-1][0] - _RECENT_S)
    if updated_s - first_s < 1:
        return None
    return (rows - first) / (updated_s - first_s)
