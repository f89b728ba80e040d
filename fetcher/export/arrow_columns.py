"""Arrow arrays of rows: the type of each column, and its values.

Parquet files and data frames have these columns. A module that imports this one
must catch a missing pyarrow, and say so to the user.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

import pyarrow

from fetcher.export.cells import json_text
from fetcher.export.columns import Column, Kind

_US: Final = 1_000_000

_TYPES: Final = {
    Kind.INT: pyarrow.int64(),
    Kind.REAL: pyarrow.float64(),
    Kind.TEXT: pyarrow.string(),
    Kind.ID: pyarrow.string(),
    Kind.TIME: pyarrow.timestamp("us", tz="UTC"),
    Kind.TEXTS: pyarrow.list_(pyarrow.string()),
    Kind.PAIRS: pyarrow.list_(
        pyarrow.struct([("name", pyarrow.string()), ("value", pyarrow.string())])
    ),
    Kind.MAP: pyarrow.map_(pyarrow.string(), pyarrow.string()),
    Kind.JSON: pyarrow.string(),
    Kind.FLAG: pyarrow.bool_(),
}
_SMALL: Final = frozenset({"status", "attempts"})


class ArrowColumns:
    """The schema of these columns, and their values as arrays."""

    def __init__(self, columns: Sequence[Column]) -> None:
        self.schema = pyarrow.schema(list(map(_field, columns)))
        self._values = [_value(column) for column in columns]

    def arrays(self, rows: Sequence[Any]) -> list[Any]:
        """An array for each column. Raises ArrowException, OverflowError, or ValueError."""
        return [
            pyarrow.array([value(row) for row in rows], type=field.type)
            for value, field in zip(self._values, self.schema, strict=True)
        ]


def _field(column: Column) -> Any:
    kind = pyarrow.int32() if column.name in _SMALL else _TYPES[column.kind]
    return pyarrow.field(column.name, kind, nullable=column.name != "line")


def _value(column: Column) -> Callable[[Any], Any]:
    get = column.value
    match column.kind:
        case Kind.TIME:
            return lambda row: None if (found := get(row)) is None else round(found * _US)
        case Kind.ID:
            return lambda row: None if (found := get(row)) is None else str(found)
        case Kind.MAP:
            return lambda row: None if (found := get(row)) is None else list(found.items())
        case Kind.JSON:
            return lambda row: None if (found := get(row)) is None else json_text(found)
        case _:
            return get
