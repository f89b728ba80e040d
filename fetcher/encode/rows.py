"""The family of row forms: which one writes, and reads, the rows of a job."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NamedTuple

from fetcher.core.output import RowForm
from fetcher.encode import jsonl, msgpack_rows
from fetcher.model import Result


class Codec(NamedTuple):
    """Result -> row and back; `decode` raises msgspec.MsgspecError or UnicodeDecodeError."""

    encode: Callable[[Result], bytes]
    decode: Callable[[bytes], Result]


CODECS: Final[dict[RowForm, Codec]] = {
    "jsonl": Codec(jsonl.encode, jsonl.decode),
    "msgpack": Codec(msgpack_rows.encode, msgpack_rows.decode),
}
