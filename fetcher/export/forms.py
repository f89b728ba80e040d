"""The formats in which rows can be exported, by name."""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO, Final, Protocol

from fetcher.errors import UsageError
from fetcher.export import links
from fetcher.export.columns import Column, Record, object_columns, table_columns
from fetcher.export.csv_file import CsvWriter
from fetcher.export.jsonl_file import JsonlWriter
from fetcher.export.merged import Merged
from fetcher.export.sqlite_file import SqliteWriter
from fetcher.store.manifest import Manifest

SUFFIXES: Final = {
    ".parquet": "parquet",
    ".csv": "csv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".sqlite": "sqlite",
    ".sqlite3": "sqlite",
    ".db": "sqlite",
}
NAMES: Final = ("parquet", "csv", "jsonl", "sqlite")


class Writer(Protocol):
    """Writes rows in one format."""

    def write(self, row: Record) -> None:
        """Add a row."""

    def close(self) -> None:
        """Write the rest, after the last row. The file stays open."""

    def abandon(self) -> None:
        """Release all resources after an error, and write nothing more."""


class Form:
    """A format, its columns, and the name of a table where the format has one."""

    def __init__(
        self, name: str, columns: list[Column] | None, table: str, *, formula_guard: bool
    ) -> None:
        """`columns`: None for the rows as they are, in jsonl."""
        self._name = name
        self._columns = columns
        self._table = table
        self._guard = formula_guard
        if name == "parquet":
            # Imported here, so that a missing library is reported before anything is done.
            from fetcher.export import parquet_file  # noqa: F401, PLC0415

    def writer(self, file: BinaryIO, path: Path | None) -> Writer:
        """A writer for an open, empty file; `path`: of the file, None for a stream."""
        if self._columns is None or self._name == "jsonl":
            return JsonlWriter(file, self._columns)
        if self._name == "csv":
            return CsvWriter(file, self._columns, guard=self._guard)
        if path is None:
            raise UsageError(f"--to {self._name} cannot go to standard output: name a file with -o")
        if self._name == "sqlite":
            return SqliteWriter(path, self._columns, self._table)
        from fetcher.export.parquet_file import ParquetWriter  # noqa: PLC0415

        return ParquetWriter(file, self._columns)


def form_of_rows(name: str, columns: str | None, merged: Merged, *, formula_guard: bool) -> Form:
    """The form of rows with these columns (with commas), or all of theirs. Raises UsageError."""
    return Form(name, _row_columns(name, columns, merged), "results", formula_guard=formula_guard)


def form_of_links(name: str, columns: str | None, *, formula_guard: bool) -> Form:
    """The form of a crawl's links. Raises UsageError."""
    is_whole = name == "jsonl" and columns is None
    chosen = None if is_whole else links.columns(columns)
    return Form(name, chosen, "links", formula_guard=formula_guard)


def _row_columns(name: str, columns: str | None, merged: Merged) -> list[Column] | None:
    of = merged.first.manifest.line_format
    if name == "jsonl":
        return None if columns is None else object_columns(columns, of)
    begun = [part.manifest for part in merged.parts]
    return table_columns(
        columns,
        of,
        {each.output.bodies for each in begun},
        handled=any(_is_set(each, "worker", "handler") for each in begun),
        titled=any(_is_set(each, "crawl", "title") for each in begun),
        refreshed=any(each.refresh is not None for each in begun),
    )


def _is_set(of: Manifest, section: str, name: str) -> bool:
    return bool(of.settings.get(section, {}).get(name))
