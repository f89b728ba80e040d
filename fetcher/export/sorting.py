"""Rows in the order of their lines, with flat memory: through a table on disk (export.scratch).

It needs the room of the rows themselves.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from fetcher.export.merged import Row
from fetcher.export.scratch import scratch_table
from fetcher.export.sqlite_file import sqlite_errors
from fetcher.rows import jsonl

_WHAT: Final = "--sort (its temporary table, see TMPDIR)"


def by_line(rows: Iterable[Row]) -> Iterator[Row]:
    """The rows, lowest line first. Raises NoSpaceError, DamageError."""
    table = scratch_table("rows (line INTEGER PRIMARY KEY, raw BLOB, part INTEGER)", _WHAT)
    try:
        with sqlite_errors(_WHAT):
            found = ((row.result.line, row.raw, row.part) for row in rows)
            table.executemany("INSERT INTO rows VALUES (?, ?, ?)", found)
        for raw, part in table.execute("SELECT raw, part FROM rows ORDER BY line"):
            yield Row(jsonl.decode(raw), raw, part)
    finally:
        table.close()
