"""What a report says: sums and facts become plain data, which page.py and text.py only show.

Law: pure. Every text of a row or of the manifest passes `plain`, so that nothing in it acts on a
terminal or turns the page's direction; HTML is the template's to escape.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from http import HTTPStatus
from typing import Final

import msgspec

from fetcher.commit.rate import Work
from fetcher.humanize import escaped
from fetcher.model import Outcome
from fetcher.report.aggregate import MANY_HOPS, Aggregate, Count, Example, Host
from fetcher.report.job import Job, SettingShown
from fetcher.report.plots import LatencyPlot, SizePlot, TimePlot, latency_plot, size_plot, time_plot
from fetcher.report.sketches import Bounded, LogHistogram
from fetcher.report.timeline import Drawn

_MOST_HOSTS: Final = 15
_MOST_ERRORS: Final = 20
_MOST_NAMES: Final = 15
_MOST_WORKERS: Final = 40
_MOST_CHARS: Final = 200

# Under each phase, what a row's timings_ms mean.
_PHASES: Final = {
    "dns": "looking the name up",
    "connect": "until the connection stood; new connections only",
    "tls": "until TLS stood, connecting included; new connections only",
    "first_byte": "until the answer began, all of the last hop before it included",
    "total": "the whole fetch with all its hops, where there was an answer",
    "no answer": "the whole fetch, where no answer came",
}


class Share(msgspec.Struct, frozen=True):
    """One of several parts of the rows; `share` is 0 to 1."""

    name: str
    rows: int
    share: float
    failed: int = 0
    body_bytes: int | None = None  # None: no body came


class Phase(msgspec.Struct, frozen=True):
    """Milliseconds; the quantiles are those of LogHistogram."""

    name: str
    meaning: str
    number: int
    mean: float
    median: float
    p90: float
    p99: float
    highest: float


class HostShown(msgspec.Struct, frozen=True):
    """One host's rows; None is what no row of it has measured."""

    name: str
    rows: int
    failed: int
    mean_ms: float | None
    longest_ms: float | None
    body_bytes: int | None


class Hosts(msgspec.Struct, frozen=True):
    """Three rankings, and what is to be known of them."""

    slowest: list[HostShown]
    slowest_least: int  # rows that a host needs to be among them
    failing: list[HostShown]
    busiest: list[HostShown]
    known: int
    given_up: int
    missed_rows: int
    missed_failed: int


class Failure(msgspec.Struct, frozen=True):
    """Rows that failed alike."""

    outcome: str
    kind: str  # "": none
    text: str
    rows: int
    share: float  # of all failed rows
    examples: list[Example]

    @property
    def name(self) -> str:
        """Its outcome and kind."""
        return f"{self.outcome} {self.kind}".rstrip()


class Contents(msgspec.Struct, frozen=True):
    """The report."""

    job: Job
    written_at_s: float
    rows: int
    ok: int
    failed: int
    answered: int
    first_s: float | None
    last_s: float | None
    worked_s: float | None
    average_per_s: float | None
    untimed: int
    outcomes: list[Share]
    statuses: list[Share]
    time: TimePlot
    phases: list[Phase]
    latency: LatencyPlot
    hosts: Hosts
    kinds: list[Share]  # of the rows that failed, by outcome and kind
    failures: list[Failure]
    failures_not_shown: int  # rows
    body_bytes: int
    wire_bytes: int
    sizes: Phase | None  # bytes, not milliseconds
    size_plot: SizePlot
    types: list[Share]
    versions: list[Share]
    workers: list[Share]
    attempts: list[Share]
    retried: int
    mean_attempts: float | None  # of the lines that were tried at all
    saved_by_retry: int
    hops: list[Share]
    redirected: int
    settings: list[SettingShown]

    @property
    def changed(self) -> list[SettingShown]:
        """The settings that are not at their default."""
        return [each for each in self.settings if each.changed]

    @property
    def done_share(self) -> float | None:
        """Rows of URL lines, 0 to 1; None while the number of lines is unknown."""
        lines = self.job.url_lines
        return None if lines is None else self.rows / lines if lines else 1.0


