"""One msgpack map after another: the keys and values that JSON Lines has, bytes for nothing."""

from __future__ import annotations

from typing import Final

import msgspec

from fetcher.model import Result
from fetcher.rows.printable import printable

_encoder: Final = msgspec.msgpack.Encoder()
_decoder: Final = msgspec.msgpack.Decoder(Result)


def encode(result: Result) -> bytes:
    """The row. Text that UTF-8 cannot carry is escaped, never an error."""
    try:
        return _encoder.encode(result)
    except UnicodeEncodeError:
        return _encoder.encode(printable(msgspec.to_builtins(result)))


def decode(row: bytes) -> Result:
    """The result of a row. Raises msgspec.MsgspecError or UnicodeDecodeError."""
    return _decoder.decode(row)
