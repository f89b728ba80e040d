"""Writes SQLite: a table `results` with the line as key, or `links`, and their indexes."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

from fetcher.errors import DamageError, NoSpaceError, UsageError
from fetcher.export.cells import cell
from fetcher.export.columns import Column, Kind, Record

_BATCH_ROWS: Final = 1_000
_BATCH_BYTES: Final = 4 * 1024 * 1024  # of rows as JSON: they may hold bodies
_INTEGERS: Final = range(-(1 << 63), 1 << 63)
# All others: TEXT.
_TYPES: Final = {Kind.INT: "INTEGER", Kind.REAL: "REAL", Kind.ID: "", Kind.FLAG: "INTEGER"}
# By the table: the columns of each index.
_INDEXES: Final = {"results": (("outcome", "status"),), "links": (("from",), ("to",))}
# Nobody reads the file before it is complete: it needs no journal, and is synced at the end.
_PRAGMAS: Final = (
    "journal_mode=OFF",
    "synchronous=OFF",
    "locking_mode=EXCLUSIVE",
    "cache_size=-16384",
)


@contextlib.contextmanager
def sqlite_errors(path: Path | str) -> Iterator[None]:
    """Turn errors of sqlite into DamageError or NoSpaceError that names `path`."""
    try:
        yield
    except sqlite3.IntegrityError as error:
        raise DamageError(
            f"{path}: some line has two rows ({error}); `fetcher verify` says which"
        ) from error
    except sqlite3.Error as error:
        if getattr(error, "sqlite_errorname", "") == "SQLITE_FULL":
            raise NoSpaceError(f"{path}: {error}") from error
        raise DamageError(f"{path}: {error}") from error


class SqliteWriter:
    """See fetcher.export.forms.Writer."""

    def __init__(self, path: Path, columns: list[Column], table: str = "results") -> None:
        self._path = path
        self._table = table
        self._cells = [_storable(column) for column in columns]
        self._rows: list[list[Any]] = []
        self._rows_bytes = 0
        self._names = [column.name for column in columns]
        self._db = sqlite3.connect(path, isolation_level=None)
        for pragma in _PRAGMAS:
            self._db.execute(f"PRAGMA {pragma}")
        try:
            self._db.execute(f"CREATE TABLE {table} ({', '.join(map(_declared, columns))})")
        except sqlite3.Error as error:
            self._db.close()
            raise UsageError(f"--to sqlite: {error}; choose with --columns") from error
        self._insert = f"INSERT INTO {table} VALUES ({', '.join('?' * len(columns))})"
        self._db.execute("BEGIN")

    def write(self, row: Record) -> None:
        result = row.result
        self._rows.append([value(result) for value in self._cells])
        self._rows_bytes += len(row.raw)
        if len(self._rows) >= _BATCH_ROWS or self._rows_bytes >= _BATCH_BYTES:
            self._flush()

    def _flush(self) -> None:
        with sqlite_errors(self._path):
            self._db.executemany(self._insert, self._rows)
        self._rows.clear()
        self._rows_bytes = 0

    def close(self) -> None:
        """Write the last rows and the indexes."""
        self._flush()
        with sqlite_errors(self._path):
            self._db.execute("COMMIT")
            for names in _INDEXES[self._table]:
                if indexed := [name for name in names if name in self._names]:
                    of = ", ".join(f'"{name}"' for name in indexed)
                    index = f"{self._table}_{names[0]}"
                    self._db.execute(f"CREATE INDEX {index} ON {self._table} ({of})")
            self._db.close()

    def abandon(self) -> None:
        """Close the database, and ignore errors."""
        with contextlib.suppress(sqlite3.Error):
            self._db.close()


def _declared(column: Column) -> str:
    name = '"' + column.name.replace('"', '""') + '"'
    if column.name == "line":
        return f"{name} INTEGER PRIMARY KEY"
    return f"{name} {_TYPES.get(column.kind, 'TEXT')}"


def _storable(column: Column) -> Callable[[Any], Any]:
    if column.kind is Kind.FLAG:
        return column.value  # SQLite stores 1
    get = cell(column)
    if column.kind not in (Kind.ID, Kind.INT):
        return get

    def value(row: Any) -> Any:
        found = get(row)
        # Such as an unsigned number of 64 bits.
        return str(found) if isinstance(found, int) and found not in _INTEGERS else found

    return value
