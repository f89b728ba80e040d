"""CSV: UTF-8, a head line, LF; lists and objects as JSON text, no value as an empty cell.

Law: a text that a spreadsheet would take for a formula gets an apostrophe before it, unless told
otherwise: headers, redirects and errors are what servers say, and a row is opened by a click.
"""

from __future__ import annotations

import contextlib
import csv
import io
from typing import Any, BinaryIO, Final

from fetcher.export.cells import Cell, cell
from fetcher.export.columns import Column, Kind
from fetcher.export.merged import Row

_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n")
_TEXTS: Final = frozenset({Kind.TEXT, Kind.ID})


def _guarded(get: Cell) -> Cell:
    def value(row: Any) -> Any:
        found = get(row)
        return f"'{found}" if isinstance(found, str) and found.startswith(_FORMULA) else found

    return value


class CsvWriter:
    """See fetcher.export.forms.Writer."""

    def __init__(self, file: BinaryIO, columns: list[Column], *, guard: bool) -> None:
        self._text = io.TextIOWrapper(file, "utf-8", newline="")
        self._writerow = csv.writer(self._text, lineterminator="\n").writerow
        self._cells = [
            _guarded(cell(column)) if guard and column.kind in _TEXTS else cell(column)
            for column in columns
        ]
        names = [column.name for column in columns]
        self._writerow([f"'{n}" if guard and n.startswith(_FORMULA) else n for n in names])

    def write(self, row: Row) -> None:
        result = row.result
        self._writerow([value(result) for value in self._cells])

    def close(self) -> None:
        """Hand on what is buffered; the file itself stays open."""
        self._text.detach()

    def abandon(self) -> None:
        """The file is not closed with us."""
        with contextlib.suppress(OSError, ValueError):
            self._text.detach()
