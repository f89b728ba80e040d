"""The columns of an export: their names, kinds and values.

All formats have the same columns. Each key of a row is a column; `timings_ms` is five columns.
`headers.NAME` is the first header of that name. `columns.NAME` is a column of a CSV input; it can
also be called NAME if rows have no such key.
"""

from __future__ import annotations

import enum
import operator
from collections.abc import Callable, Iterable
from typing import Any, Final, NamedTuple, Protocol

from msgspec import UNSET

from fetcher.errors import UsageError
from fetcher.input import csv_lines
from fetcher.input.formats import LineFormat
from fetcher.model import Result
from fetcher.protocol.output_spec import Bodies
from fetcher.settings.suggest import guess

_SIMILARITY: Final = 0.75  # of a column that is suggested, from 0 to 1


class Kind(enum.Enum):
    """The kind of a column's values; any value may also be None."""

    INT = "int"
    REAL = "real"
    TEXT = "text"
    ID = "id"  # a text or a whole number
    TIME = "time"  # Unix time, seconds
    TEXTS = "texts"  # a list of texts
    PAIRS = "pairs"  # a list of (name, value)
    MAP = "map"  # texts by name
    TIMINGS = "timings"  # the nested object; in jsonl alone
    JSON = "json"  # an object of any depth
    FLAG = "flag"  # true


class Column(NamedTuple):
    """A column; `value` returns the value of a row, or of a link of a crawl (export.links)."""

    name: str
    kind: Kind
    value: Callable[[Any], Any]


class Record(Protocol):
    """What the writers of all formats take: a row, or a link of a crawl."""

    @property
    def result(self) -> Any:
        """The object that the columns take their values from; it has a `line`."""

    @property
    def raw(self) -> bytes:
        """The same as a line of JSON."""


_KINDS: Final = {
    "line": Kind.INT,
    "url": Kind.TEXT,
    "outcome": Kind.TEXT,
    "status": Kind.INT,
    "final_url": Kind.TEXT,
    "redirects": Kind.TEXTS,
    "error": Kind.TEXT,
    "error_kind": Kind.TEXT,
    "headers": Kind.PAIRS,
    "content_type": Kind.TEXT,
    "body_bytes": Kind.INT,
    "wire_bytes": Kind.INT,
    "sha256": Kind.TEXT,
    "attempts": Kind.INT,
    "started_at": Kind.TIME,
    "dns_ms": Kind.REAL,
    "connect_ms": Kind.REAL,
    "tls_ms": Kind.REAL,
    "first_byte_ms": Kind.REAL,
    "total_ms": Kind.REAL,
    "remote_ip": Kind.TEXT,
    "http_version": Kind.TEXT,
    "worker": Kind.TEXT,
}
# Keys of the rows, by how a job keeps bodies.
_BODIES: Final[dict[Bodies, tuple[str, ...]]] = {
    "none": (),
    "inline": ("body", "body_is"),
    "files": ("body_file",),
    "warc": ("warc_id",),
}
# Keys of the rows of a crawl.
_CRAWL: Final = {
    "depth": Kind.INT,
    "from": Kind.INT,
    "via": Kind.TEXT,
    "location": Kind.TEXT,
    "title": Kind.TEXT,
}
_FIELDS: Final = {"from": "found_on"}  # of Result, where a key has another name there
_TIMINGS: Final = tuple(name for name in _KINDS if name.endswith("_ms"))
_HEADER: Final = "headers."
_KEPT: Final = "columns."


def _timing(name: str) -> Callable[[Result], Any]:
    of = operator.attrgetter(name.removesuffix("_ms"))
    return lambda row: None if row.timings_ms is None else of(row.timings_ms)


def _set_or_none(name: str) -> Callable[[Result], Any]:
    of = operator.attrgetter(_FIELDS.get(name, name))

    def value(row: Result) -> Any:
        found = of(row)
        return None if found is UNSET else found

    return value


def _outcome(row: Result) -> str:
    return row.outcome.value


def _header(name: str) -> Callable[[Result], Any]:
    wanted = name.lower()
    return lambda row: next((text for key, text in row.headers if key.lower() == wanted), None)


def _kept(name: str) -> Callable[[Result], Any]:
    def value(row: Result) -> Any:
        return None if row.columns is UNSET else row.columns.get(name)

    return value


def _getter(name: str) -> Callable[[Result], Any]:
    if name in _TIMINGS:
        return _timing(name)
    if name == "error_kind":
        return _set_or_none(name)
    return _outcome if name == "outcome" else operator.attrgetter(name)


_COLUMNS: Final = {
    **{name: Column(name, kind, _getter(name)) for name, kind in _KINDS.items()},
    "timings_ms": Column("timings_ms", Kind.TIMINGS, operator.attrgetter("timings_ms")),
    "id": Column("id", Kind.ID, _set_or_none("id")),
    "columns": Column("columns", Kind.MAP, _set_or_none("columns")),
    "truncated": Column("truncated", Kind.FLAG, _set_or_none("truncated")),
    "unchanged": Column("unchanged", Kind.FLAG, _set_or_none("unchanged")),
    "extra": Column("extra", Kind.JSON, _set_or_none("extra")),
    **{
        name: Column(name, Kind.TEXT, _set_or_none(name))
        for names in _BODIES.values()
        for name in names
    },
}
# Only for crawls: a CSV input of a list may have columns of these names.
_CRAWL_COLUMNS: Final = {
    name: Column(name, kind, _set_or_none(name)) for name, kind in _CRAWL.items()
}


