"""`fetcher run`: runs all roles of a job on this host."""

from __future__ import annotations

import contextlib
import sys
from pathlib import Path
from typing import BinaryIO

import click
import msgspec

from fetcher.cli.fail_on import fail_on_option, require_none
from fetcher.cli.inputs import INPUT, name_of, one_input, require_csv, require_file, require_url
from fetcher.cli.options import (
    GroupedCommand,
    command_line,
    config_options,
    out_option,
    own_servers_option,
    page_url,
    quiet_option,
    setting_options,
    settings_of,
    web_option,
)
from fetcher.engines.interrupts import Signals
from fetcher.engines.local import run_job
from fetcher.errors import InputError, StoppedError, UsageError
from fetcher.fetch.http.tls import check_files
from fetcher.humanize import number
from fetcher.input.selection import Selection
from fetcher.input.source import Source
from fetcher.model import Outcome
from fetcher.roles.preflight import require_own_code
from fetcher.settings.load import Loaded
from fetcher.settings.schema import Input, Settings
from fetcher.store import manifest, spool
from fetcher.store.begun import require_as_begun
from fetcher.store.disk import disk_errors
from fetcher.store.reader import Part, read_part
from fetcher.telemetry import logs
from fetcher.watch import progress

_COPY_BYTES = 1024 * 1024


@click.command(cls=GroupedCommand)
@click.argument("given", type=INPUT, nargs=-1, required=True, metavar="URLFILE|URL...")
@out_option
@setting_options("run")
@config_options
@fail_on_option
@own_servers_option
@web_option
@quiet_option
def run(
    given: tuple[str | Path, ...],
    out: Path,
    conf: Path | None,
    assignments: tuple[str, ...],
    unwanted: frozenset[Outcome],
    own_servers: bool,
    web: int | None,
    quiet: bool,
) -> None:
    """Fetch every URL of URLFILE; each line gets one result row in OUT/results/part-*.jsonl.

    URLFILE holds one URL per line (UTF-8, plain or gzip), or a JSON object per line (.jsonl), or a
    record per line (.csv, .tsv). Blank lines and lines that begin with # are skipped. `-` reads
    standard input. URLs may also be given as arguments. After an interruption, the same command
    resumes: no committed line is fetched again.

    \b
    Examples:
      fetcher run urls.txt -o out
      fetcher run https://example.org/ https://example.com/ -o out
      fetcher run links.csv --column link -o out
      fetcher run urls.txt.gz -o out --workers 4 --pool-size 1000
      fetcher run urls.txt -o out --web
      zcat *.gz | fetcher run - -o out
      fetcher run urls.txt -o out -c fetcher.toml --timeout 20 --bodies files
    """
    urlfile = one_input(given)
    loaded = settings_of(conf, assignments, monitor__http=("--web", web), own_servers=own_servers)
    settings = loaded.settings
    logs.start(settings.log, "supervisor", "supervisor")
    check_files(settings.http)
    require_own_code(settings)
    if isinstance(urlfile, list):
        _run_urls(urlfile, out, loaded, quiet=quiet, unwanted=unwanted)
    elif str(urlfile) == "-" or urlfile.is_fifo():
        _run_piped(urlfile, out, loaded, quiet=quiet, unwanted=unwanted)
    else:
        require_csv(urlfile, loaded)
        require_as_begun(out, urlfile, loaded)
        require_file(urlfile, settings.http.max_url_bytes)
        Source(urlfile, settings.input)  # reports a bad file before any process is started
        run_and_report(urlfile, out, settings, quiet=quiet, unwanted=unwanted)


