"""`fetcher export`, `fetcher urls`: what is in OUT, for other programs."""

from __future__ import annotations

import signal
import sys
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import BinaryIO

import click

from fetcher.cli.export_files import FileOptions, write_files
from fetcher.cli.options import FILE, OUT, quiet_option
from fetcher.errors import StoppedError, UsageError
from fetcher.export import forms, name_template
from fetcher.export.choose import is_wanted
from fetcher.export.exporting import Export, chosen_rows
from fetcher.export.filters import Condition, conditions
from fetcher.export.merged import Merged
from fetcher.humanize import number, size
from fetcher.input import selection
from fetcher.protocol.totals import in_order
from fetcher.telemetry import logs

STDOUT = Path("-")

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
    "--partial", is_flag=True, help="Take a run that has not ended, too: the rows committed so far."
)


@click.command(short_help="Rows as Parquet, CSV, JSON Lines or SQLite; bodies as files.")
@click.argument("outs", type=OUT, nargs=-1, required=True, metavar="OUT...")
@click.option(
    "--to", "name", type=click.Choice(forms.NAMES), help="The format (default: by the file's name)."
)
@click.option(
    "-o",
    "--file",
    "path",
    type=FILE,
    metavar="FILE",
    help="The file to make; - is standard output (default: the name of OUT, in this directory).",
)
@click.option(
    "--columns", metavar="NAMES", help="Only these columns: line,url,status,headers.server"
)
@click.option(
    "--where",
    "where",
    multiple=True,
    metavar="CONDITION",
    help="Only rows that meet it, such as outcome=ok; if it is repeated, all must be met.",
)
@outcome_option
@status_option
@click.option(
    "--sort", type=click.Choice(["line"]), help="Write the rows in the order of the input's lines."
)
@click.option(
    "--files", "folder", type=FILE, metavar="DIR", help="Write kept bodies as files below DIR."
)
@click.option(
    "--filename",
    metavar="TEMPLATE",
    help=f"The path of each file below DIR (default: {name_template.DEFAULT}).",
)
@click.option("--with-rows", is_flag=True, help="The row of each body next to it: NAME.json.")
@click.option("--link", is_flag=True, help="Hard links to the files of OUT instead of copies.")
@partial_option
@click.option("--force", is_flag=True, help="Replace the file, or files with other content.")
@click.option(
    "--formula-guard/--no-formula-guard",
    default=True,
    help="csv: put an apostrophe before text that a spreadsheet would run as a formula "
    "(default: on).",
)
@quiet_option
def export(
    outs: tuple[Path, ...],
    name: str | None,
    path: Path | None,
    columns: str | None,
    where: tuple[str, ...],
    outcomes: str | None,
    statuses: str | None,
    sort: str | None,
    folder: Path | None,
    filename: str | None,
    with_rows: bool,
    link: bool,
    partial: bool,
    force: bool,
    formula_guard: bool,
    quiet: bool,
) -> None:
    """Write the rows of OUT to one file, which is there as a whole or not at all.

    With --files: write each kept body to a file of its own instead. TEMPLATE has {line}, {line:8}
    (with zeros, to 8 digits), {id}, {host}, {path} and {name} (of the URL; the name is the path's
    last part), {sha256}, {ext} (by content type, with its dot), {status}, {outcome} and
    {column:NAME} (of a CSV input with input.keep_columns). A / makes a folder. Names are made safe
    for all systems; of rows with the same name, the second gets -2, and so on. Files that are there
    with the same content are left alone, so the same command goes on after an interruption.

    Rows come in any order unless sorted. Several OUT of one input (a run, then its retries) are
    taken as one: each line once, the row of the last OUT that has it. A job with several sinks has
    an OUT of each: name them all.

    --outcome and --status together take rows that meet one of them; each --where must be met, too.
    A condition is COLUMN and one of = != < <= > >= and a value, or ~ !~ and a regular expression
    (of texts). `error=` with nothing behind means: the row has none. `!=` and `!~` are also met by
    rows without a value. Times: 2026-01-31T12:00 (UTC) or Unix seconds.

    \b
    Examples:
      fetcher export out --to parquet
      fetcher export out -o failed.csv --outcome failed
      fetcher export out -o bad.csv --where 'status>=500' --columns line,url,status
      fetcher export out --to jsonl -o - --where outcome=ok --where 'content_type~html' | less
      fetcher export out out-retried -o all.sqlite
      fetcher export out --files pictures --where outcome=ok --where content_type~image
      fetcher export out --files pages --filename '{host}/{name}{ext}' --with-rows
    """
    if folder is not None:
        _refuse("does not go with --files", {"--to": name, "-o": path, "--columns": columns})
        merged = Merged(outs, partial=partial)
        of = merged.first.manifest.input.format
        tests = [*conditions(where, of), *_chosen(outcomes, statuses)]
        options = FileOptions(folder, filename or name_template.DEFAULT, with_rows, link, force)
        said = write_files(merged, chosen_rows(merged, tests, sort=sort == "line"), options)
        if not quiet:
            click.echo(_with_merged(said, merged, partial=partial), err=True)
        return
    of_files = {"--filename": filename, "--with-rows": with_rows or None, "--link": link or None}
    _refuse("goes with --files DIR", of_files)
    if name is None:
        if path is None or path == STDOUT:
            raise UsageError(f"--to is missing: choose one of {', '.join(forms.NAMES)}")
        name = forms.SUFFIXES.get(path.suffix.lower())
        if name is None:
            raise UsageError(f"-o {path}: its name does not end with a known format; add --to")
    merged = Merged(outs, partial=partial)
    of = merged.first.manifest.input.format
    task = Export(
        merged,
        forms.Form(name, columns, merged, formula_guard=formula_guard),
        [*conditions(where, of), *_chosen(outcomes, statuses)],
        sort == "line",
    )
    if path == STDOUT:
        task.to_stream(as_filter())
        return
    path = path or Path(f"{outs[0].resolve().name}.{name}")
    # Whoever asks us to end is not to be left with half a file.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        count = task.to_file(path, force=force)
    except KeyboardInterrupt:
        raise StoppedError(f"stopped; {path} was not written") from None
    if not quiet:
        click.echo(_made(path, count, merged, partial=partial), err=True)


