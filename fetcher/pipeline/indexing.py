"""The index for replay of an archive, made by a sink between its other work: polls are answered."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from fetcher.store.journal import Journal

_SLICE_S: Final = 0.05


class Indexing:
    """Of a job whose rows are all committed."""

    def __init__(self, out: Path, journal: Journal) -> None:
        self._out = out
        self._journal = journal
        self._steps: Iterator[None] | None = None
        self.is_begun = False

    def work(self) -> bool:
        """Go on for a moment; True once the index is there. Raises NoSpaceError, DamageError."""
        if self._steps is None:
            # warcio is for such jobs only.
            from fetcher.store import cdxj  # noqa: PLC0415

            self._steps = cdxj.build(self._out, self._journal.segments())
            self.is_begun = True
        until = time.monotonic() + _SLICE_S
        try:
            for _ in self._steps:
                if time.monotonic() >= until:
                    return False
        except BaseException:
            self._steps, self.is_begun = None, False  # the next time from the start
            raise
        return True
