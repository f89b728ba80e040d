"""Which names the files of an export have already, with flat memory.

Law: a name is given once, also to a system that does not tell cases apart. The table has no name
on disk, and is gone when the export ends.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from typing import Final

from fetcher.export.safe_names import folded
from fetcher.export.scratch import scratch_table
from fetcher.export.sqlite_file import sqlite_errors

_WHAT: Final = "--files (a temporary table of names, see TMPDIR)"


class TakenNames:
    """Gives each file a name of its own, by numbers behind those that are taken."""

    def __init__(self) -> None:
        self._table = scratch_table(
            "names (name BLOB PRIMARY KEY, next INTEGER) WITHOUT ROWID", _WHAT
        )

    def free(self, written: Callable[[int], str], endings: Sequence[str] = ("",)) -> str:
        """The first of written(1), written(2), … that is free, and is taken by that.

        `endings`: of the files that get this name; all of them must be free.
        """
        with sqlite_errors(_WHAT):
            first = name = written(1)
            # Where to go on: a million equal names shall not take a million steps each.
            number = self._next(first) or 1
            while True:
                if number > 1:
                    name = written(number)
                if not any(self._next(name + ending) for ending in endings):
                    break
                number += 1
            for ending in endings:
                self._put(name + ending, 2)
            if number > 1:
                self._put(first, number + 1)
        return name

    def _next(self, name: str) -> int | None:
        found = self._table.execute("SELECT next FROM names WHERE name = ?", (_key(name),))
        row = found.fetchone()
        return row[0] if row else None

    def _put(self, name: str, number: int) -> None:
        self._table.execute("INSERT OR REPLACE INTO names VALUES (?, ?)", (_key(name), number))

    def close(self) -> None:
        self._table.close()


def _key(name: str) -> bytes:
    return hashlib.blake2b(folded(name).encode(), digest_size=16).digest()
