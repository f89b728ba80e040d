"""Options that choose rows, of `fetcher export`, `urls` and `retry`."""

from __future__ import annotations

import signal
import sys
from typing import BinaryIO

import click

outcome_option = click.option(
    "--outcome",
    "outcomes",
    metavar="NAMES",
    help="Rows with these outcomes: timeout,dns; failed is all but ok; !dns is all but dns",
)
status_option = click.option(
    "--status", "statuses", metavar="CODES", help="Rows with these statuses: 5xx,429"
)
partial_option = click.option(
    "--partial", is_flag=True, help="Also accept a run that has not ended: the rows so far."
)


def stdout_of_filter() -> BinaryIO:
    """Standard output; the process ends silently when its reader closes the pipe, and on Ctrl-C."""
    for each in (signal.SIGPIPE, signal.SIGINT):
        signal.signal(each, signal.SIG_DFL)
    return sys.stdout.buffer
