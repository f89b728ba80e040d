"""Arrow arrays: the type of each kind of column, and values that do not fit."""

from __future__ import annotations

from typing import Any

import pyarrow
import pytest

from fetcher.export.arrow_columns import ArrowColumns
from fetcher.export.columns import Column, Kind, object_columns
from fetcher.input.formats import TEXT
from support import outs


def one(kind: Kind, value: object, name: str = "c") -> Any:
    """The array of one value."""
    (array,) = ArrowColumns([Column(name, kind, lambda _: value)]).arrays([outs.row(1)])
    return array


@pytest.mark.parametrize(
    ("kind", "value", "stored", "stored_as"),
    [
        (Kind.INT, -9, -9, "int64"),
        (Kind.REAL, 1.5, 1.5, "double"),
        (Kind.TEXT, "a", "a", "string"),
        (Kind.ID, 7, "7", "string"),
        (Kind.ID, None, None, "string"),
        (Kind.TEXTS, ("a", "b"), ["a", "b"], "list<item: string>"),
        (
            Kind.PAIRS,
            [("a", "b")],
            [{"name": "a", "value": "b"}],
            "list<item: struct<name: string, value: string>>",
        ),
        (Kind.MAP, {"a": "b"}, [("a", "b")], "map<string, string>"),
        (Kind.MAP, None, None, "map<string, string>"),
        (Kind.JSON, {"a": 1}, '{"a":1}', "string"),
        (Kind.FLAG, True, True, "bool"),
        (Kind.FLAG, None, None, "bool"),
        (Kind.TIME, None, None, "timestamp[us, tz=UTC]"),
    ],
)
def test_values_keep_their_types(kind: Kind, value: object, stored: object, stored_as: str) -> None:
    found = one(kind, value)
    assert found.to_pylist() == [stored]
    assert str(found.type) == stored_as


def test_times_are_rounded_to_microseconds() -> None:
    assert one(Kind.TIME, 1_700_000_000.1234567).cast("int64").to_pylist() == [
        1_700_000_000_123_457
    ]


def test_a_line_is_never_null_and_a_status_is_small() -> None:
    schema = ArrowColumns(object_columns("line,status,body_bytes", TEXT)).schema
    assert [(each.name, str(each.type), each.nullable) for each in schema] == [
        ("line", "int64", False),
        ("status", "int32", True),
        ("body_bytes", "int64", True),
    ]


@pytest.mark.parametrize(
    ("name", "kind", "value"),
    [("c", Kind.INT, 1 << 63), ("status", Kind.INT, 1 << 31), ("c", Kind.TEXT, 5)],
)
def test_a_value_that_does_not_fit_is_an_error(name: str, kind: Kind, value: object) -> None:
    with pytest.raises((pyarrow.ArrowException, OverflowError, ValueError)):
        one(kind, value, name)
