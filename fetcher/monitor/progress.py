"""The job while it runs: a live line on a terminal, plain lines elsewhere, nothing with --quiet."""

from __future__ import annotations

import sys
import time
from typing import Any, Final

from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.measure import Measurement
from rich.progress import BarColumn, Progress, ProgressColumn, Task
from rich.table import Table

from fetcher.core import wire
from fetcher.core.live import left
from fetcher.core.rate import Rate
from fetcher.core.tally import in_order, most_frequent
from fetcher.monitor.console import make_console
from fetcher.monitor.fitting import Parts
from fetcher.monitor.words import number, phase, rate, time_left
from fetcher.telemetry import logs

_BAR_COLUMNS: Final = 20
_NARROW_COLUMNS: Final = 60  # of a terminal that has no room for a bar


def describe(state: wire.State, per_s: float) -> str:
    """The numbers of the progress line."""
    return " · ".join(numbers(state, per_s))


def numbers(state: wire.State, per_s: float) -> list[str]:
    """The numbers of the progress line, one by one."""
    total, exact = state.source.total()
    about = "" if exact else "~"
    of = "" if total is None else f"/{about}{number(total)}"
    parts = [
        f"{number(state.totals.rows)}{of} lines",
        f"{rate(per_s)}/s",
        f"{number(state.in_flight)} in flight",
        outcomes(state.totals.outcomes),
    ]
    estimate = left(state, per_s)
    if state.phase == "running" and estimate is not None:
        parts.append(time_left(estimate.seconds, is_least=estimate.is_least))
    elif state.phase != "running":
        parts.append(phase(state.phase))
    return [part for part in parts if part]


def fields(state: wire.State, per_s: float) -> dict[str, Any]:
    """The same for programs."""
    total, exact = state.source.total()
    estimate = left(state, per_s)
    return {
        "phase": state.phase,
        "rows": state.totals.rows,
        "url_lines": total,
        "url_lines_exact": exact,
        "rate_per_s": round(per_s, 1),
        "left_s": None if estimate is None else round(estimate.seconds, 1),
        "left_is_least": estimate is not None and estimate.is_least,
        "in_flight": state.in_flight,
        "workers": state.workers,
        "redelivered": state.redelivered,
        "copied": state.copied,
        "outcomes": in_order(state.totals.outcomes),
    }


def outcomes(counts: dict[str, int]) -> str:
    """The three most frequent outcomes, and the others as one."""
    shown, rest = most_frequent(counts, 3)
    said = [f"{name} {number(count)}" for name, count in shown.items()]
    return ", ".join(said + ([f"others {number(rest)}"] if rest else []))


class Quiet:
    """Only what went wrong."""

    def __init__(self) -> None:
        self.last: wire.State | None = None

    def update(self, state: wire.State) -> None:
        self.last = state

    def say(self, line: str) -> None:
        logs.say(line)

    def close(self) -> None:
        pass


class _Greeting(Quiet):
    """Says something once the job is heard."""

    def __init__(self, greeting: str) -> None:
        super().__init__()
        self._greeting = greeting

    def update(self, state: wire.State) -> None:
        super().update(state)
        if self._greeting:
            self.say(logs.own(self._greeting, "info"))
            self._greeting = ""


class PlainLines(_Greeting):
    """A line every so often, for logs and pipes."""

    def __init__(self, interval_s: float, greeting: str = "") -> None:
        super().__init__(greeting)
        self._interval_s = interval_s
        self._rate = Rate()
        self._said_at = time.monotonic()

    def update(self, state: wire.State) -> None:
        super().update(state)
        now = time.monotonic()
        self._rate.hear(now, state)
        if now - self._said_at >= self._interval_s:
            self._said_at = now
            per_s = self._rate.per_s()
            self.say(logs.own(describe(state, per_s), "info", progress=fields(state, per_s)))


class Line(ProgressColumn):
    """A bar, how much is done, and the numbers that fit; no bar where it is narrow."""

    max_refresh = 0.2

    def __init__(self) -> None:
        super().__init__()
        self._bar = BarColumn(bar_width=_BAR_COLUMNS)

    def render(self, task: Task) -> RenderableType:
        done = [] if task.total is None else [f"{task.percentage:.0f}%"]
        return _Drawn(self._bar.render(task), [*done, *task.fields["numbers"]])


class _Drawn:
    def __init__(self, bar: RenderableType, parts: list[str]) -> None:
        self._bar = bar
        self._parts = Parts(parts)

    def __rich_measure__(self, console: Console, options: ConsoleOptions) -> Measurement:
        return Measurement(options.max_width, options.max_width)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        if options.max_width < _NARROW_COLUMNS:
            yield self._parts
            return
        line = Table.grid(padding=(0, 1))
        line.add_column(width=_BAR_COLUMNS)
        line.add_column(width=options.max_width - _BAR_COLUMNS - 1)
        line.add_row(self._bar, self._parts)
        yield line


class LiveLine(_Greeting):
    """A bar and the numbers, redrawn in place; log lines go above it."""

    def __init__(self, greeting: str = "") -> None:
        super().__init__(greeting)
        self._console = make_console(is_error=True)
        self._rate = Rate()
        self._progress = Progress(
            Line(),
            console=self._console,
            transient=True,
            refresh_per_second=4,
            redirect_stdout=False,
            redirect_stderr=False,  # whose text would be read for control sequences
        )
        self._task = self._progress.add_task("", total=None, numbers=["starting"])
        self._progress.start()

    def update(self, state: wire.State) -> None:
        super().update(state)
        self._rate.hear(time.monotonic(), state)
        self._progress.update(
            self._task,
            total=state.source.total()[0],
            completed=state.totals.rows,
            numbers=numbers(state, self._rate.per_s()),
        )

    def say(self, line: str) -> None:
        self._progress.console.print(line, markup=False, highlight=False)

    def close(self) -> None:
        self._progress.stop()


def display(*, quiet: bool, interval_s: float, greeting: str = "") -> Quiet:
    """The display that fits stderr; the greeting is said once the job is heard."""
    if quiet:
        return Quiet()
    if sys.stderr.isatty() and not logs.is_json():
        return LiveLine(greeting)
    return PlainLines(interval_s, greeting)