def _run_urls(
    urls: list[str], out: Path, loaded: Loaded, *, quiet: bool, unwanted: frozenset[Outcome]
) -> None:
    if loaded.origins.get("input.url_column") == "--column":
        raise UsageError("--column: is for CSV files; URLs of the command line have no columns")
    for url in urls:
        require_url(url, loaded.settings.http.max_url_bytes)
    name = name_of(urls)

    def write(file: BinaryIO) -> None:
        file.write("".join(f"{url}\n" for url in urls).encode())

    with disk_errors(out / manifest.SPOOL_NAME):
        spooled = spool.keep(out, write, name)
    # These lines are URLs, whatever the input settings say.
    settings = msgspec.structs.replace(loaded.settings, input=Input(format="text"))
    require_as_begun(out, spooled, msgspec.structs.replace(loaded, settings=settings))
    run_and_report(spooled, out, settings, quiet=quiet, name=name, unwanted=unwanted)


def _run_piped(
    urlfile: Path, out: Path, given: Loaded, *, quiet: bool, unwanted: frozenset[Outcome]
) -> None:
    spooled = _spool(urlfile, out)
    require_as_begun(out, spooled, given)
    try:
        source = Source(spooled, given.settings.input, name=_name(urlfile))
        if next(source.url_lines(), None) is None:
            raise source.holds_none()
    except UsageError:
        spool.forget(out)  # otherwise the right input would conflict with this one
        raise
    name = _name(urlfile)
    run_and_report(spooled, out, given.settings, quiet=quiet, name=name, unwanted=unwanted)


def run_and_report(
    urlfile: Path,
    out: Path,
    settings: Settings,
    *,
    quiet: bool,
    selection: Selection | None = None,
    name: str = "",
    unwanted: frozenset[Outcome] = frozenset(),
) -> None:
    """Run the job with its progress display and summary. Raises FetcherError.

    `name`: the input's name for people, if it is not the name of `urlfile`. Raises FailedRowsError
    if the job is complete and rows have one of the `unwanted` outcomes.
    """
    before = _part(out)
    page = f"the job's page: {page_url(settings.monitor)}" if settings.monitor.http else ""
    interval_s = settings.log.progress_interval_s
    display = progress.display(quiet=quiet, interval_s=interval_s, greeting=page)
    try:
        run_job(urlfile, out, settings, display, Signals(), selection, command_line(), name)
    except StoppedError as error:
        done = f"{number(_rows(_part(out)))} lines are done and safe in {out}"
        raise StoppedError(f"{error} ({done})") from error
    finally:
        display.close()
    if quiet and not unwanted:
        return
    after = read_part(out)
    if not quiet:
        # Imported late, so that loading rich does not delay the start of the roles.
        from fetcher.cli import after_run  # noqa: PLC0415

        fresh = _rows(after) - _rows(before)
        after_run.show(after, settings, before and before.view.work, fresh, display.last)
    require_none(after.view.recovered.totals, unwanted)


def _part(out: Path) -> Part | None:
    """The job in OUT; None if none was begun."""
    return read_part(out) if (out / manifest.MANIFEST_NAME).exists() else None


def _rows(part: Part | None) -> int:
    return part.view.recovered.totals.rows if part else 0


def _spool(urlfile: Path, out: Path) -> Path:
    """Copy a pipe to a file in OUT, so that it can be read again."""
    name = _name(urlfile)

    def copy(file: BinaryIO) -> None:
        with _opened(urlfile) as pipe:
            while block := _read(pipe, name):
                file.write(block)
        if not file.tell() and not (out / manifest.SPOOL_NAME).exists():
            raise InputError(f"{name}: is empty; it should hold URLs, one a line")

    with disk_errors(out / manifest.SPOOL_NAME):
        return spool.keep(out, copy, name)


def _name(urlfile: Path) -> str:
    return "standard input" if str(urlfile) == "-" else str(urlfile)


def _opened(urlfile: Path) -> contextlib.AbstractContextManager[BinaryIO]:
    if str(urlfile) == "-":
        return contextlib.nullcontext(sys.stdin.buffer)
    try:
        return urlfile.open("rb")
    except OSError as error:
        raise InputError(f"{urlfile}: {error.strerror}") from error


def _read(pipe: BinaryIO, name: str) -> bytes:
    try:
        return pipe.read(_COPY_BYTES)
    except OSError as error:
        raise InputError(f"{name}: {error.strerror}") from error
