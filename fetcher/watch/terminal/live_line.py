"""The job's line on a terminal: a bar and the numbers that fit, redrawn in place."""

from __future__ import annotations

import time
from typing import Final

from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.measure import Measurement
from rich.progress import BarColumn, Progress, ProgressColumn, Task
from rich.table import Table

from fetcher.commit.rate import Rate
from fetcher.protocol import messages
from fetcher.watch.job_view import from_state
from fetcher.watch.progress import Greeting, numbers
from fetcher.watch.terminal.console import make_console
from fetcher.watch.terminal.fitting import Parts

_BAR_COLUMNS: Final = 20
_NARROW_COLUMNS: Final = 60  # a terminal of fewer columns has no room for a bar


class Line(ProgressColumn):
    """A bar, the share that is done, and the numbers that fit; no bar on a narrow terminal."""

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


class LiveLine(Greeting):
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
            redirect_stderr=False,  # rich would read the text for control sequences
        )
        self._task = self._progress.add_task("", total=None, numbers=["starting"])
        self._progress.start()

    def update(self, state: messages.State) -> None:
        super().update(state)
        self._rate.hear(time.monotonic(), state)
        job = from_state(state, self._rate.per_s())
        self._progress.update(self._task, numbers=numbers(job))
        if job.phase != "starting":  # until then a restarted ventilator does not know the rows
            self._progress.update(self._task, total=job.url_lines, completed=job.rows)

    def say(self, line: str) -> None:
        self._progress.console.print(line, markup=False, highlight=False)

    def close(self) -> None:
        self._progress.stop()
