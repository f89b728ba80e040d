"""results/part-00000.jsonl …, bodies/part-00000.warc.gz …: append-only.

Law: bytes beyond the committed length do not count and are cut off at start; a segment that is
shorter than what was committed, or whose last bytes are others, is damage, and nothing is cut off
it. Only the last segment grows; a full one is left alone.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final, NamedTuple

from fetcher.errors import DamageError
from fetcher.store.digest import Digest, last_block_begin
from fetcher.store.disk import FileId, disk_errors, fsync, fsync_dir, make_dir, require_file

_MAX_BUFFERS: Final = 512  # of one writev; Linux takes 1,024
_READ_BYTES: Final = 1 << 20


class SegmentState(NamedTuple):
    """What the journal has of a segment; no `rows` and no `digest`: an older version wrote it."""

    name: str
    length: int  # bytes
    rows: int | None = None
    digest: bytes | None = None


class Segments:
    """The open segment of a directory; `states` are what the journal has committed, by name."""

    def __init__(
        self,
        directory: Path,
        suffix: str,
        max_bytes: int,
        states: Mapping[str, SegmentState],
        preamble: Callable[[str], bytes] | None = None,
    ) -> None:
        """`preamble`: what a file of this name begins with."""
        make_dir(directory, "-o")
        fsync_dir(directory.parent)
        self._directory = directory
        self._suffix = suffix
        self._max_bytes = max_bytes
        self._preamble = preamble
        self._index = max(len(states) - 1, 0)
        names = {self._name(index) for index in range(len(states))}
        if names != states.keys():
            # A name that is taken for new would be emptied.
            odd = min(names ^ states.keys())
            raise DamageError(f"{directory / odd}: the journal and the names of segments disagree")
        self._full: dict[str, tuple[int, FileId]] = {}  # length and file of those left alone
        last = self._name()
        for name, state in states.items():
            digest = _checked(directory / name, state, is_last=name == last)
            if name == last:
                self._digest = digest
            else:
                self._full[name] = (state.length, FileId.of(directory / name))
        state = states.get(last, SegmentState(last, 0, 0, Digest().value()))
        self._rows = state.rows or 0
        self._committed = self._written = state.length
        if last not in states:
            self._digest = Digest()
        self._new_digest = self._digest.copy()
        self._fd = self._open()
        self._file = FileId.of(self.path)
        if state.digest is None and state.length:
            self._rotate()  # what an older version wrote has no digest to go on from

    def _name(self, index: int | None = None) -> str:
        return f"part-{self._index if index is None else index:05d}{self._suffix}"

    @property
    def path(self) -> Path:
        return self._directory / self._name()

    def _open(self) -> int:
        with disk_errors(self.path):
            fd = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            with disk_errors(self.path):
                os.ftruncate(fd, self._committed)
                os.lseek(fd, self._committed, os.SEEK_SET)
            fsync(fd, self.path)
            fsync_dir(self._directory)
        except BaseException:
            os.close(fd)
            raise
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
        for part in rows:
            self._new_digest.update(part)
        return self._name(), start

    def _rewind(self) -> None:
        # Also at the begin of an append: a commit that got this far and failed in the journal
        # for want of space is tried again from its start.
        self._require_ours(self._written)
        with disk_errors(self.path):
            os.ftruncate(self._fd, self._committed)
            os.lseek(self._fd, self._committed, os.SEEK_SET)
        self._written = self._committed
        self._new_digest = self._digest.copy()

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
        old, old_name, before = self._fd, self._name(), (self._committed, self._file)
        self._index += 1
        self._committed = self._written = 0
        try:
            self._fd = self._open()
        except BaseException:
            self._index -= 1
            self._committed = self._written = before[0]
            raise
        self._full[old_name] = before
        self._file = FileId.of(self.path)
        self._rows = 0
        self._digest, self._new_digest = Digest(), Digest()
        os.close(old)

    def sync(self) -> None:
        """Make what was appended durable, in the file that has the segment's name."""
        fsync(self._fd, self.path)
        self._require_ours(self._written)

    def _require_ours(self, length: int) -> None:
        require_file(self.path, self._file, length)

    def require_all(self) -> None:
        """Each segment is there, is the file that was written, and has what was committed of it."""
        for name, (length, file) in self._full.items():
            require_file(self._directory / name, file, length)
        self._require_ours(self._committed)

    def state(self, new_rows: int) -> SegmentState:
        """The open segment with what was appended, so many rows; for the journal."""
        return SegmentState(
            self._name(), self._written, self._rows + new_rows, self._new_digest.value()
        )

    def committed(self, new_rows: int) -> None:
        """The journal has recorded `state(new_rows)`."""
        self._committed = self._written
        self._rows += new_rows
        self._digest = self._new_digest.copy()

    def close(self) -> None:
        os.close(self._fd)


def _checked(path: Path, state: SegmentState, *, is_last: bool) -> Digest:
    """The digest to go on with; of all but the last, only as much is read as is cheap."""
    length = state.length
    try:
        size = path.stat().st_size
    except OSError as error:
        raise DamageError(
            f"{path}: {length} bytes were committed, but: {error.strerror}"
        ) from error
    if size < length:
        raise DamageError(f"{path}: {length} bytes were committed, but only {size} are there")
    if state.digest is None:
        if length and path.name.endswith(".jsonl") and _read(path, length - 1, length) != b"\n":
            raise DamageError(f"{path}: byte {length}, where it is committed to, ends no row")
        return Digest()
    if is_last:
        begin = last_block_begin(length)
        found = Digest.resumed(state.digest, _read(path, begin, length))
    elif size > length:  # what is behind the end of a full one may be what the journal has lost
        found = _digest_of(path, length)
        found = found if found.value() == state.digest else None
    else:
        found = Digest()  # whether it is as it was is for `verify`, which reads all of it
    if found is None:
        raise DamageError(
            f"{path}: the {length} bytes that the journal has of it are not those that were "
            "committed; restore a backup of OUT"
        )
    return found


def _read(path: Path, start: int, end: int) -> bytes:
    with disk_errors(path), path.open("rb") as file:
        file.seek(start)
        return file.read(end - start)


def _digest_of(path: Path, length: int) -> Digest:
    digest = Digest()
    with disk_errors(path), path.open("rb") as file:
        while length and (data := file.read(min(length, _READ_BYTES))):
            digest.update(data)
            length -= len(data)
    return digest
