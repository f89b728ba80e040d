"""Chooses the codec for a job's rows: JSON Lines or msgpack."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NamedTuple, TypeVar

import msgspec

from fetcher.model import Result
from fetcher.protocol.output_spec import RowForm
from fetcher.rows import jsonl, msgpack_rows
from fetcher.rows.body_names import parsed

R = TypeVar("R", bound=msgspec.Struct)


class Codec(NamedTuple):
    """Encodes and decodes rows; `decode` raises msgspec.MsgspecError or UnicodeDecodeError."""

    encode: Callable[[Result], bytes]
    decode: Callable[[bytes], Result]


CODECS: Final[dict[RowForm, Codec]] = {
    "jsonl": Codec(jsonl.encode, jsonl.decode),
    "msgpack": Codec(msgpack_rows.encode, msgpack_rows.decode),
}


class _Body(msgspec.Struct):
    body_file: str = ""
    body_bytes: int | None = None


def body_reader(form: RowForm) -> Callable[[bytes], tuple[str, int] | None]:
    """A function from a row to the path of its body's file below OUT and its size, or None."""
    decode = decoder(form, _Body)

    def read(row: bytes) -> tuple[str, int] | None:
        body = decode(row)
        if not body.body_file:
            return None
        found = parsed(body.body_file)
        # A damaged name stays as it is: no such file exists.
        return found.path if found else body.body_file, body.body_bytes or 0

    return read


def decoder(form: RowForm, kind: type[R]) -> Callable[[bytes], R]:
    """A decoder of rows for some of their keys: the fields of `kind`."""
    if form == "msgpack":
        return msgspec.msgpack.Decoder(kind).decode
    return msgspec.json.Decoder(kind).decode
