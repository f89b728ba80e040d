"""A view as lines of a terminal, of any size.

Pure: a view, a size and the rates before it give the lines. Unprintable characters of all texts are
escaped. A text that is too long is cut; a number is shown whole or not at all.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from rich.console import Group, RenderableType
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from fetcher.humanize import counted, duration, escaped, number, percent, rate, size, time_left
from fetcher.humanize import rates as rates_of
from fetcher.protocol.messages import FailedLine, HostLoad, Member
from fetcher.protocol.totals import Totals, most_frequent
from fetcher.watch import crawl_view, summary
from fetcher.watch.job_view import JobView
from fetcher.watch.terminal.fitting import Column, FittingTable, Name, Parts
from fetcher.watch.terminal.job_text import activity, waiting_routes
from fetcher.watch.terminal.view import View

_BARS: Final = "▁▂▃▄▅▆▇█"
_PHASES: Final = {"finish": "complete"}
_COLOURS: Final = {
    "running": "bold green",
    "complete": "bold green",
    "paused": "bold yellow",
    "frozen": "bold yellow",
    "stopping": "bold yellow",
    "stopped": "bold yellow",
}
_NAME: Final = 8  # columns that an outcome's name needs to be known
_HOST: Final = 16  # columns that a host or a text needs to say something
_WIDE: Final = 100  # columns from which statuses have a place of their own
_NARROW: Final = 60  # columns below which outcomes are above the hosts, not at their left ...
_STACKED_LINES: Final = 16  # ... and hosts are there only where there are so many lines
_SPARKS: Final = 10  # columns that the bars of the rates need
_CRAWL_LINES: Final = 8  # lines that must be left for a crawl's depths to have one
_HEAD_LINES: Final = 6
_MOST_LINES: Final = 60  # of a snapshot that no screen bounds
_NOT_LIVE: Final = "Hosts and workers are known to its ventilator: fetcher top ENDPOINT"


def sparkline(rates: Sequence[float], width: int) -> str:
    """The newest rates, each as a bar between 0 and the highest."""
    shown = rates[-width:]
    highest = max(shown, default=0.0)
    if highest <= 0:
        return _BARS[0] * len(shown)
    return "".join(_BARS[min(int(8 * rate / highest), 7)] for rate in shown)


def screen(
    view: View, rates: Sequence[float], width: int, height: int | None, hint: str = ""
) -> RenderableType:
    """All lines. `height`: lines of the terminal; None: as many as there is to say.

    Hosts and workers have a place only where the ventilator says them.
    """
    job = view.job
    has_statuses_line = width < _WIDE and job.is_live and _answered(job.totals) > 0
    rest = (_MOST_LINES if height is None else height) - _HEAD_LINES - bool(job.trouble)
    routes = waiting_routes(job)
    rest -= has_statuses_line + bool(routes)
    crawl = _crawl_lines(job, is_narrow=width < _NARROW, is_short=rest < _CRAWL_LINES)
    rest -= len(crawl)
    is_stacked = width < _NARROW and rest >= _STACKED_LINES
    second_panel = len(job.hosts) if job.is_live else len(job.totals.statuses)
    ranked = min(max(len(job.totals.outcomes), second_panel) + 1, max(rest // 3, 3))
    workers = min(len(job.workers) + 1, max((rest - ranked - 4) // 2, 2)) if job.is_live else 1
    failures = rest - ranked * (1 + is_stacked) - workers - 2 - is_stacked - bool(hint)
    parts: list[RenderableType] = [
        _title(view),
        *([_cut(escaped(job.trouble), "bold red")] if job.trouble else []),
        _bar(job, width),
        _rate(view, rates, width),
        _counts(view),
        *crawl,
        *([Parts(routes)] if routes else []),
        *([_statuses_line(job.totals)] if has_statuses_line else []),
        "",
        *_panels(job, ranked, width, is_stacked=is_stacked),
    ]
    if job.is_live:
        parts += ["", _workers(job, workers)]
    elif job.phase == "running":
        parts += ["", _cut(_NOT_LIVE, "dim")]
    if failures > 1:
        parts += ["", _failures(job.failed_lines, failures - 1)]
    if hint:
        parts.append(_cut(hint, "dim"))
    return Group(*parts)


def _cut(text: str, style: str = "") -> Text:
    return Text(text, style=style, no_wrap=True, overflow="ellipsis")


def _title(view: View) -> Text:
    phase = _PHASES.get(view.job.phase, view.job.phase)
    text = _cut("")
    text.append(phase, _COLOURS.get(phase, "bold"))
    text.append(f"  {escaped(view.title)}")
    return text


def _bar(job: JobView, width: int) -> RenderableType:
    done = summary.done_of(job)
    if len(done) > width:
        done = counted(job.rows, "line")
    parts = [done]
    if job.phase == "running" and job.left_s is not None:
        parts.append(time_left(job.left_s, is_least=job.left_is_least))
    said = Parts(parts, ", ")
    if width < _NARROW or (job.crawl is not None and job.url_lines is None):
        return said
    line = Table.grid(padding=(0, 1))
    line.add_column(width=width // 4)
    line.add_column(width=width - width // 4 - 1)
    bar = ProgressBar(total=job.url_lines or 1, completed=job.rows, width=width // 4)
    line.add_row(bar, said)
    return line


def _rate(view: View, rates: Sequence[float], width: int) -> Text:
    known = rates_of(view.job.rate_per_s, view.average_per_s)
    first, *more = known or ["rate not known"]
    text = _cut(first, "bold")
    for each in (*more, f"bodies {size(view.job.totals.body_bytes)}"):
        if len(text) + len(each) + 2 + _SPARKS < width:
            text.append(f", {each}", "not bold")
    text.append(" ")
    text.append(sparkline(rates, max(width - len(text) - 1, 1)), "not bold cyan")
    return text


def _counts(view: View) -> Parts:
    said = activity(view.job)
    if view.job.oldest is not None:
        said.append(Text(f"longest at work {duration(view.job.oldest.age_s)}"))
    if view.committed_s_ago is not None:
        said.append(Text(f"last commit {duration(view.committed_s_ago)} ago"))
    return Parts(said)


def _crawl_lines(job: JobView, *, is_narrow: bool, is_short: bool) -> list[Parts]:
    """The depths of a crawl, and why links of it were not followed; if `is_short`, only why."""
    if job.crawl is None:
        return []
    depths = [] if is_short else crawl_view.depths(job.crawl)
    refusals = crawl_view.refusals(job.crawl.refused)
    title = "not followed: " if is_narrow else "links not followed: "
    titled = (("depths ", depths), (title, refusals))
    return [Parts(parts, title=title) for title, parts in titled if parts]


def _answered(totals: Totals) -> int:
    """Rows with an HTTP status."""
    return sum(count for code, count in totals.statuses.items() if code)


def _statuses_line(totals: Totals) -> Parts:
    ranked = sorted(totals.statuses.items(), key=lambda item: -item[1])
    said = [f"{code}: {number(count)}" for code, count in ranked if code]
    return Parts([f"statuses {said[0]}", *said[1:]])


def _panels(job: JobView, lines: int, width: int, *, is_stacked: bool) -> list[RenderableType]:
    """Outcomes and, where they are known and fit, statuses and hosts."""
    panels: dict[RenderableType, int] = {_outcomes(job.totals, lines - 1): 2}  # with their ratio
    if _answered(job.totals) and (width >= _WIDE or not job.is_live):
        panels[_statuses(job.totals, lines - 1)] = 2
    if job.is_live:
        panels[_hosts(job.hosts, lines - 1)] = 3
    first, *others = panels
    if width < _NARROW:
        return [first, "", *others] if is_stacked and others else [first]
    both = Table.grid(padding=(0, 3, 0, 0), expand=True)
    for ratio in panels.values():
        both.add_column(ratio=ratio)
    both.add_row(*panels)
    return [both]


def _outcomes(totals: Totals, most: int) -> FittingTable:
    made = FittingTable([Column("outcome", least=_NAME), Column("lines"), Column("share")])
    shown, others = most_frequent(totals.outcomes, most)
    if others:
        shown, others = most_frequent(totals.outcomes, most - 1)
    for name, count in shown.items():
        made.add_row(
            _cut(escaped(name), "" if name == "ok" else "yellow"), *_share(count, totals.rows)
        )
    if others:
        made.add_row(_cut("others", "dim"), *_share(others, totals.rows))
    return made


def _statuses(totals: Totals, most: int) -> FittingTable:
    made = FittingTable([Column("status", least=6), Column("lines"), Column("of answers")])
    ranked = sorted(totals.statuses.items(), key=lambda item: -item[1])
    shown = [each for each in ranked if each[0]][:most]
    for code, count in sorted(shown):
        made.add_row(str(code), *_share(count, _answered(totals)))
    return made


def _share(count: int, whole: int) -> tuple[str, str]:
    return number(count), percent(count / max(whole, 1))


def _hosts(hosts: list[HostLoad], most: int) -> FittingTable:
    shown = hosts[:most]
    columns = [
        Column("host", least=_HOST),
        Column("in flight", rank=2),
        Column("waiting", rank=1),
        Column("failed", rank=3),
    ]
    has_rests = any(host.rest_s for host in shown)
    if has_rests:
        columns.append(Column("rests for", rank=0))
    made = FittingTable(columns)
    for host in shown:
        counts = map(number, (host.in_flight, host.waiting, host.failed))
        made.add_row(Name(escaped(host.host)), *counts, *([_rest(host)] if has_rests else []))
    return made


def _rest(host: HostLoad) -> str:
    return f"{duration(host.rest_s)} after {escaped(host.rest_why)}" if host.rest_s else ""


def _workers(job: JobView, lines: int) -> FittingTable:
    hidden = job.unlisted + max(len(job.workers) - lines + 1, 0)
    first = f"worker (+{number(hidden)})" if hidden else "worker"
    columns = [Column(first, least=max(_NAME, len(first))), Column("lines/s")]
    if job.workers:
        ranked = (("lines", 4), ("busy", 1), ("queued", 5), ("waiting", 2), ("seen", 3))
        columns += [Column(name, rank) for name, rank in ranked]
    made = FittingTable(columns)
    for worker in job.workers[: lines - 1]:
        made.add_row(Name(escaped(worker.worker)), *_worker_cells(worker))
    return made


def _worker_cells(worker: Member) -> list[str]:
    return [
        rate(worker.rate_per_s),
        number(worker.rows),
        f"{worker.in_flight}/{worker.slots}",
        number(worker.queued),
        number(worker.parked),
        f"{worker.seen_s_ago:.1f} s",
    ]


def _failures(failed_lines: list[FailedLine], most: int) -> FittingTable:
    """The newest first: the URL, and what was wrong, each with about half of the line."""
    made = FittingTable(
        [
            Column("failed lately", is_left=True),
            Column("line", rank=3),
            Column("url", rank=1, least=_HOST),
            Column("error", rank=2, least=_HOST),
        ]
    )
    for failed in reversed(failed_lines[-most:]):
        status = f" {failed.status}" if failed.status else ""
        made.add_row(
            _cut(f"{escaped(failed.outcome)}{status}", "yellow"),
            str(failed.line),
            _cut(escaped(_without_scheme(failed.url))),
            _cut(escaped(failed.error)),
        )
    return made


def _without_scheme(url: str) -> str:
    return url.partition("://")[2] or url
