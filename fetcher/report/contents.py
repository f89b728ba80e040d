"""What a report says, section by section: plain data, which page.py and text.py only show.

Pure. Every text that comes from a row or the manifest passes `shares.plain`. In JSON, for
`report --json`, the fields of all sections stand side by side under their public names.
"""

from __future__ import annotations

from collections import Counter
from http import HTTPStatus
from typing import Any, Final

import msgspec

from fetcher.commit.rate import Work
from fetcher.model import Outcome
from fetcher.report.aggregate import Aggregate
from fetcher.report.crawl import Crawl, crawl
from fetcher.report.errors import Errors, errors
from fetcher.report.hosts import Hosts, hosts
from fetcher.report.job import Job, SettingShown
from fetcher.report.plots import LatencyPlot, SizePlot, TimePlot, latency_plot, size_plot, time_plot
from fetcher.report.shares import (
    Quantiles,
    Share,
    by_number,
    most_frequent,
    plain,
    quantiles,
    share,
)
from fetcher.report.timeline import Drawn

_MOST_NAMES: Final = 15
_MOST_WORKERS: Final = 40


class Outcomes(msgspec.Struct, frozen=True):
    """How the rows ended."""

    rows: int
    ok: int
    failed: int
    answered: int  # rows with a status
    by_outcome: list[Share] = msgspec.field(name="outcomes")
    by_status: list[Share] = msgspec.field(name="statuses")  # of the answered


class Times(msgspec.Struct, frozen=True):
    """When the rows ended; Unix times, None where no row has one."""

    first_s: float | None
    last_s: float | None
    worked_s: float | None
    average_per_s: float | None
    untimed: int  # rows without a time
    plot: TimePlot = msgspec.field(name="time")


class Latency(msgspec.Struct, frozen=True):
    """How long fetches took, by phase."""

    phases: list[Quantiles]  # milliseconds
    plot: LatencyPlot = msgspec.field(name="latency")


class Bodies(msgspec.Struct, frozen=True):
    """The answers: how many bodies, their types and their sizes."""

    body_bytes: int  # decoded
    wire_bytes: int  # received
    unchanged: int  # of a refresh: answers with the body of the earlier job
    sizes: Quantiles | None  # bytes of decoded bodies
    plot: SizePlot = msgspec.field(name="size_plot")
    types: list[Share]
    versions: list[Share]  # of HTTP


class Tries(msgspec.Struct, frozen=True):
    """Attempts, redirects, and who did the work."""

    attempts: list[Share]
    retried: int
    mean_attempts: float | None  # of the lines that were tried at all
    saved_by_retry: int
    hops: list[Share]
    redirected: int
    workers: list[Share]


class Contents(msgspec.Struct, frozen=True):
    """The report, written at `written_at_s` (Unix time)."""

    job: Job
    written_at_s: float
    outcomes: Outcomes
    times: Times
    latency: Latency
    errors: Errors
    hosts: Hosts
    bodies: Bodies
    tries: Tries
    settings: list[SettingShown]
    crawl: Crawl | None = None  # None: the job is a list

    @property
    def changed(self) -> list[SettingShown]:
        """The settings that are not at their default."""
        return [setting for setting in self.settings if setting.changed]

    @property
    def done_share(self) -> float | None:
        """Rows of URL lines, 0 to 1; None while the number of lines is unknown."""
        lines, rows = self.job.url_lines, self.outcomes.rows
        return None if lines is None else rows / lines if lines else 1.0


def contents(job: Job, sums: Aggregate, now_s: float) -> Contents:
    """The report on these sums, written at `now_s` (Unix time)."""
    return Contents(
        job=_plain_job(job),
        written_at_s=now_s,
        outcomes=_outcomes(sums),
        times=_times(job, sums),
        latency=_latency(sums),
        errors=errors(sums),
        hosts=hosts(sums.hosts),
        bodies=_bodies(sums),
        tries=_tries(sums),
        settings=[_plain_setting(setting) for setting in job.settings],
        crawl=None if job.crawl is None else crawl(job.crawl, sums),
    )


