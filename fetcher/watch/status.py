"""`fetcher status`: how far a job is, from its files alone, during and after a run."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

import msgspec

from fetcher.commit.rate import recent, together
from fetcher.input.source_info import SourceInfo
from fetcher.protocol.totals import Totals, sum_of
from fetcher.store.lock import is_locked
from fetcher.store.manifest import Manifest
from fetcher.store.reader import Part, missing_sinks, read_all, url_lines_of
from fetcher.watch import client
from fetcher.watch.crawl_view import CrawlView, view_of
from fetcher.watch.job_view import JobView


class Status(msgspec.Struct, frozen=True):
    """One look at a job by its files. The field names are the public JSON of `status --json`.

    `state`: running, paused (where a ventilator says so), stopped or complete. For both rates see
    fetcher.commit.rate.
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
    retry_of: str | None  # of a retry: the output directory whose lines are fetched again
    refresh_of: str | None  # of a refresh: the output directory of the earlier job
    crawl: CrawlView | None  # None: the job is a list
    live: JobView | None  # what its ventilator says, where one answers on this host


def look(outs: Sequence[Path]) -> Status:
    """The status of the job in `outs`, one of each sink. Raises ConflictError, DamageError."""
    parts = read_all(outs)
    total, exact = _url_lines(parts)
    states = {state_of(part.manifest, part.out) for part in parts}
    updated = [part.view.updated_at_s for part in parts if part.view.updated_at_s is not None]
    works = [part.view.work for part in parts if part.view.work is not None]
    work = together(works) if len(works) == len(parts) else None
    totals = sum_of(part.view.recovered.totals for part in parts)
    first = parts[0].manifest
    state: str = next(each for each in ("running", "stopped", "complete") if each in states)
    live = _ask_ventilator(parts) if state == "running" else None
    if live is not None and live.phase == "paused":
        state = "paused"
    return Status(
        job=first.job,
        input=first.input.name,
        state=state,
        rows=totals.rows,
        url_lines=total,
        url_lines_exact=exact,
        rate_per_s=_rate_now(parts, live) if state == "running" else None,
        average_per_s=work.per_s if work else None,
        worked_s=work.seconds if work else None,
        updated_s_ago=max(time.time() - max(updated), 0.0) if updated else None,
        totals=totals,
        absent=missing_sinks(parts),
        retry_of=first.selection.parent if first.selection else None,
        refresh_of=first.refresh.parent if first.refresh else None,
        crawl=_crawl_of(parts[0]),
        live=live,
    )


def _crawl_of(part: Part) -> CrawlView | None:
    record = part.view.crawl
    return None if record is None else view_of(record.totals)


def state_of(found: Manifest, out: Path) -> str:
    """complete, running or stopped: by the manifest, and by the lock that a running sink holds."""
    if found.state == "complete":
        return "complete"
    return "running" if is_locked(out) else "stopped"


def estimated_lines(source: SourceInfo, sinks: int, of: int) -> tuple[int | None, bool]:
    """The URL lines of `sinks` among `of` sinks, and whether the number is exact; None: unknown."""
    total, exact = source.total()
    if total is None or of == 1:
        return total, exact
    return round(total * sinks / of), False


def _url_lines(parts: Sequence[Part]) -> tuple[int | None, bool]:
    counted = url_lines_of(parts)
    if counted is not None:
        return counted, True
    if parts[0].manifest.crawl is not None:
        return None, False
    return estimated_lines(parts[0].view.source, len(parts), parts[0].manifest.share.of)


def _ask_ventilator(parts: Sequence[Part]) -> JobView | None:
    looks = (client.near_look(part.out) for part in parts)
    return next((job for job in looks if job is not None), None)


def _rate_now(parts: Sequence[Part], live: JobView | None) -> float | None:
    if live is not None:
        return live.rate_per_s
    now_s = time.time()
    found = [
        recent(part.view.marks, part.view.recovered.totals.rows, now_s)
        for part in parts
        if state_of(part.manifest, part.out) == "running"
    ]
    rates = [rate for rate in found if rate is not None]
    return sum(rates) if rates else None
