"""Writes CSV: UTF-8, a header line, LF; lists and objects as JSON, None as an empty cell.

A text that a spreadsheet would run as a formula gets an apostrophe in front, unless the user turns
that off: headers, redirects and errors come from servers. Numbers such as -9 are no formulas, also
where a column of the input holds them as texts. In some locales, a spreadsheet also
splits cells at semicolons and at line ends within quotes: the text after these is guarded, too.
"""

from __future__ import annotations

import contextlib
import csv
import io
import re
from typing import Any, BinaryIO, Final

from fetcher.export.cells import Cell, cell
from fetcher.export.columns import Column, Kind, Record

_SIGNS: Final = r"=+\-@\uff1d\uff0b\uff0d\uff20"  # full-width forms: some spreadsheets accept them
_AT_START: Final = re.compile(rf" *[{_SIGNS}\t\r\n]")
_NUMBER: Final = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_INSIDE: Final = re.compile(rf"[;\r\n](?=[ \t\"]*[{_SIGNS}])")
_IN_JSON: Final = re.compile(rf"(; *)([{_SIGNS}])")  # in JSON, semicolons are within strings
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
    """The text with an apostrophe before each part that could be run as a formula."""
    if _NUMBER.fullmatch(text):
        return text
    first = "'" if _AT_START.match(text) else ""
    return first + _INSIDE.sub(r"\g<0>'", text)


def guarded_json(text: str) -> str:
    """JSON with the first character of each possible formula escaped; its meaning stays."""
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

    def write(self, row: Record) -> None:
        result = row.result
        self._writerow([value(result) for value in self._cells])

    def close(self) -> None:
        """Write what is buffered; the file stays open."""
        self._text.detach()

    def abandon(self) -> None:
        """Release the file without closing it."""
        with contextlib.suppress(OSError, ValueError):
            self._text.detach()
