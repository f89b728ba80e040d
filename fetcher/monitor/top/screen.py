"""A view as lines of a terminal, of any size.

Law: pure: a view, a size and the rates before it give the lines. What is not printable, whoever
sent it, is escaped; what is too long is cut.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from rich.console import Group, RenderableType
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from fetcher.core.tally import Totals
from fetcher.core.wire import Mishap
from fetcher.monitor import summary
from fetcher.monitor.top.view import HostRow, View, WorkerRow
from fetcher.monitor.words import duration, escaped, number, size, time_left

_BARS: Final = "▁▂▃▄▅▆▇█"
_COLOURS: Final = {
    "running": "bold green",
    "complete": "bold green",
    "paused": "bold yellow",
    "frozen": "bold yellow",
    "stopping": "bold yellow",
    "stopped": "bold yellow",
}
_NAME: Final = 11  # columns of the longest outcome's name
_WIDE: Final = 100  # columns from which statuses have a place of their own
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
    rest = (_MOST_LINES if height is None else height) - _HEAD_LINES - bool(view.trouble)
    ranked = min(max(len(view.totals.outcomes), len(view.hosts)) + 1, max(rest // 3, 3))
    workers = min(len(view.workers) + 1, max((rest - ranked - 4) // 2, 2))
    mishaps = rest - ranked - workers - 2 - bool(hint)
    parts: list[RenderableType] = [
        _title(view),
        *([_cut(escaped(view.trouble), "bold red")] if view.trouble else []),
        _bar(view, width),
        _rate(view, rates, width),
        _counts(view),
        "",
        _side_by_side(view, ranked, width),
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


def _bar(view: View, width: int) -> Table:
    line = Table.grid(padding=(0, 1))
    line.add_column()
    line.add_column(no_wrap=True, overflow="ellipsis")
    said = summary.done(view.rows, view.url_lines, exact=view.url_lines_exact)
    if view.phase == "running" and view.left_s is not None:
        said += f", {time_left(view.left_s, is_least=view.left_is_least)}"
    bar = ProgressBar(total=view.url_lines or 1, completed=view.rows, width=max(width // 4, 10))
    line.add_row(bar, said)
    return line


def _rate(view: View, rates: Sequence[float], width: int) -> Text:
    text = _cut(f"{number(round(view.rate_per_s))} lines/s ", "bold")
    text.append(sparkline(rates, max(width - len(text) - 1, 1)), "not bold cyan")
    return text


def _counts(view: View) -> Text:
    known = [
        (view.in_flight, "in flight"),
        (view.parked, "parked"),
        (view.leases, "leases"),
        (view.redelivered, "handed out again"),
    ]
    said = [f"{number(count)} {name}" for count, name in known if count is not None]
    if view.oldest_s is not None:
        said.append(f"oldest line out for {duration(view.oldest_s)}")
    if view.committed_s_ago is not None:
        said.append(f"last commit {duration(view.committed_s_ago)} ago")
    said.append(f"bodies {size(view.totals.body_bytes)}")
    return _cut(" · ".join(said))


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


def _table(*names: str) -> Table:
    """The first column is a text and takes the room that is left, the others are numbers."""
    made = Table(box=None, pad_edge=False, padding=(0, 1), expand=True, header_style="dim")
    made.add_column(names[0], no_wrap=True, overflow="ellipsis", ratio=1, min_width=_NAME)
    for name in names[1:]:
        made.add_column(name, justify="right", no_wrap=True)
    return made


def _outcomes(totals: Totals, most: int) -> Table:
    made = _table("outcome", "lines", "share")
    ranked = sorted(totals.outcomes.items(), key=lambda item: -item[1])
    for name, count in ranked[:most]:
        made.add_row(_cut(escaped(name), "" if name == "ok" else "yellow"), *_share(count, totals))
    return made


def _statuses(totals: Totals, most: int) -> Table:
    made = _table("status", "lines", "share")
    ranked = sorted(totals.statuses.items(), key=lambda item: -item[1])
    for code, count in [each for each in ranked if each[0]][:most]:
        made.add_row(str(code), *_share(count, totals))
    return made


def _share(count: int, totals: Totals) -> tuple[str, str]:
    return number(count), f"{100 * count / max(totals.rows, 1):.1f} %"


def _hosts(hosts: list[HostRow], most: int) -> Table:
    if hosts and hosts[0].lines is not None:
        made = _table("host", "lines of late", "failed")
        for each in hosts[:most]:
            made.add_row(_cut(escaped(each.host)), number(each.lines or 0), number(each.failed))
        return made
    made = _table("host", "in flight", "waiting", "failed")
    for each in hosts[:most]:
        counts = (each.in_flight or 0, each.waiting or 0, each.failed)
        made.add_row(_cut(escaped(each.host)), *map(number, counts))
    return made


def _workers(view: View, lines: int) -> Table:
    is_told = any(each.slots is not None for each in view.workers)
    names = ("lines/s", "lines", "busy", "waiting", "seen") if is_told else ("lines/s",)
    made = _table("worker", *names)
    for each in view.workers[: lines - 1]:
        made.add_row(_cut(escaped(each.worker)), *_of_worker(each))
    hidden = view.unlisted + max(len(view.workers) - lines + 1, 0)
    if hidden:
        made.columns[0].header = f"worker (and {number(hidden)} more)"
    return made


def _of_worker(worker: WorkerRow) -> list[str]:
    cells = [number(round(worker.rate_per_s))]
    if worker.slots is not None:
        cells += [number(worker.rows or 0), f"{worker.in_flight}/{worker.slots}"]
        cells += [number(worker.queued or 0), f"{worker.seen_s_ago:.1f} s"]
    return cells


def _mishaps(mishaps: list[Mishap], most: int) -> Table:
    """The newest first: the URL, and what was wrong, each with about half of the line."""
    made = Table(box=None, pad_edge=False, padding=(0, 1), expand=True, header_style="dim")
    made.add_column("failed lately", no_wrap=True)
    made.add_column("line", justify="right", no_wrap=True)
    made.add_column("url", no_wrap=True, overflow="ellipsis", ratio=1)
    made.add_column("error", no_wrap=True, overflow="ellipsis", ratio=1)
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
