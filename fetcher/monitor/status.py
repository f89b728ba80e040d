"""`fetcher status`: how far a job is, from its files alone, during and after a run."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import msgspec

from fetcher.core.tally import Totals, sum_of
from fetcher.monitor import live
from fetcher.store.lock import is_locked
from fetcher.store.rows import Part, absent, read_all, url_lines_of

_RECENT_S: Final = 60


class Status(msgspec.Struct, frozen=True):
    """One look at a job; `state` is running, paused (as far as is known), stopped or complete."""

    job: str
    input: str
    state: str
    rows: int
    url_lines: int | None
    url_lines_exact: bool
    rate_per_s: float | None  # over the last minute of work
    updated_s_ago: float | None
    totals: Totals
    absent: list[str]  # sinks of the job that were not looked at
    retry_of: str | None  # the output directory whose lines it is of, where not all


def look(outs: Sequence[Path]) -> Status:
    """The status of the job in `outs`, one of each sink. Raises ConflictError, DamageError."""
    parts = read_all(outs)
    total, exact = _url_lines(parts)
    states = {_state(part) for part in parts}
    updated = [part.view.updated_at_s for part in parts if part.view.updated_at_s is not None]
    rates = [rate for part in parts if (rate := _rate(part)) is not None]
    totals = sum_of(part.view.recovered.totals for part in parts)
    first = parts[0].manifest
    state: str = next(each for each in ("running", "stopped", "complete") if each in states)
    if state == "running" and any(live.is_paused(part.out) for part in parts):
        state, rates = "paused", []
    return Status(
        job=first.job,
        input=first.input.name,
        state=state,
        rows=totals.rows,
        url_lines=total,
        url_lines_exact=exact,
        rate_per_s=sum(rates) if rates else None,
        updated_s_ago=max(time.time() - max(updated), 0.0) if updated else None,
        totals=totals,
        absent=absent(parts),
        retry_of=first.selection.parent if first.selection else None,
    )


def _state(part: Part) -> str:
    if part.manifest.state == "complete":
        return "complete"
    return "running" if is_locked(part.out) else "stopped"


def _url_lines(parts: Sequence[Part]) -> tuple[int | None, bool]:
    """The URL lines of these sinks, and whether that is exact."""
    counted = url_lines_of(parts)
    if counted is not None:
        return counted, True
    whole, exact = parts[0].view.source.total()
    of = parts[0].manifest.share.of
    if whole is None or of == 1:
        return whole, exact
    return round(whole * len(parts) / of), False


def _rate(part: Part) -> float | None:
    marks, updated_s = part.view.marks, part.view.updated_at_s
    rows = part.view.recovered.totals.rows
    if not marks or updated_s is None:
        return None
    first_s, first = next(mark for mark in marks if mark[0] >= marks[-1][0] - _RECENT_S)
    if updated_s - first_s < 1:
        return None
    return (rows - first) / (updated_s - first_s)
