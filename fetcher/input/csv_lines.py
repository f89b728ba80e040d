"""Makes tasks of the lines of a CSV file, and finds lines that begin inside a quoted field.

A record must be one physical line, because a row is identified by its physical line number. There
are no comments: CSV has none, and a value may begin with `#`. If a record has several lines, each
of them is a fault: `Reader` reads the file in order and marks each line that begins inside a quoted
field, so that it is not taken for a record of its own.
"""

from __future__ import annotations

import csv
import itertools
from collections import defaultdict
from collections.abc import Callable, Iterator
from typing import Final

from fetcher.error_kinds import ErrorKind
from fetcher.input import request_fields
from fetcher.input.lines import MAX_LINE_BYTES
from fetcher.input.request_fields import LineError
from fetcher.model import Task

USED_COLUMNS: Final = ("method", "id")  # used for the request, like the URL's column
ROUTE_COLUMN: Final = "route"  # it may as well be a column with another meaning, so it is kept
# Appended to the text of a line that begins inside a quoted field; no stripped text ends with it.
INSIDE: Final = b"\r"
_INSIDE_TEXT: Final = INSIDE.decode()
_QUOTE: Final = '"'
_TAB: Final = "\t"
_SPACE: Final = b" \r\x0b\x0c"  # all white space except the tab, which may be the delimiter
_SPANS: Final = "a record must be one line: "


class Reader:
    """Returns the texts of physical lines; call it with all lines of a CSV file, in order."""

    def __init__(self, delimiter: str, *, marks: bool = True) -> None:
        """`marks`: mark lines that begin inside a quoted field; without, it is faster."""
        self._delimiter = delimiter
        self._marks = marks
        self._space = _SPACE if delimiter == _TAB else None
        self._header_left = 1
        self._inside = False

    def __call__(self, lines: list[bytes]) -> list[bytes]:
        """Return stripped texts; b"" for the first line of the file and for blank lines."""
        space = self._space
        texts = [raw.strip(space) for raw in lines]
        for index in range(min(self._header_left, len(texts))):
            self._header_left -= 1
            texts[index] = b""
        if space is not None:
            texts = [text if text.strip() else b"" for text in texts]
        if not self._inside and not (self._marks and b'"' in b"".join(texts)):
            return texts
        return list(map(self._judged, texts))

    def _judged(self, text: bytes) -> bytes:
        if not text:
            return b""
        inside = self._inside
        if len(text) > MAX_LINE_BYTES:
            # The line was cut, so its last quote is unknown. Assume that it is closed, else all
            # later lines would be faults.
            self._inside = False
        elif b'"' in text:
            self._inside = leaves_open(text.decode("latin-1"), self._delimiter, inside=inside)
        return text + INSIDE if inside else text


def leaves_open(text: str, delimiter: str, *, inside: bool) -> bool:
    """Whether a quoted field is open at the end of a line; `inside`: the line begins in one."""
    line = f"{_QUOTE if inside else ''}{text}\n"
    try:
        # The reader keeps a line feed as part of a field only within quotes.
        return next(csv.reader([line], delimiter=delimiter))[-1].endswith("\n")
    except csv.Error:
        return False


def split(text: str, delimiter: str) -> list[str]:
    """The fields of one record on one line. Raises LineError."""
    try:
        return next(csv.reader([text], delimiter=delimiter, strict=True))
    except StopIteration:
        return []
    except csv.Error as error:
        if leaves_open(text, delimiter, inside=False):
            said = _SPANS + "a quoted field is not closed on it"
            raise LineError(said, ErrorKind.LINE_RECORD) from error
        raise LineError(f"not valid CSV: {error}", ErrorKind.LINE_RECORD) from error


def task_maker(
    delimiter: str, columns: tuple[str, ...], url_column: str, keep: bool
) -> Callable[[int, str], Task]:
    """Return a function from a line's number and text to its task; it raises nothing."""
    count = len(columns)
    url_at = columns.index(url_column)
    method_at, id_at = (_other(columns, name, url_at) for name in USED_COLUMNS)
    route_at = _other(columns, ROUTE_COLUMN, url_at)
    kept = kept_columns(columns, url_column) if keep else []

    def task_of(line: int, text: str) -> Task:
        if text.endswith(_INSIDE_TEXT):
            said = _SPANS + "this one begins inside a quoted field"
            return Task(line, request_fields.raw(text[:-1]), ErrorKind.LINE_RECORD.fault(said))
        try:
            record = split(text, delimiter)
            if len(record) != count:
                said = f"the first line names {count} columns, and this one has {len(record)}"
                raise LineError(said, ErrorKind.LINE_RECORD)
        except LineError as error:
            return Task(line, request_fields.raw(text), error.fault)
        url = record[url_at].strip()
        name = record[id_at] if id_at is not None else None
        columns = {name: record[at] for at, name in kept} if keep else None
        method = "GET"
        fault = None if url else ErrorKind.LINE_RECORD.fault(f"{url_column}: is empty")
        if method_at is not None and record[method_at].strip():
            try:
                method = request_fields.method(record[method_at].strip())
            except LineError as error:
                fault = error.fault
        route = record[route_at].strip() if route_at is not None else ""
        return Task(line, url, fault, method, id=name, columns=columns, route=route)

    return task_of


def kept_columns(columns: tuple[str, ...], url_column: str) -> list[tuple[int, str]]:
    """Index and name of each column that is copied to the row: those that the request does not use.

    Names are unique: a repeated name gets a number.
    """
    used = {columns.index(name) for name in (url_column, *USED_COLUMNS) if name in columns}
    kept: list[tuple[int, str]] = []
    seen: set[str] = set()
    taken = set(columns)
    # One counter for all repeats of a name: to count from 2 each time would take minutes for a
    # header of many equal names.
    numbers: dict[str, Iterator[int]] = defaultdict(lambda: itertools.count(2))
    for at, name in enumerate(columns):
        if at in used:
            continue
        unique = name
        if name in seen:
            base = name or "column"
            unique = next(text for n in numbers[base] if (text := f"{base}_{n}") not in taken)
        seen.add(name)
        taken.add(unique)
        kept.append((at, unique))
    return kept


def _other(columns: tuple[str, ...], name: str, url_at: int) -> int | None:
    at = columns.index(name) if name in columns else None
    return None if at == url_at else at


def header_columns(text: str, delimiter: str) -> tuple[str, ...]:
    """The column names in the first line. Raises LineError."""
    return tuple(name.strip() for name in split(text, delimiter))
