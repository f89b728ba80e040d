"""Prints the summary at the end of a run, and the commands that come next."""

from __future__ import annotations

import os
import shlex
import shutil
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

import click
from click.core import ParameterSource

from fetcher.cli.options import given_headers, typed_again
from fetcher.commit.rate import Work
from fetcher.humanize import escaped
from fetcher.input.refresh import Refresh
from fetcher.input.selection import Selection
from fetcher.protocol.messages import State
from fetcher.settings import describe
from fetcher.settings.schema import Http, Settings
from fetcher.store import manifest
from fetcher.store.reader import Part
from fetcher.watch import next_steps, summary
from fetcher.watch.terminal.console import make_console

# Options of a run that its retry needs, too. Values that may be secrets are not repeated.
_CARRIED: Final = ("conf", "assignments", "own_servers")
_DEFAULT_TIMEOUT_S: Final = Http().total_timeout_s
_MOST_PARENTS: Final = 10


def show(
    part: Part, settings: Settings, before: Work | None, fresh: int, last: State | None
) -> None:
    """Print the summary and the next steps; for `before`, `fresh` and `last` see watch.summary."""
    console = make_console()
    summary.show(console, part, before, fresh, last)
    context = click.get_current_context()
    carried = list(_carried(context))
    options = [*typed_again(context, "retry"), *carried]
    timeout_s = settings.http.total_timeout_s
    finished = next_steps.Finished(
        totals=part.view.recovered.totals,
        out=part.out,
        parents=_lineage(part.manifest.selection),
        before=_before(part.manifest.refresh),
        program=_program(),
        options=[each for each in options if not _is_secret(each)],
        # Another command that ends with a crawl, as refresh, has no seeds to begin it again.
        crawl=_crawl_again(context, carried) if context.command.name == "crawl" else None,
        hidden=[
            *(f"--header {name}" for name in given_headers(context)),
            *(f"{each[0]} {_key(each)}" for each in options if _is_secret(each)),
        ],
        timeout_s=timeout_s if timeout_s != _DEFAULT_TIMEOUT_S else None,
    )
    console.print()
    for line in next_steps.steps(finished, Path.exists):
        console.print(escaped(line), highlight=False, markup=False, soft_wrap=True)


def _before(refresh: Refresh | None) -> Path | None:
    """The OUT that a refresh is compared with; None if there are several, or it is not there."""
    outs = [] if refresh is None else shlex.split(refresh.parent)
    return _relative(Path(outs[0])) if len(outs) == 1 and Path(outs[0]).is_dir() else None


def _program() -> str:
    """How to call this program from the same shell."""
    installed = Path(sys.executable).with_name("fetcher")
    if shutil.which("fetcher") is None and installed.exists():
        return str(_relative(installed))
    return "fetcher"


def _crawl_again(
    context: click.Context, carried: Iterable[tuple[str, ...]]
) -> list[tuple[str, ...]]:
    """The seeds and options that begin the same crawl; without secrets."""
    seeds = [(str(each),) for each in context.params["given"]]
    options = [*typed_again(context, "crawl"), *carried]
    return [*seeds, *(each for each in options if not _is_secret(each))]


def _carried(context: click.Context) -> Iterator[tuple[str, ...]]:
    options = (each for each in context.command.params if isinstance(each, click.Option))
    for option in options:
        name = option.name or ""
        if (
            name not in _CARRIED
            or context.get_parameter_source(name) != ParameterSource.COMMANDLINE
        ):
            continue
        if option.is_flag:
            yield (option.opts[0],)
            continue
        values = context.params[name]
        for value in values if option.multiple else (values,):
            yield (option.opts[0], str(value))


def _key(option: tuple[str, ...]) -> str:
    """The setting of `--set section.key=value`."""
    return option[-1].partition("=")[0].strip()


def _is_secret(option: tuple[str, ...]) -> bool:
    return option[0] == "--set" and _key(option) in describe.secrets()


def _lineage(selection: Selection | None) -> list[Path]:
    """The OUTs that a retry's rows are merged with, oldest first; [] if some are missing."""
    found: list[Path] = []
    for _ in range(_MOST_PARENTS):
        if selection is None:
            return found
        parents = [_relative(Path(each)) for each in shlex.split(selection.parent)]
        of = manifest.read(parents[0]) if parents[0].is_dir() else None
        if of is None or of.job != selection.parent_job:
            return []
        found, selection = parents + found, of.selection
    return []


def _relative(path: Path) -> Path:
    """The path relative to the current directory, if it is below that."""
    try:
        here = Path.cwd()
    except FileNotFoundError:  # the directory has been removed
        return path
    return Path(os.path.relpath(path, here)) if path.is_relative_to(here) else path
