"""Collects a body's pieces in blocks that are large enough to be given back to the system.

Thousands of small pieces would leave holes in the heap that no joined body fits into.
"""

from __future__ import annotations

from typing import Final

import msgspec

_BLOCK_BYTES: Final = 256 * 1024


class Blocks(msgspec.Struct, eq=False, gc=False):
    """Collects the pieces of one body."""

    pieces: list[bytes] = []  # the whole body: blocks, then what is too small for one
    blocks: int = 0
    _rest_bytes: int = 0  # after the blocks

    def append(self, piece: bytes) -> None:
        self.pieces.append(piece)
        self._rest_bytes = rest_bytes = self._rest_bytes + len(piece)
        if rest_bytes >= _BLOCK_BYTES:
            self.pieces[self.blocks :] = [b"".join(self.pieces[self.blocks :])]
            self.blocks += 1
            self._rest_bytes = 0
