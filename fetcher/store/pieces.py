"""Where the pieces of some files are, by number: a table on disk that processes share.

An entry has 16 bytes: where the piece begins, its size and the number of its file. Size 0: there is
no such piece.
"""

from __future__ import annotations

import contextlib
import mmap
import os
import struct
from collections.abc import Sequence
from pathlib import Path
from typing import Final, Self

from fetcher.errors import DamageError
from fetcher.store.disk import disk_errors

_ENTRY: Final = struct.Struct("<QII")


class PieceTable:
    """A new table for the pieces 1 to `count`. Raises NoSpaceError, DamageError."""

    def __init__(self, path: Path, count: int) -> None:
        self._path = path
        size = max(count, 1) * _ENTRY.size
        with disk_errors(path), path.open("xb+") as file:
            # Reserved, because a write to mapped memory on a full disk would end the process.
            os.posix_fallocate(file.fileno(), 0, size)
            self._map = mmap.mmap(file.fileno(), size)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._map.close()

    def put(self, number: int, file: int, begin: int, size: int) -> None:
        """Set an entry; `file`: the number of the file, from 0."""
        _ENTRY.pack_into(self._map, (number - 1) * _ENTRY.size, begin, size, file)


class Pieces:
    """Reads pieces by their table. Raises DamageError."""

    def __init__(self, table: Path, files: Sequence[str]) -> None:
        """`files`: paths in the order of their numbers."""
        with contextlib.ExitStack() as opened:
            with disk_errors(table), table.open("rb") as file:
                self._map = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
            opened.callback(self._map.close)
            self._files = [_open(path) for path in files]
            for fd in self._files:
                opened.callback(os.close, fd)
            self._opened = opened.pop_all()
        self._names = files

    def close(self) -> None:
        self._opened.close()

    def of(self, number: int) -> bytes:
        """A piece; b"" if there is none."""
        return self.piece_of(number)[0]

    def piece_of(self, number: int) -> tuple[bytes, int]:
        """A piece, and the number of its file."""
        at = (number - 1) * _ENTRY.size
        if not 0 <= at < len(self._map):
            return b"", 0
        begin, size, file = _ENTRY.unpack_from(self._map, at)
        if not size:
            return b"", 0
        with disk_errors(Path(self._names[file])):
            piece = os.pread(self._files[file], size, begin)
        if len(piece) != size:
            raise DamageError(f"{self._names[file]}: became shorter while it was read")
        return piece, file


def _open(path: str) -> int:
    with disk_errors(Path(path)):
        return os.open(path, os.O_RDONLY | os.O_CLOEXEC)
