"""msgpack rows: one map after another, with the keys and values of JSON Lines."""

from __future__ import annotations

from typing import Final

import msgspec

from fetcher.model import Result
from fetcher.rows.printable import printable

_encoder: Final = msgspec.msgpack.Encoder()
_decoder: Final = msgspec.msgpack.Decoder(Result)


def encode(result: Result) -> bytes:
    """Encode the row. Text that UTF-8 cannot encode is escaped."""
    try:
        return _encoder.encode(result)
    except UnicodeEncodeError:
        return _encoder.encode(printable(msgspec.to_builtins(result)))


def decode(row: bytes) -> Result:
    """Decode a row. Raises msgspec.MsgspecError or UnicodeDecodeError."""
    return _decoder.decode(row)
