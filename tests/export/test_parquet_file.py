"""Parquet: bounded row groups, and values that do not fit."""

from __future__ import annotations

import gc
import io

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
