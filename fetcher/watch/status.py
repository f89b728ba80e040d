"""`fetcher status`: how far a job is, from its files alone, during and after a run."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

import msgspec

from fetcher.commit.rate import recent, together
from fetcher.protocol.totals import Totals, sum_of
from fetcher.store.lock import is_locked
from fetcher.store.reader import Part, missing_sinks, read_all, url_lines_of
from fetcher.watch import client
from fetcher.watch.job_view import Live


class Status(msgspec.Struct, frozen=True):
    """One look at a job; `state` is running, paused (as far as is known), stopped or complete.

    For both rates see fetcher.commit.rate.
    """

    job: str
    input: str
    state: str
    rows: int
    url_lines: int | None
    url_lines_exact: bool
    rate_per_s: float | None  # now; None unless it is running
    average_per_s: float | None
    worked_s: float | None
    updated_s_ago: float | None
    totals: Totals
    absent: list[str]  # sinks of the job that were not looked at
    retry_of: str | None  # the output directory whose lines it is of, where not all
    live: Live | None  # what its ventilator says, where one of this host answers


def look(outs: Sequence[Path]) -> Status:
    """The status of the job in `outs`, one of each sink. Raises ConflictError, DamageError."""
    parts = read_all(outs)
    total, exact = _url_lines(parts)
    states = {_state(part) for part in parts}
    updated = [part.view.updated_at_s for part in parts if part.view.updated_at_s is not None]
    works = [part.view.work for part in parts if part.view.work is not None]
    work = together(works) if len(works) == len(parts) else None
    totals = sum_of(part.view.recovered.totals for part in parts)
    first = parts[0].manifest
    state: str = next(each for each in ("running", "stopped", "complete") if each in states)
    told = _told(parts) if state == "running" else None
    if told is not None and told.phase == "paused":
        state = "paused"
    return Status(
        job=first.job,
        input=first.input.name,
        state=state,
        rows=totals.rows,
        url_lines=total,
        url_lines_exact=exact,
        rate_per_s=_rate_now(parts, told) if state == "running" else None,
        average_per_s=work.per_s if work else None,
        worked_s=work.seconds if work else None,
        updated_s_ago=max(time.time() - max(updated), 0.0) if updated else None,
        totals=totals,
        absent=missing_sinks(parts),
        retry_of=first.selection.parent if first.selection else None,
        live=told,
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


def _told(parts: Sequence[Part]) -> Live | None:
    for part in parts:
        told = client.near_look(part.out)
        if told is not None:
            return told
    return None


def _rate_now(parts: Sequence[Part], told: Live | None) -> float | None:
    if told is not None:
        return told.rate_per_s
    now_s = time.time()
    found = [
        recent(part.view.marks, part.view.recovered.totals.rows, now_s)
        for part in parts
        if _state(part) == "running"
    ]
    rates = [each for each in found if each is not None]
    return sum(rates) if rates else None
