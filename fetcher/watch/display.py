"""Chooses how a command shows its job: a live line on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys

from fetcher.telemetry import logs
from fetcher.watch.progress import PlainLines, Quiet


def choose_display(*, quiet: bool, interval_s: float, greeting: str = "") -> Quiet:
    """The display that fits stderr; `greeting` is said when the job's first state comes."""
    if quiet:
        return Quiet()
    if sys.stderr.isatty() and not logs.is_json():
        # rich takes longer to load than all else here.
        from fetcher.watch.terminal.live_line import LiveLine  # noqa: PLC0415

        return LiveLine(greeting)
    return PlainLines(interval_s, greeting)
