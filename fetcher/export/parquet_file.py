"""Writes Parquet with pyarrow: typed columns, zstd, row groups of bounded size.

A few thousand rows at a time become Arrow arrays. A row group is written after a number of bytes or
rows, whichever comes first, so that memory is flat for rows of any length.
"""

from __future__ import annotations

from typing import Any, BinaryIO, Final

from fetcher import optional
from fetcher.errors import DamageError
from fetcher.export.columns import Column, Record

try:
    import pyarrow
    import pyarrow.parquet

    from fetcher.export.arrow_columns import ArrowColumns
except ImportError:
    raise optional.missing_library("pyarrow", needed_by="--to parquet") from None

_BATCH_ROWS: Final = 4_096
_BATCH_BYTES: Final = 4 * 1024 * 1024  # of rows as JSON
_GROUP_ROWS: Final = 128 * 1024
_GROUP_BYTES: Final = 64 * 1024 * 1024


class ParquetWriter:
    """See fetcher.export.forms.Writer."""

    def __init__(self, file: BinaryIO, columns: list[Column]) -> None:
        self._columns = ArrowColumns(columns)
        self._schema = self._columns.schema
        self._writer = pyarrow.parquet.ParquetWriter(file, self._schema, compression="zstd")
        self._rows: list[Any] = []
        self._rows_bytes = 0
        self._batches: list[Any] = []
        self._group_rows = self._group_bytes = 0

    def write(self, row: Record) -> None:
        self._rows.append(row.result)
        self._rows_bytes += len(row.raw)
        if len(self._rows) >= _BATCH_ROWS or self._rows_bytes >= _BATCH_BYTES:
            self._end_batch()

    def _end_batch(self) -> None:
        try:
            arrays = self._columns.arrays(self._rows)
        except (pyarrow.ArrowException, OverflowError, ValueError) as error:
            first, last = self._rows[0].line, self._rows[-1].line
            raise DamageError(
                f"the rows of lines {first} to {last} do not fit the columns of a table ({error}); "
                "`fetcher verify` says more"
            ) from error
        self._batches.append(pyarrow.RecordBatch.from_arrays(arrays, schema=self._schema))
        self._group_rows += len(self._rows)
        self._group_bytes += self._rows_bytes
        self._rows, self._rows_bytes = [], 0
        if self._group_rows >= _GROUP_ROWS or self._group_bytes >= _GROUP_BYTES:
            self._end_group()

    def _end_group(self) -> None:
        table = pyarrow.Table.from_batches(self._batches, schema=self._schema)
        self._writer.write_table(table, row_group_size=table.num_rows)
        self._batches = []
        self._group_rows = self._group_bytes = 0

    def close(self) -> None:
        """Write the last rows and the footer."""
        if self._rows:
            self._end_batch()
        if self._batches:
            self._end_group()
        self._writer.close()

    def abandon(self) -> None:
        """Keep pyarrow from writing the footer when the writer is garbage-collected."""
        self._writer.is_open = False
