"""Sets of small integers: masks as ints (bit k = k-th line of a batch), and a set of batch ids."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from typing import Final, TypeVar

_Item = TypeVar("_Item")

_TRUTH: Final = bytes.maketrans(b"01", b"\0\1")  # of digits: only a byte 0 is false


def offsets(mask: int) -> Iterator[int]:
    """Yield the numbers of the set bits, ascending."""
    return chosen(itertools.count(), mask)


def chosen(items: Iterable[_Item], mask: int) -> Iterator[_Item]:
    """Yield those items whose bits are set, of which the first item has the lowest."""
    # A shift of a long mask for each item would take longer.
    return itertools.compress(items, f"{mask:b}"[::-1].encode().translate(_TRUTH))


def mask_of(items: Iterable[int]) -> int:
    """The mask with these bits set."""
    mask = 0
    for item in items:
        mask |= 1 << item
    return mask


def pack(mask: int) -> bytes:
    """Little-endian bytes, as short as possible."""
    return mask.to_bytes((mask.bit_length() + 7) // 8, "little")


def unpack(data: bytes) -> int:
    """The mask that `pack` packed."""
    return int.from_bytes(data, "little")


def parts(mask: int, count: int) -> list[int]:
    """Split a mask into at most `count` masks of consecutive set bits, of nearly equal sizes."""
    items = list(offsets(mask))
    count = min(count, len(items))
    return [
        mask_of(items[len(items) * k // count : len(items) * (k + 1) // count])
        for k in range(count)
    ]


class IdSet:
    """A growing set of batch ids at one bit each: 10^9 lines in batches of 200 take 625 KB."""

    def __init__(self, packed: bytes = b"") -> None:
        self._bits = bytearray(packed)

    def add(self, item: int) -> None:
        index = item >> 3
        if index >= len(self._bits):
            self._bits.extend(bytes(index + 1 - len(self._bits)))
        self._bits[index] |= 1 << (item & 7)

    def __contains__(self, item: int) -> bool:
        index = item >> 3
        return index < len(self._bits) and bool(self._bits[index] >> (item & 7) & 1)

    def count(self) -> int:
        return int.from_bytes(self._bits, "little").bit_count()

    def pack(self) -> bytes:
        return bytes(self._bits)
