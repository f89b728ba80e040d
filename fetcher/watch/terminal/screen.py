"""A view as lines of a terminal, of any size.

Law: pure: a view, a size and the rates before it give the lines. What is not printable, whoever
sent it, is escaped. A text that is too long is cut; a number is whole or not there.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from rich.console import Group, RenderableType
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from fetcher.humanize import activity, duration, escaped, number, percent, rate, size, time_left
from fetcher.humanize import rates as rates_of
from fetcher.protocol.messages import FailedLine
from fetcher.protocol.totals import Totals, most_frequent
from fetcher.watch import summary
from fetcher.watch.terminal.fitting import Column, FittingTable, Name, Parts
from fetcher.watch.terminal.view import HostRow, View, WorkerRow

_BARS: Final = "▁▂▃▄▅▆▇█"
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
_HEAD_LINES: Final = 6
_MOST_LINES: Final = 60  # of a snapshot that no screen bounds


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
    """All of it. `height`: lines of the terminal; None: as many as there is to say."""
    has_statuses_line = width < _WIDE and _answered(view.totals) > 0
    rest = (_MOST_LINES if height is None else height) - _HEAD_LINES - bool(view.trouble)
    rest -= has_statuses_line
    is_stacked = width < _NARROW and rest >= _STACKED_LINES
    ranked = min(max(len(view.totals.outcomes), len(view.hosts)) + 1, max(rest // 3, 3))
    workers = min(len(view.workers) + 1, max((rest - ranked - 4) // 2, 2))
    mishaps = rest - ranked * (1 + is_stacked) - workers - 2 - is_stacked - bool(hint)
    parts: list[RenderableType] = [
        _title(view),
        *([_cut(escaped(view.trouble), "bold red")] if view.trouble else []),
        _bar(view, width),
        _rate(view, rates, width),
        _counts(view),
        *([_statuses_line(view.totals)] if has_statuses_line else []),
        "",
        *_panels(view, ranked, width, is_stacked=is_stacked),
        "",
        _workers(view, workers),
    ]
    if mishaps > 1:
        parts += ["", _mishaps(view.mishaps, mishaps - 1)]
    if hint:
        parts.append(_cut(hint, "dim"))
    return Group(*parts)


def _cut(text: str, style: str = "") -> Text:
    return Text(text, style=style, no_wrap=True, overflow="ellipsis")


def _title(view: View) -> Text:
    text = _cut("")
    text.append(view.phase, _COLOURS.get(view.phase, "bold"))
    text.append(f"  {escaped(view.title)}")
    return text


def _bar(view: View, width: int) -> RenderableType:
    done = summary.done(view.rows, view.url_lines, exact=view.url_lines_exact)
    if len(done) > width:
        done = f"{number(view.rows)} lines"
    parts = [done]
    if view.phase == "running" and view.left_s is not None:
        parts.append(time_left(view.left_s, is_least=view.left_is_least))
    said = Parts(parts, ", ")
    if width < _NARROW:
        return said
    line = Table.grid(padding=(0, 1))
    line.add_column(width=width // 4)
    line.add_column(width=width - width // 4 - 1)
    bar = ProgressBar(total=view.url_lines or 1, completed=view.rows, width=width // 4)
    line.add_row(bar, said)
    return line


def _rate(view: View, rates: Sequence[float], width: int) -> Text:
    first, *more = rates_of(view.rate_per_s, view.average_per_s) or ["rate not known"]
    text = _cut(first, "bold")
    for each in (*more, f"bodies {size(view.totals.body_bytes)}"):
        if len(text) + len(each) + 2 + _SPARKS < width:
            text.append(f", {each}", "not bold")
    text.append(" ")
    text.append(sparkline(rates, max(width - len(text) - 1, 1)), "not bold cyan")
    return text


def _counts(view: View) -> Parts:
    workers = [each.queued for each in view.workers if each.queued is not None]
    queued = sum(workers) if workers else None
    parts = activity(view.in_flight, view.parked, queued, view.leases, view.waiting)
    said = [Text(part) for part in parts]
    if view.redelivered:
        again = f"{number(view.redelivered)} lines handed out again"
        said.append(Text(again, "yellow" if view.many_redelivered else ""))
    if view.oldest_s is not None:
        said.append(Text(f"longest at work {duration(view.oldest_s)}"))
    if view.committed_s_ago is not None:
        said.append(Text(f"last commit {duration(view.committed_s_ago)} ago"))
    return Parts(said)


def _answered(totals: Totals) -> int:
    return sum(count for code, count in totals.statuses.items() if code)


def _statuses_line(totals: Totals) -> Parts:
    ranked = sorted(totals.statuses.items(), key=lambda item: -item[1])
    said = [f"{code}: {number(count)}" for code, count in ranked if code]
    return Parts([f"statuses {said[0]}", *said[1:]])


def _panels(view: View, lines: int, width: int, *, is_stacked: bool) -> list[RenderableType]:
    if width >= _NARROW:
        return [_side_by_side(view, lines, width)]
    outcomes = _outcomes(view.totals, lines - 1)
    return [outcomes, "", _hosts(view.hosts, lines - 1)] if is_stacked else [outcomes]


def _side_by_side(view: View, lines: int, width: int) -> Table:
    both = Table.grid(padding=(0, 3, 0, 0), expand=True)
    both.add_column(ratio=2)
    panels: list[RenderableType] = [_outcomes(view.totals, lines - 1)]
    if width >= _WIDE:
        both.add_column(ratio=2)
        panels.append(_statuses(view.totals, lines - 1))
    both.add_column(ratio=3)
    panels.append(_hosts(view.hosts, lines - 1))
    both.add_row(*panels)
    return both


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


def _hosts(hosts: list[HostRow], most: int) -> FittingTable:
    if hosts and hosts[0].lines is not None:
        counts = [Column("lines of late"), Column("failed")]
        made = FittingTable([Column("host", least=_HOST), *counts])
        for each in hosts[:most]:
            made.add_row(Name(escaped(each.host)), number(each.lines or 0), number(each.failed))
        return made
    counts = [Column("in flight", rank=2), Column("waiting", rank=1), Column("failed", rank=3)]
    rests = any(each.rest for each in hosts[:most])
    if rests:
        counts.append(Column("rests for", rank=0))
    made = FittingTable([Column("host", least=_HOST), *counts])
    for each in hosts[:most]:
        numbers = (each.in_flight or 0, each.waiting or 0, each.failed)
        rest = [escaped(each.rest)] if rests else []
        made.add_row(Name(escaped(each.host)), *map(number, numbers), *rest)
    return made


def _workers(view: View, lines: int) -> FittingTable:
    hidden = view.unlisted + max(len(view.workers) - lines + 1, 0)
    first = f"worker (+{number(hidden)})" if hidden else "worker"
    columns = [Column(first, least=max(_NAME, len(first))), Column("lines/s")]
    if any(each.slots is not None for each in view.workers):
        ranked = (("lines", 4), ("busy", 1), ("queued", 5), ("waiting", 2), ("seen", 3))
        columns += [Column(name, rank) for name, rank in ranked]
    made = FittingTable(columns)
    for each in view.workers[: lines - 1]:
        made.add_row(Name(escaped(each.worker)), *_of_worker(each))
    return made


def _of_worker(worker: WorkerRow) -> list[str]:
    cells = [rate(worker.rate_per_s)]
    if worker.slots is not None:
        cells += [number(worker.rows or 0), f"{worker.in_flight}/{worker.slots}"]
        cells += [number(worker.queued or 0), number(worker.parked or 0)]
        cells.append(f"{worker.seen_s_ago:.1f} s")
    return cells


def _mishaps(mishaps: list[FailedLine], most: int) -> FittingTable:
    """The newest first: the URL, and what was wrong, each with about half of the line."""
    made = FittingTable(
        [
            Column("failed lately", is_left=True),
            Column("line", rank=3),
            Column("url", rank=1, least=_HOST),
            Column("error", rank=2, least=_HOST),
        ]
    )
    for each in reversed(mishaps[-most:]):
        status = f" {each.status}" if each.status else ""
        made.add_row(
            _cut(f"{escaped(each.outcome)}{status}", "yellow"),
            str(each.line),
            _cut(escaped(_middle(each.url))),
            _cut(escaped(each.error)),
        )
    return made


def _middle(url: str) -> str:
    """Without what all of them begin with."""
    return url.partition("://")[2] or url
