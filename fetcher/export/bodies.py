"""Exports bodies: each kept body of the chosen rows becomes a file with a readable name."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Iterable
from pathlib import Path
from typing import Final, NamedTuple

import msgspec
from msgspec import UNSET
from msgspec.structs import replace

from fetcher.errors import UsageError
from fetcher.export.body_folder import BodyFolder
from fetcher.export.body_source import Body, BodySource
from fetcher.export.merged import Merged, Row
from fetcher.export.name_template import Named, NameTemplate
from fetcher.export.taken_names import TakenNames
from fetcher.rows import jsonl

ROW_ENDING: Final = ".json"


class Files(NamedTuple):
    """How to write the files."""

    folder: Path
    template: NameTemplate
    with_rows: bool = False  # also write the row of each body to NAME.json
    link: bool = False  # make hard links instead of copies
    force: bool = False  # replace files with other content


class BodyCounts(msgspec.Struct):
    """How far an export is."""

    written: int = 0  # bodies
    existing: int = 0  # bodies whose file existed already
    bytes: int = 0  # of both
    without_body: int = 0  # rows

    @property
    def files(self) -> int:
        return self.written + self.existing


def require_bodies(merged: Merged, *, link: bool) -> None:
    """Raises UsageError if the job keeps no bodies or, with `link`, no files."""
    kept = {part.manifest.output.bodies for part in merged.parts}
    if kept == {"none"}:
        raise UsageError(
            f"{merged.first.out}: its job keeps no bodies; run it into another OUT with "
            "--set output.bodies=files"
        )
    if link and not kept <= {"none", "files"}:
        raise UsageError(
            f"--link: {merged.first.out} does not keep bodies as files; leave out --link"
        )


def export_bodies(merged: Merged, rows: Iterable[Row], files: Files, counts: BodyCounts) -> None:
    """Write the bodies of these rows; `counts` is kept up to date, also before an error.

    Raises FetcherError; then the files that exist are complete.
    """
    outs = [part.out for part in merged.parts]
    endings = ("", ROW_ENDING) if files.with_rows else ("",)
    room = len(ROW_ENDING) if files.with_rows else 0
    with (
        BodyFolder(files.folder, outs, force=files.force, link=files.link) as folder,
        contextlib.closing(TakenNames()) as names,
        contextlib.closing(BodySource(merged.parts)) as source,
    ):
        for row in rows:
            body = source.body_of(row)
            if body is None:
                counts.without_body += 1
                continue
            path = files.template.path(Named(row.result, body.sha256))
            name = names.free(functools.partial(path.written, room=room), endings)
            is_new = folder.put(name, body)
            if files.with_rows:
                folder.put(name + ROW_ENDING, _row_as_body(row))
            counts.written += is_new
            counts.existing += not is_new
            counts.bytes += body.size
        folder.sync()


def _row_as_body(row: Row) -> Body:
    """The row, indented for people, without its body."""
    result = row.result
    line = jsonl.encode(replace(result, body=UNSET, body_is=UNSET))
    data = msgspec.json.format(line.strip(), indent=2) + b"\n"
    return Body("", len(data), data)
