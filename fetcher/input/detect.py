"""Finds the format of a URL file's lines from its name, the settings and its first line.

The ventilator decides it once for a job; all other roles get it from there. A file that does not
have the format is an InputError that names the file.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final, Literal

from fetcher.errors import InputError
from fetcher.input import csv_lines, lines
from fetcher.input.formats import LineFormat
from fetcher.input.request_fields import LineError
from fetcher.settings import suggest
from fetcher.settings.schema import Input

Kind = Literal["text", "jsonl", "csv", "log"]

_BY_SUFFIX: Final[dict[str, Kind]] = {
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".csv": "csv",
    ".tsv": "csv",
}
_MAX_LISTED: Final = 30  # columns named in a message


def resolve(path: Path, first_line: Callable[[], bytes], asked: Input) -> LineFormat:
    """Return the format of the file's lines; `first_line` reads it if needed. Raises InputError."""
    kind = kind_of(path) if asked.format == "auto" else asked.format
    if kind != "csv":
        return LineFormat(kind)
    delimiter: Literal[",", "\t"] = "\t" if _suffix(path) == ".tsv" else ","
    try:
        columns = _columns(first_line(), delimiter)
        _check(columns, asked)
    except LineError as error:
        raise InputError(f"{path}: its first line should name the columns: {error}") from error
    return LineFormat("csv", delimiter, columns, asked.url_column, asked.keep_columns)


def kind_of(path: Path) -> Kind:
    """The format that the file's name says."""
    return _BY_SUFFIX.get(_suffix(path), "text")


def _suffix(path: Path) -> str:
    return Path(path.name.lower().removesuffix(".gz")).suffix


def _columns(raw: bytes, delimiter: str) -> tuple[str, ...]:
    if len(raw) > lines.MAX_LINE_BYTES:
        raise LineError(f"it is longer than {lines.MAX_LINE_BYTES} bytes")
    try:
        columns = csv_lines.header_columns(raw.decode("utf-8").rstrip("\r"), delimiter)
    except UnicodeDecodeError as error:
        raise LineError(f"it is not valid UTF-8 (at byte {error.start})") from error
    if not any(columns):
        raise LineError("it is blank")
    return columns


def _check(columns: tuple[str, ...], asked: Input) -> None:
    if asked.url_column not in columns:
        near = suggest.guess(asked.url_column, filter(None, columns))
        raise LineError(
            f"there is no column {asked.url_column!r}{near}; name the one that holds the URL with "
            f"--column (input.url_column): {_listed(columns)}"
        )
    for name in (asked.url_column, *csv_lines.USED_COLUMNS):
        positions = [str(at) for at, each in enumerate(columns, 1) if each == name]
        if len(positions) > 1:
            raise LineError(f"several columns are {name!r} (columns {' and '.join(positions)})")


def _listed(columns: tuple[str, ...]) -> str:
    shown = ", ".join(map(repr, columns[:_MAX_LISTED]))
    return f"{shown}, … ({len(columns)} in all)" if len(columns) > _MAX_LISTED else shown