def for_json(report: Contents) -> dict[str, Any]:
    """The report as `report --json` prints it: no key may be renamed."""
    found: dict[str, Any] = {
        "job": report.job,
        "written_at_s": report.written_at_s,
        "hosts": report.hosts,
        "settings": report.settings,
        "crawl": report.crawl,
    }
    for section in (
        report.outcomes,
        report.times,
        report.latency,
        report.errors,
        report.bodies,
        report.tries,
    ):
        found |= msgspec.to_builtins(section)
    return found


def _plain_job(job: Job) -> Job:
    return msgspec.structs.replace(
        job,
        input=plain(job.input),
        input_path=plain(job.input_path),
        versions={plain(name): plain(version) for name, version in job.versions.items()},
    )


def _plain_setting(setting: SettingShown) -> SettingShown:
    default = None if setting.default is None else plain(setting.default)
    return SettingShown(plain(setting.name), plain(setting.value), default)


def _outcomes(sums: Aggregate) -> Outcomes:
    found = [(outcome.value, sums.outcomes[outcome]) for outcome in Outcome]
    statuses = sorted(sums.statuses.items())
    return Outcomes(
        rows=sums.rows,
        ok=sums.rows - sums.failed,
        failed=sums.failed,
        answered=sums.answered,
        by_outcome=[share(name, rows, sums.rows) for name, rows in found if rows],
        by_status=[share(_status(code), rows, sums.answered) for code, rows in statuses],
    )


def _status(code: int) -> str:
    try:
        return f"{code} {HTTPStatus(code).phrase}"
    except ValueError:
        return str(code)


def _times(job: Job, sums: Aggregate) -> Times:
    drawn = sums.timeline.drawn()
    work = job.work or _timed_work(sums, drawn)
    return Times(
        first_s=sums.first_s,
        last_s=sums.last_s,
        worked_s=work.seconds if work else None,
        average_per_s=work.per_s if work else None,
        untimed=sums.untimed,
        plot=time_plot(drawn),
    )


def _timed_work(sums: Aggregate, drawn: Drawn) -> Work | None:
    """The work by the times in the rows, for a job of a version that did not count it."""
    if sums.first_s is None or sums.last_s is None:
        return None
    paused_s = sum(seconds for _, seconds in drawn.pauses)
    return Work(sums.rows, max(sums.last_s - sums.first_s - paused_s, 0.0))


def _latency(sums: Aggregate) -> Latency:
    all_ms = {**sums.phases_ms, "total": sums.total_ms, "no answer": sums.unanswered_ms}
    timed = {name: values for name, values in all_ms.items() if values.number}
    phases = [quantiles(name, values) for name, values in timed.items()]
    return Latency(phases, latency_plot(timed))


def _bodies(sums: Aggregate) -> Bodies:
    return Bodies(
        body_bytes=sums.body_bytes,
        wire_bytes=sums.wire_bytes,
        unchanged=sums.unchanged,
        sizes=quantiles("body", sums.sizes) if sums.sizes.number else None,
        plot=size_plot(sums.sizes),
        types=most_frequent(sums.types, _MOST_NAMES, sums.answered),
        versions=most_frequent(sums.versions, _MOST_NAMES, sums.answered),
    )


def _tries(sums: Aggregate) -> Tries:
    return Tries(
        attempts=by_number(sums.attempts, sums.rows),
        retried=sums.retried,
        mean_attempts=_mean_attempts(sums.attempts),
        saved_by_retry=sums.saved_by_retry,
        hops=by_number(sums.hops, sums.answered),
        redirected=sums.answered - sums.hops[0],
        workers=most_frequent(sums.workers, _MOST_WORKERS, sums.rows),
    )


def _mean_attempts(counts: Counter[int]) -> float | None:
    tried = sum(rows for attempts, rows in counts.items() if attempts)
    total = sum(attempts * rows for attempts, rows in counts.items())
    return total / tried if tried else None
