"""A row is the same in every form."""

from __future__ import annotations

import msgpack
import msgspec
import pytest

from fetcher.model import Outcome, Result
from fetcher.rows import jsonl, msgpack_rows
from support import kinds


@pytest.mark.parametrize("row", kinds.rows())
def test_a_map_has_what_a_line_of_json_has(row: Result) -> None:
    packed = msgpack_rows.encode(row)
    assert msgpack.unpackb(packed) == msgspec.json.decode(jsonl.encode(row))
    assert list(msgpack.unpackb(packed)) == list(msgspec.json.decode(jsonl.encode(row)))
    assert msgpack_rows.decode(packed) == row


def test_text_that_utf_8_cannot_carry_is_escaped_and_not_an_error() -> None:
    row = Result(1, "http://\udcff/", Outcome.OK, headers=[("X", "\ud800")])
    assert msgpack_rows.decode(msgpack_rows.encode(row)).url == "http://\\udcff/"


@pytest.mark.parametrize("damaged", [b"", b"\xc1", b"\x01", b"\x80", b"\x81\xa4line\xa1x"])
def test_damaged_rows_raise(damaged: bytes) -> None:
    with pytest.raises(msgspec.MsgspecError):
        msgpack_rows.decode(damaged)
