"""`fetcher run`: all roles on this host."""

from __future__ import annotations

import contextlib
import sys
from pathlib import Path
from typing import BinaryIO

import click

from fetcher.cli.fail_on import fail_on_option, require_none
from fetcher.cli.options import (
    FILE,
    command_line,
    config_options,
    log_format_option,
    out_option,
    own_servers_option,
    page_url,
    quiet_option,
    settings_of,
    web_option,
)
from fetcher.config import Loaded
from fetcher.core.selection import Selection
from fetcher.engines.interrupts import Signals
from fetcher.engines.local import run_job
from fetcher.errors import InputError, StoppedError, UsageError
from fetcher.model import Outcome
from fetcher.monitor import progress
from fetcher.net.tls import check_files
from fetcher.pipeline.source import Source
from fetcher.pipeline.trial import require_own_code
from fetcher.settings import Settings
from fetcher.store import manifest, spool
from fetcher.store.begun import require_as_begun
from fetcher.store.disk import disk_errors
from fetcher.store.rows import Part, read_both
from fetcher.telemetry import logs

_COPY_BYTES = 1024 * 1024


@click.command(short_help="Fetch every URL of a file, on this host.")
@click.argument("urlfile", type=FILE)
@out_option
@config_options
@click.option(
    "--workers",
    type=int,
    metavar="N",
    help="Worker processes (default: one per core; one for a short list).",
)
@click.option(
    "--pool-size", type=int, metavar="N", help="Fetches at the same time in each process."
)
@click.option("--batch-size", type=int, metavar="N", help="URL lines in one batch.")
@fail_on_option
@own_servers_option
@web_option
@quiet_option
@log_format_option
def run(
    urlfile: Path,
    out: Path,
    conf: Path | None,
    assignments: tuple[str, ...],
    workers: int | None,
    pool_size: int | None,
    batch_size: int | None,
    unwanted: frozenset[Outcome],
    own_servers: bool,
    web: int | None,
    quiet: bool,
    log_format: str | None,
) -> None:
    """Fetch every URL of URLFILE; one result row a line goes to OUT/results/part-*.jsonl.

    URLFILE holds one URL a line (UTF-8, plain or gzip), or a JSON object a line (.jsonl), or a
    record a line (.csv, .tsv); blank lines and lines that begin with # are skipped. `-` reads
    standard input. The same command after any interruption goes on where it was; nothing that was
    committed is fetched again.

    \b
    Examples:
      fetcher run urls.txt -o out
      fetcher run urls.txt.gz -o out --workers 4 --pool-size 1000
      fetcher run urls.txt -o out --web
      zcat *.gz | fetcher run - -o out
      fetcher run urls.txt -o out -c fetcher.toml --set http.total_timeout_s=20
    """
    given = settings_of(
        conf,
        assignments,
        worker__processes=("--workers", workers),
        worker__pool_size=("--pool-size", pool_size),
        job__batch_size=("--batch-size", batch_size),
        log__format=("--log-format", log_format),
        monitor__http=("--web", web),
        own_servers=own_servers,
    )
    settings = given.settings
    logs.start(settings.log, "supervisor", "supervisor")
    check_files(settings.http)
    require_own_code(settings)
    if str(urlfile) == "-" or urlfile.is_fifo():
        _run_piped(urlfile, out, given, quiet=quiet, unwanted=unwanted)
        return
    require_as_begun(out, urlfile, given)
    Source(urlfile, settings.input)  # a bad file is told before any process is started
    carry_out(urlfile, out, settings, quiet=quiet, unwanted=unwanted)


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
        spool.forget(out)  # else the right input would be other input than OUT's
        raise
    carry_out(spooled, out, given.settings, quiet=quiet, unwanted=unwanted)


def carry_out(
    urlfile: Path,
    out: Path,
    settings: Settings,
    *,
    quiet: bool,
    selection: Selection | None = None,
    unwanted: frozenset[Outcome] = frozenset(),
) -> None:
    """The job itself, with its display and its summary. Raises FetcherError.

    FailedRowsError where the job is complete and rows have one of the `unwanted` outcomes.
    """
    before = _part(out)
    page = f"the job's page: {page_url(settings.monitor)}" if settings.monitor.http else ""
    interval_s = settings.log.progress_interval_s
    display = progress.display(quiet=quiet, interval_s=interval_s, greeting=page)
    try:
        run_job(urlfile, out, settings, display, Signals(), selection, command_line())
    except StoppedError as error:
        raise StoppedError(f"{error} ({_said(out)})") from error
    finally:
        display.close()
    if quiet and not unwanted:
        return
    after = Part(out, *read_both(out))
    if not quiet:
        # rich would be loaded before the roles are started.
        from fetcher.cli import after_run  # noqa: PLC0415

        fresh = _rows(after) - _rows(before)
        after_run.show(after, before and before.view.work, fresh, display.last)
    require_none(after.view.recovered.totals, unwanted)


def _part(out: Path) -> Part | None:
    """What is in OUT; None where no job was begun there."""
    begun = (out / manifest.MANIFEST_NAME).exists()
    return Part(out, *read_both(out)) if begun else None


def _rows(part: Part | None) -> int:
    return part.view.recovered.totals.rows if part else 0


def _said(out: Path) -> str:
    return f"{_rows(_part(out)):,} lines are done and safe in {out}"


def _spool(urlfile: Path, out: Path) -> Path:
    """Copy a pipe into OUT, so that it can be read again; the same content again resumes."""
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
