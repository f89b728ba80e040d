"""`fetcher report`: reports on a run, as a page, a summary or JSON."""

from __future__ import annotations

import time
from pathlib import Path

import click
import msgspec
from rich.progress import BarColumn, Progress, TextColumn

from fetcher.cli.options import FILE, OUT, quiet_option
from fetcher.errors import DamageError, UsageError
from fetcher.humanize import size
from fetcher.report import text
from fetcher.report.contents import Contents, contents, for_json
from fetcher.report.reading import read
from fetcher.store.disk import write_atomically
from fetcher.watch.terminal.console import make_console


@click.command
@click.argument("outs", type=OUT, nargs=-1, required=True, metavar="OUT...")
@click.option(
    "-o",
    "--file",
    "path",
    type=FILE,
    metavar="FILE",
    help="The page to write (default: the name of OUT and .html, in this directory).",
)
@click.option("--text", "only_text", is_flag=True, help="Write no page; print a summary here.")
@click.option("--json", "as_json", is_flag=True, help="Write no page; print all figures as JSON.")
@quiet_option
def report(
    outs: tuple[Path, ...], path: Path | None, only_text: bool, as_json: bool, quiet: bool
) -> None:
    """Report outcomes, rates, latencies, hosts, errors and settings of the job in OUT.

    The page is one file that needs no network. The report of a running job shows what is committed
    so far. A job with several sinks has one OUT for each: name them all.

    \b
    Examples:
      fetcher report out
      fetcher report out -o /var/www/monday.html
      fetcher report out --text
    """
    if path is not None and (only_text or as_json):
        raise UsageError(
            "-o FILE names the page, which --text and --json do not write; leave one out"
        )
    found = _read(outs, quiet=quiet)
    if as_json:
        click.echo(msgspec.json.encode(for_json(found)).decode())
        return
    console = make_console()
    if only_text:
        text.show(console, found)
        return
    # Only the page needs jinja2.
    from fetcher.report.page import page  # noqa: PLC0415

    path = path or Path(f"{outs[0].resolve().name}.html")
    if path.is_dir():
        raise UsageError(f"-o {path}: is a directory; name a file")
    written = page(found).encode()
    try:
        write_atomically(path, written)
    except DamageError as error:
        raise UsageError(f"-o {path}: {error}; name a file that can be written") from error
    if not quiet:
        console.print(text.headline(found), highlight=False, markup=False, soft_wrap=True)
        console.print(
            f"{path}: {size(len(written))}", highlight=False, markup=False, soft_wrap=True
        )


def _read(outs: tuple[Path, ...], *, quiet: bool) -> Contents:
    errors = make_console(is_error=True)
    if quiet or not errors.is_terminal:
        return contents(*read(outs), time.time())
    bar = Progress(
        TextColumn("reading rows"), BarColumn(bar_width=20), console=errors, transient=True
    )
    with bar:
        task = bar.add_task("", total=None)
        return contents(
            *read(outs, lambda done, all_rows: bar.update(task, completed=done, total=all_rows)),
            time.time(),
        )