def find(name: str, of: LineFormat) -> Column:
    """The column that a user means; `of`: the format of the input. Raises UsageError."""
    if name not in _COLUMNS:
        _require_unambiguous(name, of)
    return _find(name, of)


def _require_unambiguous(name: str, of: LineFormat) -> None:
    if not of.keep_columns or of.columns.count(name) < 2:
        return
    positions = [str(at) for at, each in enumerate(of.columns, 1) if each == name]
    kept = [
        _KEPT + unique
        for at, unique in csv_lines.kept_columns(of.columns, of.url_column)
        if of.columns[at] == name
    ]
    raise UsageError(
        f"the input has several columns {name!r} (its columns {' and '.join(positions)}); write "
        f"{' or '.join(kept)}"
    )


def _find(name: str, of: LineFormat) -> Column:
    if name in _COLUMNS:
        return _COLUMNS[name]
    if of.kind == "log" and name in _CRAWL_COLUMNS:
        return _CRAWL_COLUMNS[name]
    if name.startswith(_HEADER) and name != _HEADER:
        return Column(name, Kind.TEXT, _header(name.removeprefix(_HEADER)))
    if name.startswith(_KEPT) and name.removeprefix(_KEPT) in kept_names(of):
        return Column(name, Kind.TEXT, _kept(name.removeprefix(_KEPT)))
    if name in kept_names(of):
        return Column(name, Kind.TEXT, _kept(name))
    if of.kind == "csv" and name == of.url_column:  # the user's own name for it
        return Column(name, Kind.TEXT, operator.attrgetter("url"))
    crawl = _CRAWL_COLUMNS if of.kind == "log" else ()
    known = [*_COLUMNS, *crawl, "headers.NAME", *(_KEPT + kept for kept in kept_names(of))]
    # The list is long, and would hide a good suggestion.
    there = guess(name, known, _SIMILARITY) or f"; there are {', '.join(known)}"
    raise UsageError(f"there is no column {name!r}{there}")


def kept_names(of: LineFormat) -> list[str]:
    """The names of the CSV columns that the rows keep."""
    if not of.keep_columns:
        return []
    return [name for _, name in csv_lines.kept_columns(of.columns, of.url_column)]


def _short_names(of: LineFormat) -> list[str]:
    """The names of the kept columns in a table: without `columns.` if that is not ambiguous.

    Names that differ only in case are ambiguous, as they are in SQLite.
    """
    taken = {name.lower() for name in _COLUMNS}
    names = []
    for kept in kept_names(of):
        is_free = kept.lower() not in taken and not kept.startswith((_HEADER, _KEPT))
        names.append(kept if kept and is_free else _KEPT + kept)
        taken.add(names[-1].lower())
    return names


def table_columns(
    names: str | None,
    of: LineFormat,
    bodies: Iterable[Bodies],
    *,
    handled: bool,
    titled: bool = False,
    refreshed: bool = False,
) -> list[Column]:
    """The columns of a table: those of `names` (with commas), or all that the rows have.

    `of`: the format of the input; `bodies`: how the jobs keep bodies; `handled`: whether one of the
    jobs has a handler; `titled`: whether one of them keeps titles; `refreshed`: whether one of
    them is a refresh. Raises UsageError.
    """
    if names is None:
        chosen = [*_KINDS, *(["id"] if of.kind != "text" else [])]
        bodies = set(bodies)
        chosen += ["truncated"] if bodies - {"none"} else []
        chosen += ["unchanged"] if refreshed else []
        if of.kind == "log":
            chosen += [name for name in _CRAWL if titled or name != "title"]
        chosen += [name for kind in _BODIES if kind in bodies for name in _BODIES[kind]]
        chosen += _short_names(of)
        chosen += ["extra"] if handled else []
        return [_find(name, of) for name in chosen]
    chosen = []
    for name in _split(names):
        chosen += _TIMINGS if name == "timings_ms" else (name,)
    return _found(chosen, of)


def object_columns(names: str, of: LineFormat) -> list[Column]:
    """The columns of `names` (with commas), as keys of JSON objects. Raises UsageError."""
    return _found(_split(names), of)


def _split(names: str) -> list[str]:
    chosen = [name.strip() for name in names.split(",") if name.strip()]
    if not chosen:
        raise UsageError("--columns: name at least one")
    return chosen


def names_of(names: str, find_column: Callable[[str], Column]) -> list[Column]:
    """The columns of `names` (with commas), as `find_column` finds them. Raises UsageError."""
    return _all_found(_split(names), find_column)


def _found(names: list[str], of: LineFormat) -> list[Column]:
    return _all_found(names, lambda name: find(name, of))


def _all_found(names: list[str], find_column: Callable[[str], Column]) -> list[Column]:
    for name in names:
        if names.count(name) > 1:
            raise UsageError(f"--columns: {name} is named twice")
    try:
        return [find_column(name) for name in names]
    except UsageError as error:
        raise UsageError(f"--columns: {error}") from error
