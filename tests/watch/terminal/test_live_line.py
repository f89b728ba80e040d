"""The job's line on a terminal."""

from __future__ import annotations

import io
import sys
from typing import Any

import pytest
from msgspec.structs import replace
from rich.console import Console
from rich.progress import Progress

from fetcher.protocol import messages
from fetcher.protocol.totals import Totals
from fetcher.watch.terminal.live_line import Line, LiveLine
from support.messages import EXAMPLES

STATE: Any = EXAMPLES["state"][0]


def drawn(width: int, total: int | None, numbers: list[str]) -> str:
    shown = Progress(Line())
    task = shown.add_task("", total=total, completed=5, numbers=numbers)
    assert task == 0
    file = io.StringIO()
    Console(file=file, width=width, color_system=None).print(Line().render(shown.tasks[0]))
    return file.getvalue().rstrip()


@pytest.mark.parametrize(
    ("width", "total", "line"),
    [
        (59, 10, "50% · a · b"),
        (59, None, "a · b"),
        (60, 10, "━━━━━━━━━━           50% · a · b"),
        (10, 10, "50% · a"),
    ],
)
def test_the_bar_the_share_and_the_numbers_that_fit(
    width: int, total: int | None, line: str
) -> None:
    assert drawn(width, total, ["a", "b"]) == line


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def on_terminal(monkeypatch: pytest.MonkeyPatch) -> _Terminal:
    """Standard error, for this test: a fixture would set it before pytest does."""
    made = _Terminal()
    monkeypatch.setattr(sys, "stderr", made)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "120")
    return made


def test_a_greeting_comes_once_and_log_lines_as_they_are(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    terminal = on_terminal(monkeypatch)
    line = LiveLine("the job's page: http://127.0.0.1:8899/")
    running: messages.State = replace(STATE, phase="running")
    line.update(running)
    line.update(running)
    line.say("[bold]a line[/bold]")
    line.close()
    said = terminal.getvalue()
    assert said.count("the job's page:") == 1
    assert "[bold]a line[/bold]" in said


def test_the_numbers_are_those_of_the_newest_state(monkeypatch: pytest.MonkeyPatch) -> None:
    on_terminal(monkeypatch)
    line = LiveLine()
    (task,) = line._progress.tasks
    assert (task.total, task.fields["numbers"]) == (None, ["starting"])
    line.update(STATE)
    assert (task.total, task.completed) == (STATE.source.total()[0], STATE.totals.rows)
    assert task.fields["numbers"][2] == "1 in flight"
    rows = task.completed
    line.update(replace(STATE, phase="starting", totals=Totals()))
    line.close()
    assert (task.completed, task.fields["numbers"]) == (rows, ["starting"])
