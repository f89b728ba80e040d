"""A queue of line numbers that costs 4 bytes a line, whose middle may lie outside of memory.

Lines come and go in blocks. The first and the last block stay in memory; a full block between them
goes to the Spill while its owner says so.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections import deque
from collections.abc import Iterable, Sequence
from typing import Final, Protocol

BLOCK_LINES: Final = 1024
LINE_BYTES: Final = 4
END: Final = 1 << 32  # more than any line


class Spill(Protocol):
    """Keeps blocks of bytes outside of memory, as a temporary file does."""

    def put(self, block: bytes) -> int:
        """Keep the block; return its place, which `get` takes."""

    def get(self, place: int) -> bytes:
        """Return the block and forget it."""


class LineQueue:
    """First in, first out."""

    __slots__ = ("_first", "_last", "_middle", "_taken", "spilled")

    def __init__(self) -> None:
        self._first = array("I")
        self._taken = 0  # of the first block
        self._middle: deque[array[int] | int] | None = None  # blocks, and places of blocks
        self._last: array[int] | None = None  # None: the first block is the last one
        self.spilled = 0  # lines outside of memory

    def __len__(self) -> int:
        blocks = len(self._middle) if self._middle else 0
        last = len(self._last) if self._last is not None else 0
        return len(self._first) - self._taken + blocks * BLOCK_LINES + last

    def extend(self, lines: Sequence[int], spill: Spill | None = None) -> None:
        """Add lines at the end; with a spill, a block that becomes full goes there."""
        done = 0
        while done < len(lines):
            block = self._open_block(spill)
            some = lines[done : done + BLOCK_LINES - len(block)]
            block.extend(some)
            done += len(some)

    def _open_block(self, spill: Spill | None) -> array[int]:
        """The last block, which has room."""
        if self._last is None:
            if len(self._first) < BLOCK_LINES:
                return self._first
            self._last = array("I")
        elif len(self._last) == BLOCK_LINES:
            self._store(self._last, spill)
            self._last = array("I")
        return self._last

    def put_back(self, lines: Iterable[int]) -> None:
        """Add lines at the front, in this order."""
        self._first = array("I", lines) + self._first[self._taken :]
        self._taken = 0

    @property
    def first(self) -> int:
        """The line at the front of a queue that is not empty."""
        return self._first[self._taken]

    def take(self, count: int, spill: Spill | None = None, before: int = END) -> list[int]:
        """Remove at most `count` lines from the front; `spill` as for `extend`, always the same.

        `before`: the second line and those after it must be smaller. (Where lines were put back
        and are not ascending, fewer lines than that may come.)
        """
        lines: list[int] = []
        while len(lines) < count and len(self) and (not lines or self.first < before):
            end = min(self._taken + count - len(lines), len(self._first))
            least = self._taken + (not lines)
            some = self._first[self._taken : bisect_left(self._first, before, least, end)]
            lines.extend(some)
            self._taken += len(some)
            if self._taken == len(self._first):
                self._next_block(spill)
        return lines

    def _store(self, block: array[int], spill: Spill | None) -> None:
        if self._middle is None:
            self._middle = deque()
        if spill is None:
            self._middle.append(block)
        else:
            self._middle.append(spill.put(block.tobytes()))
            self.spilled += BLOCK_LINES

    def _next_block(self, spill: Spill | None) -> None:
        self._taken = 0
        block = self._middle.popleft() if self._middle else None
        if block is None:
            self._first, self._last = self._last or array("I"), None
        elif isinstance(block, int):
            if spill is None:
                raise ValueError("a queue that spilled lines is read without its spill")
            self._first = array("I", spill.get(block))
            self.spilled -= BLOCK_LINES
        else:
            self._first = block
