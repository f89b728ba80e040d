"""A number for each line of a job, in an unnamed temporary file, so that memory stays flat.

The file is in $TMPDIR, takes 8 bytes a line, and disappears however the process ends.
"""

from __future__ import annotations

import mmap
import os
import tempfile
from pathlib import Path
from typing import Final, Self

from fetcher.store.disk import disk_errors

_BYTES: Final = 8


class LineNumbers:
    """One number below 2**64 for each of the lines 1 to `lines`; 0 at first.

    Raises NoSpaceError, DamageError.
    """

    def __init__(self, lines: int) -> None:
        size = max(lines, 1) * _BYTES
        with disk_errors(Path(tempfile.gettempdir())), tempfile.TemporaryFile() as file:
            # Reserved, because a write to mapped memory on a full disk would end the process.
            os.posix_fallocate(file.fileno(), 0, size)
            self._map = mmap.mmap(file.fileno(), size)
        self._numbers = memoryview(self._map).cast("Q")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._numbers.release()
        self._map.close()

    def __getitem__(self, line: int) -> int:
        return self._numbers[line - 1]

    def __setitem__(self, line: int, number: int) -> None:
        self._numbers[line - 1] = number
