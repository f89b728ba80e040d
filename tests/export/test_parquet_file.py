"""Parquet: the type of each kind, bounded row groups, and values that do not fit."""

from __future__ import annotations

import gc
import io
from typing import Any

import pyarrow.parquet
import pytest

from fetcher.errors import DamageError
from fetcher.export import parquet_file
from fetcher.export.columns import Column, Kind, object_columns
from fetcher.export.merged import Row
from fetcher.export.parquet_file import ParquetWriter
from fetcher.input.formats import TEXT
from support import outs


def write(columns: list[Column], *lines: int) -> io.BytesIO:
    file = io.BytesIO()
    writer = ParquetWriter(file, columns)
    for line in lines:
        writer.write(Row(outs.row(line), b"x" * 100))
    writer.close()
    return file


def one(kind: Kind, value: object, name: str = "c") -> Any:
    """The column of one value, read back."""
    return pyarrow.parquet.read_table(write([Column(name, kind, lambda _: value)], 1)).column(0)


@pytest.mark.parametrize(
    ("kind", "value", "stored", "stored_as"),
    [
        (Kind.INT, -9, -9, "int64"),
        (Kind.REAL, 1.5, 1.5, "double"),
        (Kind.TEXT, "a", "a", "string"),
        (Kind.ID, 7, "7", "string"),
        (Kind.ID, None, None, "string"),
        (Kind.TEXTS, ("a", "b"), ["a", "b"], "list<element: string>"),
        (Kind.MAP, {"a": "b"}, [("a", "b")], "map<string, string>"),
        (Kind.JSON, {"a": 1}, '{"a":1}', "string"),
        (Kind.FLAG, True, True, "bool"),
        (Kind.FLAG, None, None, "bool"),
    ],
)
def test_values_keep_their_types(kind: Kind, value: object, stored: object, stored_as: str) -> None:
    found = one(kind, value)
    assert found.to_pylist() == [stored]
    assert str(found.type).startswith(stored_as.partition("<")[0])


def test_times_are_rounded_to_microseconds() -> None:
    found = one(Kind.TIME, 1_700_000_000.1234567)
    assert str(found.type) == "timestamp[us, tz=UTC]"
    assert found.cast("int64").to_pylist() == [1_700_000_000_123_457]


def test_a_line_is_never_null_and_a_status_is_small() -> None:
    schema = pyarrow.parquet.read_schema(write(object_columns("line,status,body_bytes", TEXT), 1))
    assert [(each.name, str(each.type), each.nullable) for each in schema] == [
        ("line", "int64", False),
        ("status", "int32", True),
        ("body_bytes", "int64", True),
    ]


@pytest.mark.parametrize(
    ("limit", "groups"),
    [
        ({"_GROUP_ROWS": 20}, [20, 20, 20, 20, 20]),
        ({"_GROUP_ROWS": 15}, [20, 20, 20, 20, 20]),
        ({"_GROUP_BYTES": 4_000}, [40, 40, 20]),
        ({"_BATCH_BYTES": 500, "_GROUP_ROWS": 10}, [10] * 10),
        ({}, [100]),
    ],
)
def test_a_group_is_ended_by_rows_or_bytes(
    monkeypatch: pytest.MonkeyPatch, limit: dict[str, int], groups: list[int]
) -> None:
    monkeypatch.setattr(parquet_file, "_BATCH_ROWS", 10)
    for name, value in limit.items():
        monkeypatch.setattr(parquet_file, name, value)
    file = write(object_columns("line", TEXT), *range(1, 101))
    made = pyarrow.parquet.ParquetFile(file)
    found = [made.metadata.row_group(n).num_rows for n in range(made.num_row_groups)]
    assert found == groups
    assert made.read()["line"].to_pylist() == list(range(1, 101))


@pytest.mark.parametrize(
    ("name", "kind", "value"),
    [("c", Kind.INT, 1 << 63), ("status", Kind.INT, 1 << 31), ("c", Kind.TEXT, 5)],
)
def test_a_value_that_does_not_fit_is_damage_of_named_lines(
    name: str, kind: Kind, value: object
) -> None:
    with pytest.raises(DamageError, match="the rows of lines 3 to 5 do not fit the columns"):
        write([Column(name, kind, lambda _: value)], 3, 4, 5)


def test_an_abandoned_writer_does_not_write_to_a_closed_file() -> None:
    file = io.BytesIO()
    writer = ParquetWriter(file, object_columns("line", TEXT))
    writer.write(Row(outs.row(1), b""))
    writer.abandon()
    file.close()
    del writer
    gc.collect()  # an error would be a warning, which fails the test
