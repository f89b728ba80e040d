"""CSV: UTF-8, a head line, LF; lists and objects as JSON text, no value as an empty cell.

Law: a text that a spreadsheet would take for a formula gets an apostrophe before it, unless told
otherwise: headers, redirects and errors are what servers say, and a row is opened by a click. Where
the locale's separator is a semicolon, a spreadsheet splits texts at those, and quoted line ends end
its lines: what follows them is guarded, too.
"""

from __future__ import annotations

import contextlib
import csv
import io
import re
from typing import Any, BinaryIO, Final

from fetcher.export.cells import Cell, cell
from fetcher.export.columns import Column, Kind
from fetcher.export.merged import Row

_SIGNS: Final = r"=+\-@\uff1d\uff0b\uff0d\uff20"  # some spreadsheets take the full-width forms, too
_AT_START: Final = re.compile(rf" *[{_SIGNS}\t\r\n]")
_INSIDE: Final = re.compile(rf"[;\r\n](?=[ \t\"]*[{_SIGNS}])")
_IN_JSON: Final = re.compile(rf"(; *)([{_SIGNS}])")  # a semicolon is within a string there
_TEXTS: Final = frozenset({Kind.TEXT, Kind.ID})
_JSON: Final = frozenset({Kind.TEXTS, Kind.PAIRS, Kind.MAP, Kind.JSON})


def _guarded(column: Column) -> Cell:
    get = cell(column)
    guard = _GUARDS.get(column.kind)
    if guard is None:
        return get

    def value(row: Any) -> Any:
        found = get(row)
        return guard(found) if isinstance(found, str) else found

    return value


def guarded(text: str) -> str:
    """The text with an apostrophe before all that could be taken for a formula."""
    first = "'" if _AT_START.match(text) else ""
    return first + _INSIDE.sub(r"\g<0>'", text)


def guarded_json(text: str) -> str:
    """The same of JSON, whose meaning stays: the sign is escaped as JSON has it."""
    return _IN_JSON.sub(lambda found: f"{found[1]}\\u{ord(found[2]):04x}", text)


_GUARDS: Final = dict.fromkeys(_TEXTS, guarded) | dict.fromkeys(_JSON, guarded_json)


class CsvWriter:
    """See fetcher.export.forms.Writer."""

    def __init__(self, file: BinaryIO, columns: list[Column], *, guard: bool) -> None:
        self._text = io.TextIOWrapper(file, "utf-8", newline="")
        self._writerow = csv.writer(self._text, lineterminator="\n").writerow
        self._cells = [_guarded(column) if guard else cell(column) for column in columns]
        names = [column.name for column in columns]
        self._writerow([guarded(name) if guard else name for name in names])

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
