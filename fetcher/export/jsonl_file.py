"""Writes JSON Lines: whole rows, or objects of the chosen columns."""

from __future__ import annotations

from typing import BinaryIO

import msgspec

from fetcher.export.columns import Column, Record


class JsonlWriter:
    """See fetcher.export.forms.Writer."""

    def __init__(self, file: BinaryIO, columns: list[Column] | None) -> None:
        self._write = file.write
        self._columns = columns
        self._encode = msgspec.json.Encoder().encode

    def write(self, row: Record) -> None:
        if self._columns is None:
            self._write(row.raw)
            return
        chosen = {column.name: column.value(row.result) for column in self._columns}
        self._write(self._encode(chosen) + b"\n")

    def close(self) -> None:
        """Nothing is buffered."""

    def abandon(self) -> None:
        """There are no resources to release."""
