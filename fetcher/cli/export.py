"""`fetcher export`: writes rows to a file in another format, or bodies to files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final, NamedTuple

import click

from fetcher.cli.export_files import FileOptions, write_files
from fetcher.cli.interrupts import stoppable
from fetcher.cli.options import FILE, OUT, quiet_option
from fetcher.cli.row_options import (
    outcome_option,
    partial_option,
    status_option,
    stdout_of_filter,
)
from fetcher.errors import UsageError
from fetcher.export import forms, links, name_template
from fetcher.export.choose import is_wanted
from fetcher.export.exporting import Export, chosen_links, chosen_rows
from fetcher.export.filters import Condition, conditions, conditions_on
from fetcher.export.merged import Merged
from fetcher.humanize import counted, size
from fetcher.input import selection
from fetcher.store.crawl_links import require_links

_STDOUT: Final = Path("-")


@click.command
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
@click.option(
    "--links", "is_of_links", is_flag=True, help="The links of a crawl in place of its rows."
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
    is_of_links: bool,
    with_rows: bool,
    link: bool,
    partial: bool,
    force: bool,
    formula_guard: bool,
    quiet: bool,
) -> None:
    """Write the rows of OUT to one file, completely or not at all.

    With --files, write each kept body to a file of its own instead. TEMPLATE has {line}, {line:8}
    (with zeros, to 8 digits), {id}, {host}, {path} and {name} (of the URL; the name is the path's
    last part), {sha256}, {ext} (by content type, with its dot), {status}, {outcome} and
    {column:NAME} (of a CSV input). A / makes a folder. Names are made safe
    for all systems; if several rows have the same name, the second gets -2, and so on. Existing
    files with the same content are left alone, so the same command resumes after an interruption.

    Rows are in any order unless sorted. Several OUTs of one input (a run, then its retries) are
    merged: each line once, with the row of the last OUT that has it. A job with several sinks has
    one OUT for each: name them all.

    --outcome and --status together choose rows that meet one of them; each --where must be met too.
    A condition is COLUMN, one of = != < <= > >=, and a value; or COLUMN, ~ or !~, and a regular
    expression (for texts). `error=` without a value means that the row has no error. Rows without a
    value also meet `!=` and `!~`. Times: 2026-01-31T12:00 (UTC) or Unix seconds.

    With --links, write the links of a crawl: from, from_url, to, to_url, via (of the link that made
    its target a line), refused (the reason, if it was not followed).

    \b
    Examples:
      fetcher export out --to parquet
      fetcher export out -o failed.csv --outcome failed
      fetcher export out -o bad.csv --where 'status>=500' --columns line,url,status
      fetcher export out --to jsonl -o - --where outcome=ok --where 'content_type~html' | less
      fetcher export out out-retried -o all.sqlite
      fetcher export out --files pictures --where outcome=ok --where content_type~image
      fetcher export out --files pages --filename '{host}/{name}{ext}' --with-rows
      fetcher export out --links -o links.parquet --where refused=
    """
    rows = RowOptions(outs, where, outcomes, statuses, sort == "line", partial)
    if folder is not None:
        of_tables = {"--links": is_of_links or None, "--to": name, "-o": path, "--columns": columns}
        _refuse("does not go with --files", of_tables)
        template = filename or name_template.DEFAULT
        message = _export_files(rows, FileOptions(folder, template, with_rows, link, force))
    else:
        of_files = {"--filename": filename, "--with-rows": with_rows, "--link": link}
        _refuse("goes with --files DIR", {k: v for k, v in of_files.items() if v})
        to = TableOptions(_format(name, path), path, columns, formula_guard, force)
        message = _export_links(rows, to) if is_of_links else _export_table(rows, to)
    if message and not quiet:
        click.echo(message, err=True)


class RowOptions(NamedTuple):
    """The options of `fetcher export` that choose rows."""

    outs: Sequence[Path]
    where: Sequence[str]
    outcomes: str | None
    statuses: str | None
    sort: bool  # by line
    partial: bool

    def merged(self) -> Merged:
        return Merged(self.outs, partial=self.partial)

    def conditions(self, merged: Merged) -> list[Condition]:
        """The conditions that each row must meet. Raises UsageError."""
        met = conditions(self.where, merged.first.manifest.line_format)
        if self.outcomes is None and self.statuses is None:
            return met
        return [*met, is_wanted(selection.parse(self.outcomes, self.statuses))]


class TableOptions(NamedTuple):
    """The options of `fetcher export` for a file of rows."""

    format: str
    path: Path | None
    columns: str | None
    formula_guard: bool
    force: bool


def _refuse(why: str, given: Mapping[str, object]) -> None:
    """Raise UsageError if one of these options was given."""
    for option, value in given.items():
        if value is not None:
            raise UsageError(f"{option} {why}")


def _format(name: str | None, path: Path | None) -> str:
    """The format that --to names, or the name of the file."""
    if name is not None:
        return name
    if path is None or path == _STDOUT:
        raise UsageError(f"--to is missing: choose one of {', '.join(forms.NAMES)}")
    found = forms.SUFFIXES.get(path.suffix.lower())
    if found is None:
        raise UsageError(f"-o {path}: its name does not end with a known format; add --to")
    return found


def _export_files(rows: RowOptions, options: FileOptions) -> str:
    """Write bodies; returns a line for the user."""
    merged = rows.merged()
    chosen = chosen_rows(merged, rows.conditions(merged), sort=rows.sort)
    return _with_merged(write_files(merged, chosen, options), merged, partial=rows.partial)


def _export_table(rows: RowOptions, options: TableOptions) -> str:
    """Write rows to a file or standard output; returns a line for the user, or ""."""
    merged = rows.merged()
    guard = options.formula_guard
    form = forms.form_of_rows(options.format, options.columns, merged, formula_guard=guard)
    chosen = chosen_rows(merged, rows.conditions(merged), sort=rows.sort)
    result = _written(Export(chosen, form, rows.outs), options, "row")
    return result and _with_merged(result, merged, partial=rows.partial)


def _export_links(rows: RowOptions, options: TableOptions) -> str:
    """Write the links of a crawl instead of rows; returns as `_export_table` does."""
    sort = "line" if rows.sort else None
    of_rows = {"--outcome": rows.outcomes, "--status": rows.statuses, "--sort": sort}
    _refuse("does not go with --links", of_rows)
    if len(rows.outs) > 1:
        raise UsageError("--links: name one OUT; retries of a crawl hold no links")
    merged = rows.merged()
    require_links(merged.first)
    form = forms.form_of_links(options.format, options.columns, formula_guard=options.formula_guard)
    conditions = conditions_on(rows.where, links.find)
    chosen = chosen_links(links.links_of(merged.first), conditions)
    result = _written(Export(chosen, form, rows.outs), options, "link")
    return result and _with_merged(result, merged, partial=rows.partial)


def _written(task: Export, options: TableOptions, what: str) -> str:
    """Write the file and return a line for the user; "" for standard output."""
    if options.path == _STDOUT:
        task.to_stream(stdout_of_filter())
        return ""
    path = options.path or Path(f"{task.outs[0].resolve().name}.{options.format}")
    with stoppable(lambda: f"stopped; {path} was not written"):
        count = task.to_file(path, force=options.force)
    return f"{path}: {counted(count, what)}, {size(path.stat().st_size)}"


def _with_merged(result: str, merged: Merged, *, partial: bool) -> str:
    """The result, and from which rows it was made."""
    parts = [result]
    if len(merged.parts) > 1:
        parts.append(f"{counted(merged.replaced, 'row')} replaced by later ones")
    if partial and any(each.manifest.state != "complete" for each in merged.parts):
        parts.append("of a run that has not ended")
    return ", ".join(parts)
