"""The report in short, for a terminal."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from rich.console import Console, Group, RenderableType
from rich.text import Text

from fetcher.humanize import (
    NOT_MEASURED,
    counted,
    milliseconds,
    number,
    percent,
    rates,
    seconds,
    size,
)
from fetcher.report.contents import Contents
from fetcher.report.crawl import Crawl
from fetcher.report.errors import Failure
from fetcher.report.hosts import HostShown
from fetcher.watch import crawl_view
from fetcher.watch.terminal.fitting import Column, FittingTable, Name

_MOST_HOSTS = 5
_MOST_KINDS = 12
_MOST_DEPTHS = 12
_MOST_ERRORS = 8
_BAR = 24  # characters
_NAME = 12  # columns that a host needs to say something
_ERROR = 20  # columns that an error needs
_URL = 16  # columns that a URL needs


def show(console: Console, report: Contents) -> None:
    """Print a summary that fits a terminal of 80 columns."""
    console.print(headline(report), highlight=False, markup=False, soft_wrap=True)
    console.print(Group(*_parts(report)), highlight=False)


def _parts(report: Contents) -> Iterator[RenderableType]:
    if not report.outcomes.rows:
        return
    yield Text()
    outcomes = _table("outcome", "lines", "share", bar=True)
    for each in report.outcomes.by_outcome:
        bar = "█" * max(1, round(_BAR * each.share))
        outcomes.add_row(each.name, number(each.rows), percent(each.share), bar)
    yield outcomes
    if report.crawl is not None:
        yield from _crawl(report.crawl)
    if report.latency.phases:
        yield Text()
        times = _table("time", "median", "90 %", "99 %", "longest")
        for phase in report.latency.phases:
            spots = (phase.median, phase.p90, phase.p99, phase.highest)
            times.add_row(phase.name.replace("_", " "), *map(milliseconds, spots))
        yield times
    if report.hosts.failing:
        yield Text()
        yield _hosts("most failing hosts", report.hosts.failing)
    if report.hosts.slowest:
        yield Text()
        yield _hosts("slowest hosts", report.hosts.slowest)
    if report.errors.failures:
        yield Text()
        kinds = _table("errors by kind", "lines", "share")
        for each in report.errors.kinds[:_MOST_KINDS]:
            kinds.add_row(Text(each.name), number(each.rows), percent(each.share))
        yield kinds
        yield Text()
        yield _errors(report.errors.failures)


def _crawl(crawl: Crawl) -> Iterator[RenderableType]:
    yield Text()
    depths = _table("depth", "found", "done", "not ok")
    for each in crawl.depths[:_MOST_DEPTHS]:
        name = f"{each.depth}{' and more' if each.is_deepest else ''}"
        depths.add_row(name, *map(number, (each.found, each.done, each.failed)))
    deeper = crawl.depths[_MOST_DEPTHS:]
    if deeper:
        sums = Counter[str]()
        for each in deeper:
            sums.update(found=each.found, done=each.done, failed=each.failed)
        depths.add_row("deeper", *(number(sums[name]) for name in ("found", "done", "failed")))
    yield depths
    if crawl.refused:
        yield Text()
        refused = _table("not followed", "links", "share")
        for reason in crawl.refused:
            refused.add_row(reason.reason, number(reason.links), percent(reason.share))
        yield refused


def _errors(failures: list[Failure]) -> FittingTable:
    columns = [
        Column("errors", least=_ERROR, ratio=3),
        Column("lines"),
        Column("for example", least=_URL, rank=1, ratio=2),
    ]
    table = FittingTable(columns, is_ruled=True, fills=False)
    for failure in failures[:_MOST_ERRORS]:
        said = Text(f"{failure.name}: {failure.text}")
        table.add_row(said, number(failure.rows), Name(_short(failure.examples[0].url)))
    return table


def _short(url: str) -> str:
    """The URL without its scheme, which does not help to find an error."""
    return url.partition("://")[2] or url


def headline(report: Contents) -> str:
    """The job and its result in one line."""
    job = report.job
    lines = counted(report.outcomes.rows, "row")
    if job.url_lines is not None:
        about = "" if job.url_lines_exact else "about "
        lines = f"{number(report.outcomes.rows)} of {about}{counted(job.url_lines, 'line')}"
    parts = [f"{job.input}: {job.state}", lines]
    if job.crawl is not None and job.url_lines is None:
        parts[1] = crawl_view.done(report.outcomes.rows, job.crawl)
    if report.outcomes.rows:
        parts.append(f"{percent(report.outcomes.ok / report.outcomes.rows)} ok")
    if report.times.worked_s is not None:
        parts.append(f"{seconds(report.times.worked_s)} of work")
    parts += rates(None, report.times.average_per_s)
    parts.append(f"{size(report.bodies.body_bytes)} of bodies")
    if report.bodies.unchanged:
        parts.append(f"{number(report.bodies.unchanged)} unchanged")
    tries = report.tries
    if tries.retried:
        saved = number(tries.saved_by_retry)
        parts.append(f"{number(tries.retried)} tried again, {saved} of them ok")
    if job.absent:
        parts.append(f"without {' and '.join(job.absent)}")
    return ", ".join(parts)


def _hosts(title: str, hosts: list[HostShown]) -> FittingTable:
    table = _table(title, "lines", "not ok", "mean", "longest")
    for host in hosts[:_MOST_HOSTS]:
        times = map(_measured, (host.mean_ms, host.longest_ms))
        table.add_row(Name(host.name), number(host.rows), number(host.failed), *times)
    return table


def _measured(value_ms: float | None) -> str:
    return NOT_MEASURED if value_ms is None else milliseconds(value_ms)


def _table(*names: str, bar: bool = False) -> FittingTable:
    """A table whose first column is text and whose others are numbers; `bar` adds a last one."""
    columns = [Column(names[0], least=_NAME), *map(Column, names[1:])]
    if bar:
        columns.append(Column("", is_left=True))
    return FittingTable(columns, is_ruled=True, fills=False)
