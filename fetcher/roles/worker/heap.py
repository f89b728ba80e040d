"""Returns the memory of large bodies to the system once they are freed.

glibc keeps freed memory that lies between blocks still in use. A worker would hold the memory of
its bodies twice, as received pieces and as rows. Only glibc is asked to return it, and only after
many bytes were freed.
"""

from __future__ import annotations

import ctypes
from typing import Final

LARGE_BYTES: Final = 256 * 1024  # smaller rows fit into what is free anyway
_M_TRIM_THRESHOLD: Final = -1  # see mallopt(3)
_M_MMAP_THRESHOLD: Final = -3
_EVERY_BYTES: Final = 32 * 1024 * 1024
# The parser takes blocks of 260 KB for pages with many elements, and frees them with the tree. To
# ask the system for them each time costs about a tenth of the time that such a page takes.
_TREE_BLOCK_BYTES: Final = 512 * 1024
_KEPT_BYTES: Final = 4 * 1024 * 1024


class Heap:
    """Returns freed memory to the system; a worker process has one."""

    def __init__(self) -> None:
        self._libc = ctypes.CDLL(None)
        self._trim = getattr(self._libc, "malloc_trim", None)
        if self._trim is not None:
            # By default the threshold grows with the first large body, and all later ones are
            # allocated from the heap.
            self._libc.mallopt(_M_MMAP_THRESHOLD, LARGE_BYTES)
        self._freed_bytes = 0

    def keep_for_trees(self) -> None:
        """Keep the memory of one parsed page for the next one, from now on."""
        if self._trim is not None:
            self._libc.mallopt(_M_MMAP_THRESHOLD, _TREE_BLOCK_BYTES)
            self._libc.mallopt(_M_TRIM_THRESHOLD, _KEPT_BYTES)

    def freed(self, row_bytes: int) -> None:
        """Note that a row of this size was made or sent."""
        if row_bytes < LARGE_BYTES or self._trim is None:
            return
        self._freed_bytes += row_bytes
        if self._freed_bytes >= _EVERY_BYTES:
            self._freed_bytes = 0
            self._trim(0)
