"""Reads lines of a crawl's log by their numbers.

Where the last read ended is remembered, and a few places before, so that reading on costs the lines
that are read, and reading again little more.
"""

from __future__ import annotations

import bisect
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO, Final, NamedTuple

from fetcher.errors import DamageError
from fetcher.store.disk import disk_errors

_EVERY_LINES: Final = 4096  # a place is remembered once in so many lines, or a few more
_BLOCK_BYTES: Final = 1 << 16


class Part(NamedTuple):
    """A file of the log, and its committed length."""

    path: Path
    length: int  # bytes


class _Mark(NamedTuple):
    line: int
    part: int
    offset: int


class LogReader:
    """The committed lines of a log that grows."""

    def __init__(self) -> None:
        self._marks = [_Mark(1, 0, 0)]
        self._next = self._marks[0]  # where the last read ended

    def texts(self, parts: Sequence[Part], first: int, end: int) -> Iterator[bytes]:
        """The lines `first` to `end` - 1, without line feeds. Raises DamageError if one is missing.

        `parts`: all files of the log, oldest first.
        """
        if first >= end:
            return
        for mark, lines in self._blocks_from(parts, first):
            wanted = lines[max(first - mark.line, 0) : end - mark.line]
            if end - mark.line <= len(lines):
                # Now, as the caller may not ask whether there is another line.
                self._next = _after(mark, lines[: end - mark.line])
                yield from wanted
                return
            yield from wanted
        raise DamageError(f"{parts[-1].path}: line {end - 1} of the log is missing")

    def _blocks_from(
        self, parts: Sequence[Part], first: int
    ) -> Iterator[tuple[_Mark, list[bytes]]]:
        """The lines from a remembered place on, which is at `first` or before it."""
        mark = self._before(first)
        for number, (path, length) in enumerate(parts[mark.part :], mark.part):
            if number > mark.part:
                mark = _Mark(mark.line, number, 0)
            with disk_errors(path), path.open("rb") as file:
                file.seek(mark.offset)
                while lines := _read_lines(file, length - mark.offset):
                    self._remember(mark)
                    yield mark, lines
                    mark = _after(mark, lines)

    def _before(self, line: int) -> _Mark:
        if self._next.line <= line:
            return self._next
        return self._marks[bisect.bisect_right(self._marks, line, key=lambda mark: mark.line) - 1]

    def _remember(self, mark: _Mark) -> None:
        if mark.line >= self._marks[-1].line + _EVERY_LINES:
            self._marks.append(mark)


def _read_lines(file: BinaryIO, room: int) -> list[bytes]:
    """The next lines of a file of which `room` more bytes are committed; [] at their end."""
    data = file.read(min(_BLOCK_BYTES, room))
    if data and data[-1:] != b"\n":
        data += file.readline()  # no line is torn: the committed bytes end with one
    return data.split(b"\n")[:-1]


def _after(mark: _Mark, lines: Sequence[bytes]) -> _Mark:
    """The place behind these lines, which begin at `mark`."""
    size = sum(map(len, lines)) + len(lines)
    return _Mark(mark.line + len(lines), mark.part, mark.offset + size)
