"""An export of bodies: each kept body of the chosen rows becomes a file with a readable name."""

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
    """Where the files go, and what they are."""

    folder: Path
    template: NameTemplate
    with_rows: bool = False  # the row of each body next to it
    link: bool = False  # hard links instead of copies
    force: bool = False  # replace files with other content


class Done(msgspec.Struct):
    """What an export has done by now."""

    written: int = 0  # bodies
    there: int = 0  # bodies that had their file already
    bytes: int = 0  # of both
    without_body: int = 0  # rows


def require_bodies(merged: Merged, *, link: bool) -> None:
    """Raises UsageError where no row can have a body, or one that can be linked to."""
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


def export_bodies(merged: Merged, rows: Iterable[Row], files: Files, done: Done) -> None:
    """Write the bodies of these rows; `done` also counts what is written before an error.

    Raises FetcherError; then each file that is there is whole.
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
                done.without_body += 1
                continue
            path = files.template.path(Named(row.result, body.sha256))
            name = names.free(functools.partial(path.written, room=room), endings)
            is_new = folder.put(name, body)
            if files.with_rows:
                folder.put(name + ROW_ENDING, _row_as_body(row))
            done.written += is_new
            done.there += not is_new
            done.bytes += body.size
        folder.sync()


def _row_as_body(row: Row) -> Body:
    """The row for people to read; a body in it is left out, as it is the file next to it."""
    result = row.result
    line = jsonl.encode(replace(result, body=UNSET, body_is=UNSET))
    data = msgspec.json.format(line.strip(), indent=2) + b"\n"
    return Body("", len(data), data)
