"""Sorts rows by line, with flat memory: in a temporary table on disk (export.scratch).

The table takes as much space as the rows.
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
    """The rows in ascending order of their lines. Raises NoSpaceError, DamageError."""
    table = scratch_table("rows (line INTEGER PRIMARY KEY, raw BLOB, part INTEGER)", _WHAT)
    try:
        with sqlite_errors(_WHAT):
            found = ((row.result.line, row.raw, row.part) for row in rows)
            table.executemany("INSERT INTO rows VALUES (?, ?, ?)", found)
        for raw, part in table.execute("SELECT raw, part FROM rows ORDER BY line"):
            yield Row(jsonl.decode(raw), raw, part)
    finally:
        table.close()
