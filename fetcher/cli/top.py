"""`fetcher top`: shows a job live in the terminal."""

from __future__ import annotations

import contextlib
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import click

from fetcher.cli.options import config_options, keys_option, settings_of
from fetcher.engines.paths import require_path
from fetcher.settings.schema import Settings
from fetcher.telemetry import logs
from fetcher.watch.client import Watcher
from fetcher.watch.job_source import JobSource
from fetcher.watch.terminal import full_screen
from fetcher.watch.terminal.console import make_console
from fetcher.watch.terminal.view import Look, View

_ANSWER_S = 5.0  # time for a ventilator to answer


@click.command
@click.argument("target", metavar="OUT|ENDPOINT")
@click.option(
    "--once",
    is_flag=True,
    help="Print one snapshot and leave (the default if stdout is not a terminal).",
)
@config_options
@keys_option
def top(
    target: str, once: bool, keys: str | None, conf: Path | None, assignments: tuple[str, ...]
) -> None:
    """Show rate, lines done and left, outcomes, hosts, workers and recent failures, each second.

    OUT is a job's directory on this host, running or not. Hosts, workers and what is in flight are
    known to the ventilator alone: it is asked where `fetcher run` is at work in OUT on this host,
    or where you give its ENDPOINT. Otherwise the journal and the newest rows are shown.
    q or Ctrl-C leaves; the job continues.

    \b
    Examples:
      fetcher top out
      fetcher top tcp://10.0.0.1:5700
      fetcher top out --once
    """
    is_endpoint = re.match(r"(tcp|ipc)://", target) is not None
    if not is_endpoint:
        require_path(target, "OUT")
    settings = settings_of(
        conf,
        assignments,
        keys__dir=("--keys", keys),
        endpoints__ventilator=("ENDPOINT", target if is_endpoint else None),
    ).settings
    logs.start(settings.log, "cli", "top")
    with _looking(target, settings, is_endpoint=is_endpoint) as look:
        if once or not sys.stdout.isatty():
            full_screen.once(look, make_console())
        else:
            full_screen.run(look, make_console())


@contextlib.contextmanager
def _looking(target: str, settings: Settings, *, is_endpoint: bool) -> Iterator[Look]:
    if not is_endpoint:
        with contextlib.closing(JobSource(Path(target))) as source:
            yield source.look
        return
    with Watcher(settings.endpoints.ventilator, settings.keys.dir) as watcher:
        yield lambda: View(target, watcher.look(_ANSWER_S))
