"""`fetcher export --files`: writes the kept bodies to files with readable names."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from fetcher.cli.interrupts import stoppable
from fetcher.export.bodies import BodyCounts, Files, export_bodies, require_bodies
from fetcher.export.merged import Merged, Row
from fetcher.export.name_template import NameTemplate
from fetcher.humanize import counted, number, size


class FileOptions(NamedTuple):
    """The options of `fetcher export` for bodies."""

    folder: Path
    filename: str
    with_rows: bool
    link: bool
    force: bool


def write_files(merged: Merged, rows: Iterable[Row], options: FileOptions) -> str:
    """Write the bodies of the rows; returns a line for the user. Raises FetcherError."""
    require_bodies(merged, link=options.link)
    template = NameTemplate(options.filename, merged.first.manifest.line_format)
    folder, _, *rest = options
    counts = BodyCounts()

    def stopped() -> str:
        return (
            f"stopped; {folder} has {counted(counts.files, 'whole file')}; the same command resumes"
        )

    with stoppable(stopped):
        export_bodies(merged, rows, Files(folder, template, *rest), counts)
    return _result(folder, counts)


def _result(folder: Path, counts: BodyCounts) -> str:
    parts = [f"{folder}: {counted(counts.files, 'file')}", size(counts.bytes)]
    if counts.existing:
        parts.append(f"{number(counts.existing)} of them were there already")
    if counts.without_body:
        parts.append(f"{counted(counts.without_body, 'row')} had no body")
    return ", ".join(parts)
