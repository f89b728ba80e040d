"""The display of a job that fits stderr."""

from __future__ import annotations

import io
import sys

import pytest

from fetcher.watch.display import choose_display
from fetcher.watch.progress import PlainLines, Quiet
from fetcher.watch.terminal.live_line import LiveLine


@pytest.mark.parametrize(
    ("quiet", "is_terminal", "expected"),
    [
        (True, True, Quiet),
        (True, False, Quiet),
        (False, False, PlainLines),
        (False, True, LiveLine),
    ],
)
def test_only_a_terminal_has_a_live_line_and_quiet_wins(
    monkeypatch: pytest.MonkeyPatch, quiet: bool, is_terminal: bool, expected: type[Quiet]
) -> None:
    stderr = io.StringIO()
    monkeypatch.setattr(stderr, "isatty", lambda: is_terminal)
    monkeypatch.setattr(sys, "stderr", stderr)
    display = choose_display(quiet=quiet, interval_s=1.0)
    display.close()
    assert type(display) is expected
