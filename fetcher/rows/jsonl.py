"""JSON Lines: one line for each result, with the keys in the order of model.Result."""

from __future__ import annotations

from typing import Final

import msgspec

from fetcher.model import Result
from fetcher.rows.printable import printable

_encoder: Final = msgspec.json.Encoder()
_decoder: Final = msgspec.json.Decoder(Result)


def encode(result: Result) -> bytes:
    """Encode the row, line feed included. Text that UTF-8 cannot encode is escaped."""
    try:
        return _encoder.encode(result) + b"\n"
    except UnicodeEncodeError:
        return _encoder.encode(printable(msgspec.to_builtins(result))) + b"\n"


def decode(row: bytes) -> Result:
    """Decode a row. Raises msgspec.MsgspecError or UnicodeDecodeError."""
    return _decoder.decode(row)
