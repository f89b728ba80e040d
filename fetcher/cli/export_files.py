"""`fetcher export --files`: the kept bodies as files with readable names."""

from __future__ import annotations

import signal
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from fetcher.errors import StoppedError
from fetcher.export.bodies import Done, Files, export_bodies, require_bodies
from fetcher.export.merged import Merged, Row
from fetcher.export.name_template import NameTemplate
from fetcher.humanize import number, size


class FileOptions(NamedTuple):
    """The options of `fetcher export` that are for bodies."""

    folder: Path
    filename: str
    with_rows: bool
    link: bool
    force: bool


def write_files(merged: Merged, rows: Iterable[Row], options: FileOptions) -> str:
    """Write the bodies; the line that says what was done. Raises FetcherError."""
    require_bodies(merged, link=options.link)
    template = NameTemplate(options.filename, merged.first.manifest.input.format)
    folder, _, *rest = options
    done = Done()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        export_bodies(merged, rows, Files(folder, template, *rest), done)
    except KeyboardInterrupt:
        raise StoppedError(
            f"stopped; {folder} has {number(done.written + done.there)} whole files by now; "
            "the same command goes on"
        ) from None
    return _made(folder, done)


def _made(folder: Path, done: Done) -> str:
    parts = [f"{folder}: {number(done.written + done.there)} files", size(done.bytes)]
    if done.there:
        parts.append(f"{number(done.there)} of them were there already")
    if done.without_body:
        rows = "1 row" if done.without_body == 1 else f"{number(done.without_body)} rows"
        parts.append(f"{rows} had no body")
    return ", ".join(parts)
