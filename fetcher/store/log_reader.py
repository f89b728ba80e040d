"""Reads lines of a crawl's log by their numbers.

A few offsets are remembered, so that reading on, or again, costs the lines that are read.
"""

from __future__ import annotations

import bisect
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from fetcher.errors import DamageError
from fetcher.store.disk import disk_errors

_EVERY_LINES: Final = 4096  # the offset of each such line is remembered


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

    def texts(self, parts: Sequence[Part], first: int, end: int) -> Iterator[bytes]:
        """The lines `first` to `end` - 1, without line feeds. Raises DamageError if one is missing.

        `parts`: all files of the log, oldest first.
        """
        for line, text in self._lines_from(parts, first):
            if line >= end:
                return
            if line >= first:
                yield text
            if line == end - 1:
                return
        if first < end:
            raise DamageError(f"{parts[-1].path}: line {end - 1} of the log is missing")

    def _lines_from(self, parts: Sequence[Part], first: int) -> Iterator[tuple[int, bytes]]:
        """Number and text of each line, from a remembered one before `first`."""
        index = bisect.bisect_right(self._marks, first, key=lambda mark: mark.line) - 1
        line, begin, offset = self._marks[index]
        for number, (path, length) in enumerate(parts[begin:], begin):
            with disk_errors(path), path.open("rb") as file:
                file.seek(offset)
                while offset < length and (raw := file.readline()):
                    self._remember(line, number, offset)
                    yield line, raw[:-1]
                    line, offset = line + 1, offset + len(raw)
            offset = 0

    def _remember(self, line: int, part: int, offset: int) -> None:
        if line >= self._marks[-1].line + _EVERY_LINES:
            self._marks.append(_Mark(line, part, offset))
