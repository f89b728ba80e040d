"""Gives each file of an export a unique name, with flat memory.

Names are also unique on a case-insensitive system. They are kept in a temporary table on disk.
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
    """Finds free names by adding numbers to those that are taken."""

    def __init__(self) -> None:
        self._table = scratch_table(
            "names (name BLOB PRIMARY KEY, next INTEGER) WITHOUT ROWID", _WHAT
        )

    def free(self, written: Callable[[int], str], endings: Sequence[str] = ("",)) -> str:
        """Take and return the first free name of written(1), written(2), …

        `endings`: suffixes of the files that get this name; all of them must be free.
        """
        with sqlite_errors(_WHAT):
            first = name = written(1)
            # Continue after the last number: a million equal names must not take 10^12 steps.
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