def _refuse(why: str, given: Mapping[str, object]) -> None:
    for option, value in given.items():
        if value is not None:
            raise UsageError(f"{option} {why}")


def _chosen(outcomes: str | None, statuses: str | None) -> list[Condition]:
    """What --outcome and --status ask for; nothing where neither is given."""
    if outcomes is None and statuses is None:
        return []
    return [is_wanted(selection.parse(outcomes, statuses))]


def _made(path: Path, count: int, merged: Merged, *, partial: bool) -> str:
    said = f"{path}: {number(count)} rows, {size(path.stat().st_size)}"
    return _with_merged(said, merged, partial=partial)


def _with_merged(said: str, merged: Merged, *, partial: bool) -> str:
    """What was done, and of which rows."""
    parts = [said]
    if len(merged.parts) > 1:
        parts.append(f"{number(merged.replaced)} rows replaced by later ones")
    if partial and any(each.manifest.state != "complete" for each in merged.parts):
        parts.append("of a run that has not ended")
    return ", ".join(parts)


def as_filter() -> BinaryIO:
    """Standard output, as other filters use it: when its reader leaves, so do we, quietly."""
    for each in (signal.SIGPIPE, signal.SIGINT):
        signal.signal(each, signal.SIG_DFL)
    return sys.stdout.buffer


@click.command(short_help="The URLs whose rows have some outcome or status.")
@click.argument("outs", type=OUT, nargs=-1, required=True, metavar="OUT...")
@outcome_option
@status_option
@click.option("--lines", is_flag=True, help="Line numbers of the input rather than URLs.")
@quiet_option
def urls(
    outs: tuple[Path, ...],
    outcomes: str | None,
    statuses: str | None,
    lines: bool,
    quiet: bool,
) -> None:
    """Print the URL of each row with one of the outcomes or one of the statuses, in any order.

    Without --outcome and --status: the URLs that `fetcher retry` would fetch again. Of a run that
    has not ended: those of the rows that are committed by now.

    \b
    Examples:
      fetcher urls out --outcome timeout,dns
      fetcher urls out --outcome all
      fetcher urls out --status 5xx,429 | sort -u | wc -l
      fetcher urls out --outcome invalid_url --lines
    """
    fits = is_wanted(selection.parse(outcomes, statuses))
    merged = Merged(outs, partial=True)
    write = as_filter().write
    left_out: Counter[str] = Counter()
    for row in merged.rows():
        result = row.result
        if not fits(result):
            left_out[result.outcome] += 1
        elif lines:
            write(b"%d\n" % result.line)
        else:
            # One a line, whatever a JSON line gave for a URL.
            text = result.url.replace("\r", "%0D").replace("\n", "%0A")
            write(f"{text}\n".encode())
    if left_out and outcomes is None and statuses is None and not quiet:
        sys.stdout.buffer.flush()
        logs.say(logs.own(_left_out(left_out), "info"))


def _left_out(counts: Counter[str]) -> str:
    by_outcome = ", ".join(f"{name} {number(count)}" for name, count in in_order(counts).items())
    return (
        f"{number(counts.total())} URLs that `fetcher retry` would not fetch again are left out "
        f"({by_outcome}); --outcome all prints every URL, --outcome failed all but those of ok rows"
    )
