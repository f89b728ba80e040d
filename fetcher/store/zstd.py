"""Rows as zstd frames, one for each commit, so that what is committed always unpacks."""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO, Final, Protocol, cast

import zstandard

from fetcher.errors import DamageError

_BLOCK_BYTES: Final = 256 * 1024


class Readable(Protocol):
    """A file, or a part of one."""

    def read(self, size: int = -1, /) -> bytes:
        """At most so many bytes; none at the end."""


def packed(rows: list[bytes]) -> bytes:
    """One frame of all of them."""
    return zstandard.ZstdCompressor().compress(b"".join(rows))


def unpacked(file: Readable, name: str) -> Iterator[bytes]:
    """The content of frame after frame, block by block. Raises DamageError."""
    # It only reads.
    source = cast(BinaryIO, file)
    reader = zstandard.ZstdDecompressor().stream_reader(source, read_across_frames=True)
    while True:
        try:
            block = reader.read(_BLOCK_BYTES)
        except zstandard.ZstdError as error:
            raise DamageError(f"{name}: {error}") from error
        if not block:
            return
        yield block
