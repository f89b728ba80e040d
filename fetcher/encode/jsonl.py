"""JSON Lines: one result, one line, every key always there, in the order of model.Result."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from fetcher.model import Result

SUFFIX: Final = ".jsonl"
_encoder: Final = msgspec.json.Encoder()
_decoder: Final = msgspec.json.Decoder(Result)


def encode(result: Result) -> bytes:
    """The row, line feed included. Text that UTF-8 cannot carry is escaped, never an error."""
    try:
        return _encoder.encode(result) + b"\n"
    except UnicodeEncodeError:
        return _encoder.encode(_printable(msgspec.to_builtins(result))) + b"\n"


def _printable(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode("utf-8")
    if isinstance(value, dict):
        return {key: _printable(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_printable(item) for item in value]
    return value


def decode(row: bytes) -> Result:
    """The result of a row. Raises msgspec.MsgspecError or UnicodeDecodeError."""
    return _decoder.decode(row)
