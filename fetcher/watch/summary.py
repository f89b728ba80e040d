"""The summary at the end of a run; its table of outcomes is that of `fetcher status` too."""

from __future__ import annotations

from typing import Final

from rich.console import Console

from fetcher.commit.rate import Work
from fetcher.humanize import counted, escaped, number, percent, rates, seconds, size
from fetcher.protocol.messages import State
from fetcher.protocol.totals import Totals, in_order
from fetcher.store.manifest import RESULTS_NAME
from fetcher.store.reader import Part
from fetcher.watch import crawl_view
from fetcher.watch.crawl_view import CrawlView
from fetcher.watch.job_view import JobView
from fetcher.watch.terminal.fitting import Column, FittingTable

_NOT_MODIFIED: Final = 304


def table(totals: Totals) -> FittingTable:
    """The outcomes with their share of the rows."""
    columns = [Column("outcome", least=8), Column("lines"), Column("share")]
    result = FittingTable(columns, is_ruled=True, fills=False)
    for name, count in in_order(totals.outcomes).items():
        result.add_row(escaped(name), number(count), percent(count / totals.rows))
    return result


def done(rows: int, url_lines: int | None, *, exact: bool) -> str:
    """The text `1,000 of about 5,000 lines (20.0 %)`."""
    if url_lines is None:
        return counted(rows, "line")
    share = 100 * rows / max(url_lines, 1)
    about = "" if exact else "about "
    return f"{number(rows)} of {about}{counted(url_lines, 'line')} ({share:.1f} %)"


def done_of(job: JobView) -> str:
    """The lines that are done, of those that are known."""
    if job.phase == "starting":
        return "what is done is not known yet"
    if job.crawl is not None and not job.is_over:
        return crawl_view.done(job.rows, job.crawl)
    return done(job.rows, job.url_lines, exact=job.url_lines_exact)


def crawl_lines(crawl: CrawlView | None) -> list[tuple[str, str]]:
    """The lines of the summary that only a crawl has, by name."""
    if crawl is None:
        return []
    depths = ", ".join(crawl_view.depths(crawl)) or "none"
    return [("depths", depths), ("links", crawl_view.links(crawl))]


def statuses(totals: Totals) -> str:
    """Every HTTP status and its number of rows."""
    known = sorted((code, count) for code, count in totals.statuses.items() if code)
    return ", ".join(f"{code}: {number(count)}" for code, count in known) or "none"


def repeats(totals: Totals, last: State | None) -> str:
    """Lines that were handed out or fetched more than once, and why.

    `last`: the last state of the run's ventilator. A line that was handed out again may not have
    been fetched before.
    """
    copied = last.copied if last else 0
    lost = last.redelivered - copied if last else 0
    said = [
        f"{number(count)} {why}"
        for count, why in (
            (totals.retried, "tried again after a failure"),
            (lost, "handed out again after a worker or its rows were lost"),
            (copied, "copied to a second worker at the end"),
        )
        if count
    ]
    return ", ".join(said) or "none"


def unchanged(totals: Totals) -> list[tuple[str, str]]:
    """The line about unchanged pages of a refresh, by name; [] if there are none."""
    rows = totals.unchanged_rows
    if not rows:
        return []
    # Servers that ignore validators, and pages that got a new ETag for the same body.
    again = max(rows - totals.statuses.get(_NOT_MODIFIED, 0), 0)
    said = f"{counted(rows, 'line')} with the body of before"
    return [("unchanged", f"{said}, of which {number(again)} sent again" if again else said)]


def speed(work: Work | None, before: Work | None, fresh: int) -> str:
    """The job's average rate, and that of this run where there were others.

    `before`: the work of the earlier runs; `fresh`: the rows of this one.
    """
    if not fresh:
        return "nothing was fetched: all was done before, so options of this run changed nothing"
    if work is None or work.per_s is None:
        return "not measured"
    whole = f"{rates(None, work.per_s)[0]} ({_work(work)})"
    if before is None or not before.rows:
        return whole
    return f"{whole}; this run: {_work(work.since(before))}"


def _work(of: Work) -> str:
    return f"{counted(of.rows, 'line')} in {seconds(of.seconds)}"


def show(
    console: Console,
    part: Part,
    before: Work | None,
    fresh: int,
    last: State | None = None,
) -> None:
    """Print the summary of a run; `before` and `fresh`: see `speed`; `last`: see `repeats`."""
    totals = part.view.recovered.totals
    console.print(table(totals))
    console.print()
    record = part.view.crawl
    crawl = None if record is None else crawl_view.view_of(record.totals)
    for name, value in (
        *crawl_lines(crawl),
        *unchanged(totals),
        ("statuses", statuses(totals)),
        ("bodies", size(totals.body_bytes)),
        ("rate", speed(part.view.work, before, fresh)),
        ("repeats", repeats(totals, last)),
        ("results", f"{part.out}/{RESULTS_NAME}/part-*{part.manifest.output.suffix}"),
    ):
        console.print(f"{name:<9} {value}", highlight=False, markup=False, soft_wrap=True)
