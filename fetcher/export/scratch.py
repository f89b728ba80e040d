"""Temporary tables on disk, for data that would take too much memory.

sqlite makes them as unnamed files in $SQLITE_TMPDIR, $TMPDIR, /var/tmp or /tmp; they disappear
however the process ends.
"""

from __future__ import annotations

import sqlite3
from typing import Final

from fetcher.export.sqlite_file import sqlite_errors

_PRAGMAS: Final = ("journal_mode=OFF", "synchronous=OFF", "cache_size=-32768")


def scratch_table(declaration: str, what: str) -> sqlite3.Connection:
    """An empty table in an open transaction. Raises NoSpaceError, DamageError that name `what`."""
    with sqlite_errors(what):
        table = sqlite3.connect("", isolation_level=None)
        try:
            for pragma in _PRAGMAS:
                table.execute(f"PRAGMA {pragma}")
            table.execute(f"CREATE TABLE {declaration}")
            table.execute("BEGIN")
        except BaseException:
            table.close()
            raise
    return table
