"""Encodes messages as ZeroMQ frames, and decodes and checks frames from other processes.

A header is one version byte, then the message as a msgpack map. Two message types have a second,
raw frame (see protocol.messages):

    +---------+----------------------------------+     +------------------+
    | VERSION | msgpack map: "t": tag, fields    |     | raw bytes        |
    +---------+----------------------------------+     +------------------+
      1 byte    frame 1, MAX_HEADER_BYTES in all         frame 2, MAX_FRAME_BYTES

The bytes may come from anybody who reaches the socket. So the sizes and the version are checked
before anything is unpacked, and msgspec decodes straight into the declared message types: it
refuses unknown keys, wrong types and values out of bounds while it reads, and never builds an
object that is not a declared field. (A plain msgpack reader would first build whatever the bytes
say, at a multiple of their size, and its result would have to be checked in a second step.)

`decode` raises WireError on any bytes that are not a message, and no other exception.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec

from fetcher.errors import WireError
from fetcher.protocol.messages import AnyMessage, Assignment, ChunkHeader

# Versions 1 and 2 began with a msgpack map: 0x81 to 0x8f. A version must not be in that range.
VERSION: Final = 4
MAX_HEADER_BYTES: Final = 16 * 1024 * 1024
MAX_FRAME_BYTES: Final = 256 * 1024 * 1024

_VERSION_BYTE: Final = bytes([VERSION])
_WITH_FRAME: Final = (Assignment, ChunkHeader)
_ENCODER: Final = msgspec.msgpack.Encoder()
_DECODER: Final = msgspec.msgpack.Decoder(AnyMessage)


def encode(message: AnyMessage, frame: bytes | None = None) -> list[bytes]:
    """Return the frames of a message."""
    header = _VERSION_BYTE + _ENCODER.encode(message)
    return [header] if frame is None else [header, frame]


def decode(frames: Sequence[bytes]) -> tuple[AnyMessage, bytes]:
    """Return the message and its raw frame (b"" if its type has none). Raises WireError only."""
    if not 1 <= len(frames) <= 2:
        raise WireError(f"{len(frames)} frames")
    header = frames[0]
    if len(header) > MAX_HEADER_BYTES or len(frames[-1]) > MAX_FRAME_BYTES:
        raise WireError(f"oversized: {len(header)} + {len(frames[-1])} bytes")
    message = _decode_header(header)
    if isinstance(message, _WITH_FRAME) != (len(frames) == 2):
        raise WireError(f"{type(message).__name__} with {len(frames)} frames")
    return message, frames[1] if len(frames) == 2 else b""


def _decode_header(header: bytes) -> AnyMessage:
    if header[:1] != _VERSION_BYTE:
        raise WireError(f"not a message of wire version {VERSION}")
    try:
        message: AnyMessage = _DECODER.decode(memoryview(header)[1:])
    # The decoder also raises RecursionError, UnicodeDecodeError and the errors of a field's own
    # check (ValueError). In each case the bytes are wrong, and nothing else is.
    except Exception as error:
        raise WireError(f"malformed: {type(error).__name__}: {error}"[:200]) from error
    return message
