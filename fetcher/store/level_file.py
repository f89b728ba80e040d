"""frontier/level-00000.found: the links of a level's rows, in a crawl by levels.

They wait here until the level is complete, and are then judged; see commit.levels. The file of a
level that was judged is removed. Its committed length is in the journal, as part of the level.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from fetcher.commit import levels
from fetcher.commit.crawl_record import Level
from fetcher.errors import DamageError
from fetcher.frontier.admitted import RowLinks
from fetcher.store.disk import disk_errors, fsync, fsync_dir
from fetcher.store.line_sorter import LineSorter
from fetcher.store.segments import too_short

_PATTERN: Final = "level-*.found"


class LevelFile:
    """The file of the running level. Raises DamageError, NoSpaceError."""

    def __init__(self, directory: Path, level: Level) -> None:
        self._directory = directory
        self._open(level)

    def _open(self, level: Level) -> None:
        self._number = level.number
        self.path = self._directory / f"level-{level.number:05d}.found"
        with disk_errors(self.path):
            self._fd = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
            size = os.fstat(self._fd).st_size
        if size < level.found_bytes:
            raise too_short(self.path, level.found_bytes, size)
        fsync_dir(self._directory)
        for path in self._directory.glob(_PATTERN):
            if path != self.path:
                path.unlink()

    def begin(self, level: Level) -> None:
        """Go on to the file of this level, if it is another: the levels before it are judged."""
        if level.number != self._number:
            os.close(self._fd)
            self._open(level)

    def append(self, records: list[bytes], level: Level) -> None:
        """Write after the committed length of `level`, durably."""
        if not records:
            return
        try:
            with disk_errors(self.path):
                os.ftruncate(self._fd, level.found_bytes)
                rest = memoryview(b"".join(records))
                at = level.found_bytes
                while rest:
                    count = os.pwrite(self._fd, rest, at)
                    at, rest = at + count, rest[count:]
        except BaseException:
            with contextlib.suppress(OSError):
                os.ftruncate(self._fd, level.found_bytes)
            raise
        fsync(self._fd, self.path)

    def after(self, level: Level) -> Iterator[RowLinks]:
        """The rows whose lines are after `judged_to`, in the order of their lines."""
        with LineSorter(self._directory) as sorter:
            for line, at, size in self._heads(level.found_bytes):
                if line > level.judged_to:
                    sorter.add(b"%020d %d %d\n" % (line, at, size))
            for entry in sorter.lines():
                _, at, size = map(int, entry.split())
                yield levels.unpacked(self._read(at, size), str(self.path))

    def _heads(self, length: int) -> Iterator[tuple[int, int, int]]:
        """The line of each record, and where its data is."""
        at = 0
        while at < length:
            line, size = levels.head(self._read(at, levels.HEAD_BYTES))
            at += levels.HEAD_BYTES
            yield line, at, size
            at += size

    def _read(self, at: int, size: int) -> bytes:
        with disk_errors(self.path):
            data = os.pread(self._fd, size, at)
        if len(data) != size:
            raise DamageError(f"{self.path}: is damaged at byte {at}; restore a backup of OUT")
        return data

    def close(self) -> None:
        os.close(self._fd)
