"""The lines of a crawl that wait to be handed out, in unnamed temporary files.

The files disappear however the process ends. In memory there are 8 bytes for the texts of 64 lines.
"""

from __future__ import annotations

import os
import tempfile
from array import array
from collections.abc import Sequence
from itertools import accumulate, groupby, islice
from pathlib import Path
from typing import Final

from fetcher.store.disk import disk_errors

_BLOCK_LINES: Final = 64


class LogSpool:
    """Implements leases.crawl_feed.LineTexts. Raises NoSpaceError."""

    def __init__(self) -> None:
        self._texts = _File()
        self._blocks = array("Q")  # where every 64th line begins, from line 1
        self._lines = 0

    def put(self, first: int, texts: Sequence[bytes]) -> None:
        """Keep the next lines; `first` must be the number of the next one."""
        assert first == self._lines + 1
        ends = accumulate([len(text) + 1 for text in texts], initial=self._texts.end)
        begins = -self._lines % _BLOCK_LINES  # the first of these that begins a block
        self._blocks.extend(islice(ends, begins, len(texts), _BLOCK_LINES))
        self._texts.append(b"".join([text + b"\n" for text in texts]))
        self._lines += len(texts)

    def get(self, lines: Sequence[int]) -> list[bytes]:
        """The texts of these lines, which are ascending."""
        found: list[bytes] = []
        for block, some in groupby(lines, lambda line: (line - 1) // _BLOCK_LINES):
            texts, begin = self._block(block), block * _BLOCK_LINES + 1
            found += [texts[line - begin] for line in some]
        return found

    def _block(self, block: int) -> list[bytes]:
        is_last = block + 1 == len(self._blocks)
        end = self._texts.end if is_last else self._blocks[block + 1]
        start = self._blocks[block]
        return self._texts.read(start, end - start).split(b"\n")


class BlockSpool:
    """Implements frontier.line_queue.Spill. Raises NoSpaceError."""

    def __init__(self) -> None:
        self._blocks = _File()
        self._sizes: dict[int, int] = {}  # by place

    def put(self, block: bytes) -> int:
        """Keep a block of bytes; return its place."""
        place = self._blocks.end
        self._blocks.append(block)
        self._sizes[place] = len(block)
        return place

    def get(self, place: int) -> bytes:
        """Return a block and forget it."""
        return self._blocks.read(place, self._sizes.pop(place))


class _File:
    """A temporary file that is appended to and read anywhere."""

    def __init__(self) -> None:
        self._directory = Path(tempfile.gettempdir())
        with disk_errors(self._directory):
            self._file = tempfile.TemporaryFile(dir=self._directory)  # noqa: SIM115
        self.end = 0

    def __del__(self) -> None:
        self._file.close()

    def append(self, data: bytes) -> None:
        rest = memoryview(data)
        while rest:
            with disk_errors(self._directory):
                count = os.pwrite(self._file.fileno(), rest, self.end)
            self.end, rest = self.end + count, rest[count:]

    def read(self, at: int, size: int) -> bytes:
        with disk_errors(self._directory):
            return os.pread(self._file.fileno(), size, at)
