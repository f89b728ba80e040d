"""Messages as msgpack frames and back.

Every message is checked: its size before it is unpacked, its version, its keys and their types.
What is not exactly a message raises WireError, whatever it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgpack
import msgspec

from fetcher.errors import WireError
from fetcher.protocol.messages import AnyMessage, ChunkHeader, Tasks

VERSION: Final = 2


MAX_HEADER_BYTES: Final = 16 * 1024 * 1024


MAX_FRAME_BYTES: Final = 256 * 1024 * 1024


_WITH_FRAME: Final = (Tasks, ChunkHeader)


_DECODER: Final = msgspec.msgpack.Decoder(AnyMessage)


_VERSION_ENTRY: Final = msgpack.packb("v") + msgpack.packb(VERSION)


def encode(message: AnyMessage, frame: bytes | None = None) -> list[bytes]:
    """The frames of a message."""
    header = {"v": VERSION, **msgspec.to_builtins(message, builtin_types=(bytes,))}
    packed: bytes = msgpack.packb(header)
    return [packed] if frame is None else [packed, frame]


def decode(frames: Sequence[bytes]) -> tuple[AnyMessage, bytes]:
    """The message and its raw frame (b"" where the type has none). Raises WireError only."""
    if not 1 <= len(frames) <= 2:
        raise WireError(f"{len(frames)} frames")
    head = frames[0]
    if len(head) > MAX_HEADER_BYTES or len(frames[-1]) > MAX_FRAME_BYTES:
        raise WireError(f"oversized: {len(head)} + {len(frames[-1])} bytes")
    message = _header(head)
    if isinstance(message, _WITH_FRAME) != (len(frames) == 2):
        raise WireError(f"{type(message).__name__} with {len(frames)} frames")
    return message, frames[1] if len(frames) == 2 else b""


def _header(head: bytes) -> AnyMessage:
    # A map of at most 15 entries, of which the first is the version.
    if not head or not 0x81 <= head[0] <= 0x8F or head[1:4] != _VERSION_ENTRY:
        raise WireError(f"not a message of wire version {VERSION}")
    try:
        message: AnyMessage = _DECODER.decode(bytes([head[0] - 1]) + head[4:])
    # Beside its own errors, the decoder raises RecursionError, UnicodeDecodeError and what a
    # field's own check raises: whatever it is, the bytes are at fault.
    except Exception as error:
        raise WireError(f"malformed: {type(error).__name__}: {error}"[:200]) from error
    return message
