"""Rows in the order of their lines, with flat memory: through a table on disk that has no name.

sqlite makes it in $SQLITE_TMPDIR, $TMPDIR, /var/tmp or /tmp; it needs the room of the rows
themselves, and is gone when its maker is, however that ends.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from typing import Final

from fetcher.encode import jsonl
from fetcher.export.merged import Row
from fetcher.export.sqlite_file import sqlite_errors

_PRAGMAS: Final = ("journal_mode=OFF", "synchronous=OFF", "cache_size=-32768")
_WHAT: Final = "--sort (its temporary table, see TMPDIR)"


def by_line(rows: Iterable[Row]) -> Iterator[Row]:
    """The rows, lowest line first. Raises NoSpaceError, DamageError."""
    with sqlite_errors(_WHAT):
        table = sqlite3.connect("", isolation_level=None)
    try:
        with sqlite_errors(_WHAT):
            for pragma in _PRAGMAS:
                table.execute(f"PRAGMA {pragma}")
            table.execute("CREATE TABLE rows (line INTEGER PRIMARY KEY, raw BLOB)")
            table.execute("BEGIN")
            found = ((row.result.line, row.raw) for row in rows)
            table.executemany("INSERT INTO rows VALUES (?, ?)", found)
            table.execute("COMMIT")
        for (raw,) in table.execute("SELECT raw FROM rows ORDER BY line"):
            yield Row(jsonl.decode(raw), raw)
    finally:
        table.close()
