"""The digest of a file that only grows: what was committed, byte for byte, in 32 bytes.

Law: a chain over whole blocks (each link is the hash of the chain so far and of the block), and the
hash of the block that is not full yet. So it goes on after a restart from the last block alone, and
the file alone is enough to compute it again. XXH3 finds accidents; it does not protect against
somebody who can write to the journal, too.
"""

from __future__ import annotations

from typing import Final, Self

import xxhash

BLOCK_BYTES: Final = 1 << 20
_CHAIN_BYTES: Final = 16
_BEGIN: Final = bytes(_CHAIN_BYTES)


class Digest:
    """The digest of the bytes that were given so far."""

    def __init__(self, chain: bytes = _BEGIN) -> None:
        self._chain = chain
        self._block = xxhash.xxh3_128()
        self._block_bytes = 0

    def update(self, data: bytes) -> None:
        """Append."""
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
        """The chain and the last block's hash."""
        return self._chain + self._block.digest()

    def copy(self) -> Self:
        """A copy that goes on from here."""
        made = type(self)(self._chain)
        made._block = self._block.copy()
        made._block_bytes = self._block_bytes
        return made

    @classmethod
    def resumed(cls, value: bytes, last_block: bytes) -> Self | None:
        """The digest that had this value; None if these are not the bytes of its last block."""
        made = cls(value[:_CHAIN_BYTES])
        made.update(last_block)
        return made if made.value() == value else None


def last_block_begin(length: int) -> int:
    """The offset of the last block, which is not full, in a file of this length."""
    return length - length % BLOCK_BYTES
