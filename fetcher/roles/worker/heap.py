"""Gives memory that large bodies leave free back to the system.

Law: only glibc is asked, and only after many bytes were freed: it keeps what lies between pieces
that are still used, and a worker would hold its bodies' memory twice, as pieces and as rows.
"""

from __future__ import annotations

import ctypes
from typing import Final

LARGE_BYTES: Final = 256 * 1024  # rows below it fit into what is free anyway
_M_MMAP_THRESHOLD: Final = -3  # see mallopt(3)
_EVERY_BYTES: Final = 32 * 1024 * 1024


class Heap:
    """Returns freed memory to the system; a worker process has one."""

    def __init__(self) -> None:
        libc = ctypes.CDLL(None)
        self._trim = getattr(libc, "malloc_trim", None)
        if self._trim is not None:
            # Else it grows with the first large body, and the heap keeps all later ones.
            libc.mallopt(_M_MMAP_THRESHOLD, LARGE_BYTES)
        self._freed_bytes = 0

    def freed(self, row_bytes: int) -> None:
        """A row of this size was made, or was sent."""
        if row_bytes < LARGE_BYTES or self._trim is None:
            return
        self._freed_bytes += row_bytes
        if self._freed_bytes >= _EVERY_BYTES:
            self._freed_bytes = 0
            self._trim(0)
