"""JSON Lines are the rows as they are, or objects of the chosen columns."""

from __future__ import annotations

import io

import pytest

from fetcher.export.columns import object_columns
from fetcher.export.jsonl_file import JsonlWriter
from fetcher.export.merged import Row
from fetcher.input.formats import TEXT
from support import outs

RAW = b'{"line":1,  "odd":"spacing"}\n'


@pytest.mark.parametrize(
    ("names", "written"),
    [
        (None, RAW),
        ("status,line", b'{"status":200,"line":1}\n'),
        ("line,error,id", b'{"line":1,"error":null,"id":null}\n'),
    ],
)
def test_a_row_is_written_with_its_line_end(names: str | None, written: bytes) -> None:
    file = io.BytesIO()
    writer = JsonlWriter(file, None if names is None else object_columns(names, TEXT))
    writer.write(Row(outs.row(1), RAW))
    writer.write(Row(outs.row(1), RAW))
    writer.close()
    assert file.getvalue() == written * 2
    writer.abandon()
    assert not file.closed
