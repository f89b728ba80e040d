"""Holds a body in blocks that are large enough to be given back to the system.

Thousands of small pieces would leave holes in the heap that no joined body fits into.
"""

from __future__ import annotations

from typing import Final

import msgspec

BLOCK_BYTES: Final = 256 * 1024


class Blocks(msgspec.Struct, eq=False, gc=False):
    """One body. Its receiver appends to `pieces`, and joins each BLOCK_BYTES of them to a block."""

    pieces: list[bytes] = []  # the whole body: blocks, then what is too small for one
    blocks: int = 0

    def join(self) -> None:
        """Join the pieces that have come since the last block."""
        self.pieces[self.blocks :] = [b"".join(self.pieces[self.blocks :])]
        self.blocks += 1
