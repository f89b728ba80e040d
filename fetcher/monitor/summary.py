"""The short table at the end of a run, and of `fetcher status`."""

from __future__ import annotations

from pathlib import Path

from rich import box
from rich.console import Console
from rich.table import Table

from fetcher.core.tally import Totals
from fetcher.model import Outcome
from fetcher.monitor.words import number, size


def table(totals: Totals) -> Table:
    """Outcomes with their share, and the statuses among them."""
    result = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False)
    result.add_column("outcome")
    result.add_column("lines", justify="right")
    result.add_column("share", justify="right")
    for outcome in Outcome:
        count = totals.outcomes.get(outcome.value, 0)
        if count:
            result.add_row(outcome.value, number(count), f"{100 * count / totals.rows:.1f} %")
    return result


def done(rows: int, url_lines: int | None, *, exact: bool) -> str:
    """1,000 of about 5,000 lines (20.0 %)"""
    if url_lines is None:
        return f"{number(rows)} lines"
    share = 100 * rows / max(url_lines, 1)
    about = "" if exact else "about "
    return f"{number(rows)} of {about}{number(url_lines)} lines ({share:.1f} %)"


def statuses(totals: Totals) -> str:
    """Every HTTP status and how often it came."""
    known = sorted((code, count) for code, count in totals.statuses.items() if code)
    return ", ".join(f"{code}: {number(count)}" for code, count in known) or "none"


def show(console: Console, totals: Totals, out: Path, took_s: float, fresh: int) -> None:
    """Print the summary; `fresh` rows were committed in the last `took_s` seconds."""
    rate = (
        f"{number(round(fresh / took_s))} lines/s ({number(fresh)} in {took_s:.1f} s)"
        if fresh
        else "all was done before"
    )
    console.print(table(totals))
    console.print()
    for name, value in (
        ("statuses", statuses(totals)),
        ("bodies", size(totals.body_bytes)),
        ("rate", rate),
        ("results", f"{out}/results/part-*.jsonl"),
    ):
        console.print(f"{name:<9} {value}", highlight=False, markup=False, soft_wrap=True)
