"""Begins or resumes a job of `fetcher run` or `fetcher crawl`, whatever its input is.

Lines of a pipe and URLs of the command line are copied to OUT first, so that they can be read
again.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO, Final

import msgspec

from fetcher.cli.inputs import name_of, require_csv, require_file, require_url
from fetcher.errors import InputError, UsageError
from fetcher.fetch.transfer.tls import check_files
from fetcher.input.source import Source
from fetcher.roles.preflight import require_own_code
from fetcher.settings.load import Loaded
from fetcher.settings.schema import Input, Settings
from fetcher.store import manifest, spool
from fetcher.store.begun import require_as_begun
from fetcher.store.disk import disk_errors
from fetcher.telemetry import logs

_COPY_BYTES: Final = 1024 * 1024

Run = Callable[[Path, Loaded, str], None]  # (the file, its settings, its name; "": its own)


def require_ready(settings: Settings) -> None:
    """Start the log, and check what needs no input: files of certificates, and the user's code.

    Raises ConfigError.
    """
    logs.start(settings.log, "supervisor", "supervisor")
    check_files(settings.http)
    require_own_code(settings)


def start(given: Path | list[str], out: Path, loaded: Loaded, run: Run) -> None:
    """Check the input and whether OUT fits it, then call `run`. Raises FetcherError.

    `given`: a file, `-`, or URLs.
    """
    if isinstance(given, list):
        _start_urls(given, out, loaded, run)
    elif str(given) == "-" or given.is_fifo():
        _start_piped(given, out, loaded, run)
    else:
        require_csv(given, loaded)
        require_as_begun(out, given, loaded)
        require_file(given, loaded.settings.http.max_url_bytes)
        Source(given, loaded.settings.input)  # reports a bad file before any process is started
        run(given, loaded, "")


def _start_urls(urls: list[str], out: Path, loaded: Loaded, run: Run) -> None:
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
    loaded = msgspec.structs.replace(loaded, settings=settings)
    require_as_begun(out, spooled, loaded)
    run(spooled, loaded, name)


def _start_piped(given: Path, out: Path, loaded: Loaded, run: Run) -> None:
    name = _name(given)
    spooled = _spool(given, out)
    require_as_begun(out, spooled, loaded)
    try:
        source = Source(spooled, loaded.settings.input, name=name)
        if next(source.url_lines(), None) is None:
            raise source.holds_none()
    except UsageError:
        spool.forget(out)  # otherwise the right input would conflict with this one
        raise
    run(spooled, loaded, name)


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
