"""The lines that failed lately, read from the newest committed rows of one OUT.

A look costs the same at any job size: of many new rows only the first ones are read.
"""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

import msgspec

from fetcher.errors import DamageError
from fetcher.model import Outcome, Result
from fetcher.protocol.bounds import MAX_FAILED_LINES
from fetcher.protocol.messages import FailedLine
from fetcher.protocol.samples import failed_line
from fetcher.rows.forms import CODECS
from fetcher.store import reader
from fetcher.store.manifest import Manifest
from fetcher.store.reader import Segment

_MOST_ROWS: Final = 2_000  # read at one look
_MOST_BYTES: Final = 4 * 1024 * 1024  # read at one look
_FIRST_BYTES: Final = 256 * 1024  # read of what was there before the first look


class RecentFailures:
    """Reads on from where its last look ended."""

    def __init__(self, out: Path, found: Manifest) -> None:
        self._out = out
        self._output = found.output
        self._decode = CODECS[found.output.rows].decode
        self._looked_at: tuple[str, int] | None = None  # a segment's name and its length then
        self._lines: deque[FailedLine] = deque(maxlen=MAX_FAILED_LINES)

    def look(self, lengths: Mapping[str, int]) -> list[FailedLine]:
        """The newest last. `lengths`: committed bytes by segment. Raises DamageError."""
        segments = reader.segments_of(self._out, lengths, self._output)
        if segments:
            newest = segments[-1]
            failed = (row for row in self._read(newest) if row.outcome is not Outcome.OK)
            self._lines.extend(map(failed_line, failed))
            self._looked_at = (newest.path.name, newest.committed_bytes)
        return list(self._lines)

    def _read(self, newest: Segment) -> Iterator[Result]:
        start, is_cut = self._start(newest)
        given = reader.rows(newest, start) if start < newest.committed_bytes else iter(())
        read_bytes = 0
        for row in itertools.islice(given, 1 if is_cut else 0, _MOST_ROWS):
            read_bytes += len(row)
            if read_bytes > _MOST_BYTES:
                return
            try:
                yield self._decode(row)
            except (msgspec.MsgspecError, UnicodeDecodeError) as error:
                raise DamageError(
                    f"{newest.path}: holds a damaged row ({error}); `fetcher verify` says more"
                ) from error

    def _start(self, newest: Segment) -> tuple[int, bool]:
        """The byte to read from, and whether it may be within a row."""
        if self._looked_at is not None:
            name, end = self._looked_at
            return (end if name == newest.path.name else 0), False
        before = max(newest.committed_bytes - _FIRST_BYTES, 0)
        if self._output.rows == "jsonl" and self._output.compression == "none":
            return before, before > 0
        # Other forms can only be read from the end of a commit.
        return (newest.committed_bytes if before else 0), False
