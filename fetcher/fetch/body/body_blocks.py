"""Collects a body's pieces in blocks that are large enough to be given back to the system.

Thousands of small pieces would leave holes in the heap that no joined body fits into.
"""

from __future__ import annotations

from typing import Final

_BLOCK_BYTES: Final = 256 * 1024


class Blocks:
    """Collects the pieces of one body."""

    def __init__(self) -> None:
        self.blocks: list[bytes] = []
        self._pieces: list[bytes] = []
        self._piece_bytes = 0

    def append(self, piece: bytes) -> None:
        self._pieces.append(piece)
        self._piece_bytes += len(piece)
        if self._piece_bytes >= _BLOCK_BYTES:
            self.blocks.append(b"".join(self._pieces))
            self._pieces, self._piece_bytes = [], 0

    def take(self) -> list[bytes]:
        """The whole body, in blocks and pieces."""
        return self.blocks + self._pieces
