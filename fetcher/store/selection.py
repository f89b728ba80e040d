"""selection.bits: the selected lines of a retry.

Bit k - 1 (the lowest bit of a byte first) stands for line k, as in bitset.IdSet. The file is
written as a whole before the job begins, and never changes: the manifest has its digest.
"""

from __future__ import annotations

import hashlib
import mmap
import shlex
from collections.abc import Sequence
from pathlib import Path

from fetcher.bitset import IdSet
from fetcher.errors import DamageError
from fetcher.input.selection import Selection, Wanted
from fetcher.store.disk import write_atomically
from fetcher.store.manifest import SELECTION_NAME
from fetcher.store.reader import Part


def keep(out: Path, indexes: IdSet, parents: Sequence[Part], wanted: Wanted) -> Selection:
    """Write the selected lines to OUT.

    `indexes`: `line - 1` of each line; `parents`: the parts of the first job.
    """
    packed = indexes.pack()
    write_atomically(out / SELECTION_NAME, packed)
    return Selection(
        shlex.join(str(part.out.absolute()) for part in parents),
        parents[0].manifest.job,
        wanted,
        indexes.count(),
        hashlib.sha256(packed).hexdigest(),
    )


class SelectedLines:
    """The lines of a selection, on disk at one bit each; see input.selection.SelectsLines."""

    def __init__(self, out: Path, of: Selection) -> None:
        """Raises DamageError if the file is missing or has changed."""
        path = out / SELECTION_NAME
        try:
            with path.open("rb") as file:
                digest = hashlib.file_digest(file, "sha256").hexdigest()
                if digest != of.sha256:
                    raise DamageError(f"{path}: holds other lines than the job was begun with")
                self._bits: bytes | mmap.mmap = b""
                if of.lines:  # an empty file cannot be mapped
                    self._bits = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        except OSError as error:
            raise DamageError(
                f"{path}: {error.strerror}; it says which lines the job retries: restore it"
            ) from error

    def mask(self, first_line: int, count: int) -> int:
        """Which of `count` physical lines from `first_line` on are selected, as a mask."""
        first = first_line - 1
        around = self._bits[first >> 3 : (first + count + 7) >> 3]
        return int.from_bytes(around, "little") >> (first & 7) & ((1 << count) - 1)
