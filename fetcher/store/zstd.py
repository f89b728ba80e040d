"""Rows as zstd frames, one for each commit, so that what is committed always unpacks."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, Protocol

import zstandard

from fetcher.errors import DamageError

_BLOCK_BYTES: Final = 2048  # as one of these may unpack to 64 MiB


class Readable(Protocol):
    """A file, or a part of one."""

    def read(self, size: int = -1, /) -> bytes:
        """At most so many bytes; none at the end."""


def packed(rows: list[bytes]) -> bytes:
    """One frame of all of them."""
    return zstandard.ZstdCompressor(write_checksum=True).compress(b"".join(rows))


def unpacked(file: Readable, name: str) -> Iterator[bytes]:
    """The content of frame after frame, piece by piece. Raises DamageError."""
    decompressor = zstandard.ZstdDecompressor()
    frame = decompressor.decompressobj()
    is_begun = False
    while data := file.read(_BLOCK_BYTES):
        while data:
            try:
                piece = frame.decompress(data)
            except zstandard.ZstdError as error:
                raise DamageError(f"{name}: {error}") from error
            if piece:
                yield piece
            data, is_begun = frame.unused_data, not frame.eof
            if frame.eof:
                frame = decompressor.decompressobj()
    if is_begun:
        raise DamageError(f"{name}: ends in the middle of a frame")
