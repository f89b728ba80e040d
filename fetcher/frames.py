"""Fetches the URLs of a table and gives a table: for Ray Data, Dask, Spark, pandas and Polars.

    from fetcher.frames import fetch_frame

    pages = fetch_frame(table, url_column="url", http={"total_timeout_s": 10})

Each call is a job of its own, in child processes of the calling one, and leaves no file. If a call
dies, the engine that made it makes it again, so that URLs may be requested again. There is no OUT
to resume or verify; `fetcher run` has one (docs/engines.md).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final

from fetcher import optional
from fetcher.api.job import Job, rows_of
from fetcher.api.keywords import named_arguments
from fetcher.api.settings import settings_of
from fetcher.errors import InputError, UsageError
from fetcher.export.columns import Column, table_columns
from fetcher.input.formats import LineFormat

try:
    import pyarrow

    from fetcher.export.arrow_columns import ArrowColumns
except ImportError:
    raise optional.missing_library("pyarrow", needed_by="fetcher.frames") from None

_BATCH_ROWS: Final = 4_096
_OF_THE_INPUT: Final = frozenset(
    {"line", "url"}
)  # the table has them already, or does not need them
_TEXTS: Final = (
    pyarrow.types.is_string,
    pyarrow.types.is_large_string,
    pyarrow.types.is_string_view,
    pyarrow.types.is_null,
)


def fetch_frame(
    table: Any,
    url_column: str = "url",
    *,
    columns: str | None = None,
    prefix: str = "",
    workers: int = 1,
    conf: str | None = None,
    settings: Mapping[str, object] | None = None,
    **sections: Mapping[str, object],
) -> pyarrow.Table:
    """Fetch the URL of each row; returns one row for each, in the order in which they are done.

    `table`: a pyarrow Table or RecordBatch, or what pyarrow.table takes (a pandas or Polars frame).
    Its columns stay, and the columns of a result follow, as in an export to Parquet. An empty or
    missing URL has a row of outcome `invalid_url`.
    `columns`: which columns of the result, with commas between them; None: all.
    `prefix`: put before the names of the result's columns, for a table that has such names itself.
    `workers`: processes that fetch in this call; 1, because engines make many calls at once.
    Other settings are those of fetcher.api.fetch; `output={"bodies": "inline"}` adds the bodies.

    Raises InputError (no such column, or no text in it), UsageError (names that collide), and what
    fetcher.api.fetch raises.
    """
    found = as_table(table)
    given = {"conf": conf, "settings": settings, "workers": workers, **sections}
    chosen = ArrowColumns(_columns(columns, given))
    schema = _joined(found.schema, chosen, prefix)
    urls = _urls(found, url_column)
    if not found.num_rows:
        return schema.empty_table()
    batches = [
        _batch(found, rows, chosen, schema)
        for rows in _grouped(rows_of(Job(urls, **given)))  # type: ignore[arg-type]
    ]
    return pyarrow.Table.from_batches(batches, schema=schema)


def frame_schema(
    schema: pyarrow.Schema, *, columns: str | None = None, prefix: str = "", **given: Any
) -> pyarrow.Schema:
    """Return the schema of fetch_frame's result for a table of this schema.

    It takes the arguments of fetch_frame.
    """
    return _joined(schema, ArrowColumns(_columns(columns, given)), prefix)


def fetch_batches(
    url_column: str = "url", **given: Any
) -> Callable[[Iterable[pyarrow.RecordBatch]], Iterator[pyarrow.RecordBatch]]:
    """Return a function from batches to batches, for Spark's mapInArrow.

    It takes the arguments of fetch_frame.
    """

    def fetched(batches: Iterable[pyarrow.RecordBatch]) -> Iterator[pyarrow.RecordBatch]:
        for batch in batches:
            yield from fetch_frame(batch, url_column, **given).to_batches()

    return fetched


def as_table(table: Any) -> pyarrow.Table:
    """Return the input as a Table. Raises InputError."""
    if isinstance(table, pyarrow.Table):
        return table
    if isinstance(table, pyarrow.RecordBatch):
        return pyarrow.Table.from_batches([table])
    try:
        if type(table).__module__.partition(".")[0] == "pandas":
            # Without the index: Dask and others add one of their own.
            return pyarrow.Table.from_pandas(table, preserve_index=False)
        return pyarrow.table(table)
    except (TypeError, ValueError, pyarrow.ArrowException) as error:
        raise InputError(f"table: {type(table).__name__} is not a table ({error})") from error


def _columns(names: str | None, given: Mapping[str, Any]) -> list[Column]:
    sections = {
        name: value
        for name, value in given.items()
        if name not in ("conf", "settings", "workers", "url_column")
    }
    loaded = settings_of(
        given.get("conf"),
        given.get("settings") or {},
        {"workers": given.get("workers")},
        sections,
        of_items=True,
    ).settings
    has_handler = bool(loaded.worker.handler)
    with named_arguments():
        found = table_columns(
            names, LineFormat("text"), [loaded.output.bodies], handled=has_handler
        )
    return [column for column in found if names is not None or column.name not in _OF_THE_INPUT]


def _joined(schema: pyarrow.Schema, columns: ArrowColumns, prefix: str) -> pyarrow.Schema:
    fields = [field.with_name(prefix + field.name) for field in columns.schema]
    both = [field.name for field in fields if field.name in schema.names]
    if both:
        raise UsageError(
            f"the table and the result both have a column {both[0]!r}: give prefix='fetch_', or "
            "choose columns"
        )
    return pyarrow.schema([*schema, *fields])


def _urls(table: pyarrow.Table, column: str) -> Iterator[str]:
    """Yield the URLs one at a time. Raises InputError."""
    if column not in table.column_names:
        there = ", ".join(table.column_names)
        raise InputError(f"the table has no column {column!r}; it has {there}")
    urls = table.column(column)
    if pyarrow.types.is_dictionary(urls.type):
        urls = urls.cast(urls.type.value_type)
    if not any(is_text(urls.type) for is_text in _TEXTS):
        raise InputError(f"the column {column!r} holds {urls.type}, not texts")
    return (value.as_py() or "" for chunk in urls.chunks for value in chunk)


def _grouped(rows: Iterable[Any]) -> Iterator[list[Any]]:
    group: list[Any] = []
    for row in rows:
        group.append(row)
        if len(group) == _BATCH_ROWS:
            yield group
            group = []
    if group:
        yield group


def _batch(
    table: pyarrow.Table, rows: list[Any], columns: ArrowColumns, schema: pyarrow.Schema
) -> pyarrow.RecordBatch:
    """Join results with the rows of the table that they belong to."""
    places = pyarrow.array([row.line - 1 for row in rows])
    inputs = table.take(places).combine_chunks()
    arrays = [
        column.chunk(0) if column.num_chunks else pyarrow.array([], column.type)
        for column in inputs.columns
    ]
    return pyarrow.RecordBatch.from_arrays([*arrays, *columns.arrays(rows)], schema=schema)
