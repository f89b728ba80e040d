"""Rows as zstd frames: one for each commit, so that committed bytes always end with a frame."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, Protocol

import zstandard

from fetcher.errors import DamageError

_BLOCK_BYTES: Final = 2048  # these may unpack to 64 MiB


class Readable(Protocol):
    """A file, or a part of one."""

    def read(self, size: int = -1, /) -> bytes:
        """Read at most `size` bytes; none at the end."""


def packed(rows: list[bytes]) -> bytes:
    """Compress the rows into one frame."""
    return zstandard.ZstdCompressor(write_checksum=True).compress(b"".join(rows))


def unpacked(file: Readable, name: str) -> Iterator[bytes]:
    """Decompress all frames, in pieces. Raises DamageError."""
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
