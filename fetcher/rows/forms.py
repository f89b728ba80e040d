"""The family of row forms: which one writes, and reads, the rows of a job."""

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
    """Result -> row and back; `decode` raises msgspec.MsgspecError or UnicodeDecodeError."""

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
    """Row -> its body's file below OUT, and its size; None where it has none."""
    decode = decoder(form, _Body)

    def read(row: bytes) -> tuple[str, int] | None:
        body = decode(row)
        if not body.body_file:
            return None
        found = parsed(body.body_file)
        # A name that is damaged stays as it is: no such file is there.
        return found.path if found else body.body_file, body.body_bytes or 0

    return read


def decoder(form: RowForm, kind: type[R]) -> Callable[[bytes], R]:
    """As the form's `decode`, for some of a result's keys."""
    if form == "msgpack":
        return msgspec.msgpack.Decoder(kind).decode
    return msgspec.json.Decoder(kind).decode