def contents(job: Job, sums: Aggregate, now_s: float) -> Contents:
    """The report on these sums, written at `now_s` (Unix time)."""
    drawn = sums.timeline.drawn()
    work = job.work or _timed_work(sums, drawn)
    failures = [
        Failure(
            failing.outcome.value,
            failing.kind,
            plain(group.examples[0].error if group.same else key),
            group.rows,
            group.rows / sums.failed,
            [Example(each.line, plain(each.url), plain(each.error)) for each in group.examples],
        )
        for (failing, key), group in sums.errors.top("rows", _MOST_ERRORS)
    ]
    timed = {**sums.phases_ms, "total": sums.total_ms, "no answer": sums.unanswered_ms}
    return Contents(
        job=_plain_job(job),
        written_at_s=now_s,
        rows=sums.rows,
        ok=sums.rows - sums.failed,
        failed=sums.failed,
        answered=sums.answered,
        first_s=sums.first_s,
        last_s=sums.last_s,
        worked_s=work.seconds if work else None,
        average_per_s=work.per_s if work else None,
        untimed=sums.untimed,
        outcomes=[
            _share(outcome.value, sums.outcomes[outcome], sums.rows)
            for outcome in Outcome
            if sums.outcomes[outcome]
        ],
        statuses=[
            _share(_status(code), rows, sums.answered)
            for code, rows in sorted(sums.statuses.items())
        ],
        time=time_plot(drawn),
        phases=[_phase(name, of) for name, of in timed.items() if of.number],
        latency=latency_plot({name: of for name, of in timed.items() if of.number}),
        hosts=_hosts(sums.hosts),
        kinds=[
            _share(failing.name, rows, sums.failed) for failing, rows in sums.kinds.most_common()
        ],
        failures=failures,
        failures_not_shown=sums.failed - sum(each.rows for each in failures),
        body_bytes=sums.body_bytes,
        wire_bytes=sums.wire_bytes,
        sizes=_phase("body", sums.sizes) if sums.sizes.number else None,
        size_plot=size_plot(sums.sizes),
        types=_named(sums.types, _MOST_NAMES, sums.answered),
        versions=_named(sums.versions, _MOST_NAMES, sums.answered),
        workers=_named(sums.workers, _MOST_WORKERS, sums.rows),
        attempts=_numbered(sums.attempts, sums.rows),
        retried=sums.retried,
        mean_attempts=_mean_attempts(sums.attempts),
        saved_by_retry=sums.saved_by_retry,
        hops=_numbered(sums.hops, sums.answered),
        redirected=sums.answered - sums.hops[0],
        settings=[
            SettingShown(
                plain(each.name),
                plain(each.value),
                None if each.default is None else plain(each.default),
            )
            for each in job.settings
        ],
    )


def plain(text: str, most: int = _MOST_CHARS) -> str:
    """At most `most` characters, each of which can be seen: what cannot is escaped."""
    return escaped(text if len(text) <= most else text[: most - 1] + "…")


def _plain_job(job: Job) -> Job:
    return msgspec.structs.replace(
        job,
        input=plain(job.input),
        input_path=plain(job.input_path),
        versions={plain(name): plain(version) for name, version in job.versions.items()},
    )


def _timed_work(sums: Aggregate, drawn: Drawn) -> Work | None:
    """By the times in the rows: nobody has counted the work of an older version."""
    if sums.first_s is None or sums.last_s is None:
        return None
    paused_s = sum(seconds for _, seconds in drawn.pauses)
    return Work(sums.rows, max(sums.last_s - sums.first_s - paused_s, 0.0))


def _share(name: str, rows: int, of: int) -> Share:
    return Share(name, rows, rows / of if of else 0.0)


def _status(code: int) -> str:
    try:
        return f"{code} {HTTPStatus(code).phrase}"
    except ValueError:
        return str(code)


def _phase(name: str, of: LogHistogram) -> Phase:
    mean, median, p90, p99 = of.mean, of.quantile(0.5), of.quantile(0.9), of.quantile(0.99)
    assert mean is not None and median is not None and p90 is not None and p99 is not None
    meaning = _PHASES.get(name, "")
    return Phase(name, meaning, of.number, mean, median, p90, p99, of.highest)


def _hosts(table: Bounded[str, Host]) -> Hosts:
    # A host of one unlucky row is not slow: ask for as many rows as enough hosts have.
    for least in (30, 10, 3, 1):
        timed = [item for item in table.items() if item[1].timed >= least]
        if len(timed) >= _MOST_HOSTS:
            break
    slowest = sorted(timed, key=lambda item: (-item[1].took_ms / item[1].timed, item[0]))
    return Hosts(
        slowest=_shown_hosts(slowest[:_MOST_HOSTS]),
        slowest_least=least,
        failing=_shown_hosts(table.top("failed", _MOST_HOSTS)),
        busiest=_shown_hosts(table.top("rows", _MOST_HOSTS)),
        known=len(table),
        given_up=table.given_up,
        missed_rows=table.missed["rows"],
        missed_failed=table.missed["failed"],
    )


def _shown_hosts(items: Iterable[tuple[str, Host]]) -> list[HostShown]:
    return [
        HostShown(
            plain(name, 100),
            of.rows,
            of.failed,
            of.took_ms / of.timed if of.timed else None,
            of.longest_ms if of.timed else None,
            _body_bytes(of),
        )
        for name, of in items
    ]


def _body_bytes(of: Count) -> int | None:
    return of.body_bytes if of.bodies else None


def _named(table: Bounded[str, Count], most: int, of: int) -> list[Share]:
    """The most frequent, and all others as one."""
    found = [
        Share(plain(name, 80), each.rows, each.rows / of, each.failed, _body_bytes(each))
        for name, each in table.top("rows", most)
    ]
    rest = of - sum(each.rows for each in found)
    return [*found, Share("all others", rest, rest / of)] if rest else found


def _mean_attempts(counts: Counter[int]) -> float | None:
    tried = sum(rows for attempts, rows in counts.items() if attempts)
    total = sum(attempts * rows for attempts, rows in counts.items())
    return total / tried if tried else None


def _numbered(counts: Counter[int], of: int) -> list[Share]:
    return [
        _share(f"{number} or more" if number == MANY_HOPS else str(number), rows, of)
        for number, rows in sorted(counts.items())
        if rows
    ]
