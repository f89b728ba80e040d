"""A digest of 32 bytes for a file that only grows.

It has two parts: a chain over the full blocks (each link hashes the chain so far and the block),
and the hash of the last block, which is not full yet. After a restart, the last block is enough to
continue. XXH3 detects accidental damage; it does not protect against somebody who can also write to
the journal.
"""

from __future__ import annotations

from typing import Final, Self

import xxhash

BLOCK_BYTES: Final = 1 << 20
_CHAIN_BYTES: Final = 16
_BEGIN: Final = bytes(_CHAIN_BYTES)


class Digest:
    """The digest of all bytes given so far."""

    def __init__(self, chain: bytes = _BEGIN) -> None:
        self._chain = chain
        self._block = xxhash.xxh3_128()
        self._block_bytes = 0

    def update(self, data: bytes) -> None:
        """Add bytes to the end."""
        if self._block_bytes + len(data) < BLOCK_BYTES:
            self._block.update(data)
            self._block_bytes += len(data)
            return
        view = memoryview(data)
        while view:
            part = view[: BLOCK_BYTES - self._block_bytes]
            self._block.update(part)
            self._block_bytes += len(part)
            view = view[len(part) :]
            if self._block_bytes == BLOCK_BYTES:
                self._chain = xxhash.xxh3_128(self._chain + self._block.digest()).digest()
                self._block = xxhash.xxh3_128()
                self._block_bytes = 0

    def value(self) -> bytes:
        """The digest: the chain, then the hash of the last block."""
        return self._chain + self._block.digest()

    def copy(self) -> Self:
        """An independent copy."""
        made = type(self)(self._chain)
        made._block = self._block.copy()
        made._block_bytes = self._block_bytes
        return made

    @classmethod
    def resumed(cls, value: bytes, last_block: bytes) -> Self | None:
        """Continue a digest of this value; None if `last_block` are not its last bytes."""
        made = cls(value[:_CHAIN_BYTES])
        made.update(last_block)
        return made if made.value() == value else None


def last_block_begin(length: int) -> int:
    """The offset of the last block, which is not full, in a file of `length` bytes."""
    return length - length % BLOCK_BYTES
