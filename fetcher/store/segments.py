"""Append-only files: results/part-00000.jsonl …, bodies/part-00000.warc.gz …

Bytes beyond the committed length do not count, and are cut off at start. A segment that is shorter
than its committed length, or whose last bytes differ, is damaged, and is not changed. Only the last
segment grows.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Final, NamedTuple

from fetcher.errors import DamageError
from fetcher.store.digest import Digest, last_block_begin
from fetcher.store.disk import FileId, disk_errors, fsync, fsync_dir, make_dir, require_file

_MAX_BUFFERS: Final = 512  # of one writev; Linux takes 1,024
_READ_BYTES: Final = 1 << 20


class SegmentState(NamedTuple):
    """A segment as the journal records it."""

    name: str
    length: int  # bytes
    rows: int | None = None  # None: written by an older version
    digest: bytes | None = None  # None: written by an older version


def oldest_first(names: Iterable[str]) -> list[str]:
    """The names of segments of one kind, in the order in which they were made."""
    return sorted(names, key=lambda name: (len(name), name))


def too_short(path: Path, committed_bytes: int, size: int) -> DamageError:
    """The error for a segment that is shorter than its committed length."""
    return DamageError(f"{path}: {committed_bytes} bytes were committed, but only {size} are there")


class Segments:
    """The segments of a directory, of which the last is open for appending.

    Raises DamageError, NoSpaceError.
    """

    def __init__(
        self,
        directory: Path,
        suffix: str,
        max_bytes: int,
        states: Mapping[str, SegmentState],
        preamble: Callable[[str], bytes] | None = None,
    ) -> None:
        """`suffix`: of the file names; `max_bytes`: size at which the next segment is begun;
        `states`: committed states by name; `preamble`: returns the first bytes of the named file.
        """
        make_dir(directory, "-o")
        fsync_dir(directory.parent)
        self._directory = directory
        self._suffix = suffix
        self._max_bytes = max_bytes
        self._preamble = preamble
        self._begin_at(max(len(states) - 1, 0))
        names = {self._name(index) for index in range(len(states))}
        if names != states.keys():
            # The file of a segment that seems to be new would be emptied.
            odd = min(names ^ states.keys())
            raise DamageError(
                f"{directory / odd}: the journal and the names of segments disagree; restore a "
                "backup of OUT"
            )
        self._full: dict[str, tuple[int, FileId]] = {}  # committed bytes and identity
        last = self._open_name
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
            self._rotate()  # written by an older version: there is no digest to continue

    def _name(self, index: int) -> str:
        return f"part-{index:05d}{self._suffix}"

    def _begin_at(self, index: int) -> None:
        self._index = index
        # Each commit needs both several times.
        self._open_name = self._name(index)
        self.path = self._directory / self._open_name

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
        """Write after the committed length; returns the file's name and the first row's offset.

        After a NoSpaceError, the file is as it was before.
        """
        if self._written != self._committed:
            # A commit that failed in the journal for lack of space is tried again from its start.
            self._rewind()
        self._require_ours(self._committed)
        if self._committed >= self._max_bytes:
            self._rotate()
        start = self._committed
        if self._preamble is not None and rows and not start:
            preamble = self._preamble(self._open_name)
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
        return self._open_name, start

    def _rewind(self) -> None:
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
        if count < size:  # the disk is nearly full, or a signal came: write the rest
            rest = memoryview(b"".join(buffers))[count:]
            while rest:
                count = os.write(self._fd, rest)
                self._written += count
                rest = rest[count:]

    def _rotate(self) -> None:
        old, old_name, before = self._fd, self._open_name, (self._committed, self._file)
        self._begin_at(self._index + 1)
        self._committed = self._written = 0
        try:
            self._fd = self._open()
        except BaseException:
            self._begin_at(self._index - 1)
            self._committed = self._written = before[0]
            raise
        self._full[old_name] = before
        self._file = FileId.of(self.path)
        self._rows = 0
        self._digest, self._new_digest = Digest(), Digest()
        os.close(old)

    def sync(self) -> None:
        """Make what was appended durable. Raises DamageError if the file was replaced."""
        fsync(self._fd, self.path)
        self._require_ours(self._written)

    def _require_ours(self, length: int) -> None:
        require_file(self.path, self._file, length)

    def require_all(self) -> None:
        """Raises DamageError if a segment was removed, replaced, or lacks committed bytes."""
        for name, (length, file) in self._full.items():
            require_file(self._directory / name, file, length)
        self._require_ours(self._committed)

    def state(self, new_rows: int) -> SegmentState:
        """The state of the open segment after an append of `new_rows` rows, for the journal."""
        return SegmentState(
            self._open_name, self._written, self._rows + new_rows, self._new_digest.value()
        )

    def committed(self, new_rows: int) -> None:
        """The journal has recorded `state(new_rows)`."""
        self._committed = self._written
        self._rows += new_rows
        self._digest = self._new_digest.copy()

    def close(self) -> None:
        os.close(self._fd)


def _checked(path: Path, state: SegmentState, *, is_last: bool) -> Digest:
    """Check a segment at start; returns the digest to continue with.

    Reads the last block of the last segment, and all of a segment that has uncommitted bytes.
    `fetcher verify` checks the rest.
    """
    length = state.length
    try:
        size = path.stat().st_size
    except OSError as error:
        raise DamageError(
            f"{path}: {error.strerror}, and {length} bytes of it were committed"
        ) from error
    if size < length:
        raise too_short(path, length, size)
    if state.digest is None:
        if length and path.name.endswith(".jsonl") and _read(path, length - 1, length) != b"\n":
            raise DamageError(f"{path}: its {length} committed bytes do not end with a row")
        return Digest()
    if is_last:
        begin = last_block_begin(length)
        found = Digest.resumed(state.digest, _read(path, begin, length))
    elif size > length:  # the journal may have lost commits
        found = _digest_of(path, length)
        found = found if found.value() == state.digest else None
    else:
        found = Digest()  # not continued
    if found is None:
        raise DamageError(
            f"{path}: its first {length} bytes are not those that were committed; restore a backup "
            "of OUT"
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
