"""results/part-00000.jsonl …, bodies/part-00000.warc.gz …: append-only.

Law: bytes beyond the committed length do not count and are cut off at start; a segment that is
shorter than what was committed is damage. Only the last segment grows; a full one is left alone.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Final

from fetcher.errors import DamageError
from fetcher.store.disk import disk_errors, fsync, fsync_dir, make_dir

_MAX_BUFFERS: Final = 512  # of one writev; Linux takes 1,024


class Segments:
    """The open segment of a directory; `lengths` are what the journal calls committed."""

    def __init__(
        self,
        directory: Path,
        suffix: str,
        max_bytes: int,
        lengths: dict[str, int],
        preamble: Callable[[str], bytes] | None = None,
    ) -> None:
        """`preamble`: what a file of this name begins with."""
        make_dir(directory, "-o")
        fsync_dir(directory.parent)
        self._directory = directory
        self._suffix = suffix
        self._max_bytes = max_bytes
        self._preamble = preamble
        self._index = max(len(lengths) - 1, 0)
        names = {self._name(index) for index in range(len(lengths))}
        if names != lengths.keys():
            # A name that is taken for new would be emptied.
            odd = min(names ^ lengths.keys())
            raise DamageError(f"{directory / odd}: the journal and the names of segments disagree")
        for name, length in lengths.items():
            _check(directory / name, length)
        self._committed = lengths.get(self._name(), 0)
        self._written = self._committed
        self._fd = self._open()

    def _name(self, index: int | None = None) -> str:
        return f"part-{self._index if index is None else index:05d}{self._suffix}"

    @property
    def path(self) -> Path:
        return self._directory / self._name()

    def _open(self) -> int:
        with disk_errors(self.path):
            fd = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o644)
            os.ftruncate(fd, self._committed)
            os.lseek(fd, self._committed, os.SEEK_SET)
        fsync(fd, self.path)
        fsync_dir(self._directory)
        return fd

    def append(self, rows: list[bytes]) -> tuple[str, int]:
        """Write behind the committed length; on NoSpaceError the file is as it was before.

        The name of the file, and where in it the first of the rows begins.
        """
        self._rewind()
        if self._committed >= self._max_bytes:
            self._rotate()
        start = self._committed
        if self._preamble is not None and rows and not start:
            preamble = self._preamble(self._name())
            rows = [preamble, *rows]
            start = len(preamble)
        try:
            with disk_errors(self.path):
                for first in range(0, len(rows), _MAX_BUFFERS):
                    self._write(rows[first : first + _MAX_BUFFERS])
        except BaseException:
            self._rewind()
            raise
        return self._name(), start

    def _rewind(self) -> None:
        # Also at the begin of an append: a commit that got this far and failed in the journal
        # for want of space is tried again from its start.
        with disk_errors(self.path):
            os.ftruncate(self._fd, self._committed)
            os.lseek(self._fd, self._committed, os.SEEK_SET)
        self._written = self._committed

    def _write(self, buffers: list[bytes]) -> None:
        size = sum(map(len, buffers))
        count = os.writev(self._fd, buffers)
        self._written += count
        if count < size:  # a nearly full disk, or a signal: the rest, as one
            rest = memoryview(b"".join(buffers))[count:]
            while rest:
                count = os.write(self._fd, rest)
                self._written += count
                rest = rest[count:]

    def _rotate(self) -> None:
        old = self._fd
        self._index += 1
        self._committed = self._written = 0
        try:
            self._fd = self._open()
        except BaseException:
            self._index -= 1
            self._committed = self._written = os.fstat(old).st_size
            raise
        os.close(old)

    def sync(self) -> None:
        """Make what was appended durable."""
        fsync(self._fd, self.path)

    def length(self) -> tuple[str, int]:
        """The open segment's name and length, for the journal."""
        return self._name(), self._written

    def committed(self) -> None:
        """The journal has recorded `length()`."""
        self._committed = self._written

    def close(self) -> None:
        os.close(self._fd)


def _check(path: Path, length: int) -> None:
    try:
        size = path.stat().st_size
    except OSError as error:
        raise DamageError(
            f"{path}: {length} bytes were committed, but: {error.strerror}"
        ) from error
    if size < length:
        raise DamageError(f"{path}: {length} bytes were committed, but only {size} are there")
