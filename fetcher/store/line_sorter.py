"""Sorts lines by their bytes, with flat memory: in sorted runs in unnamed temporary files.

The files disappear however the process ends. Raises NoSpaceError, DamageError.
"""

from __future__ import annotations

import heapq
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Final, Self

from fetcher.store.disk import disk_errors

_RUN_BYTES: Final = 16 * 1024 * 1024
_MOST_RUNS: Final = 200  # files that are open at once; then they are merged into one


class LineSorter:
    """Takes lines with their line feeds, and returns them sorted."""

    def __init__(self, directory: Path, run_bytes: int = _RUN_BYTES) -> None:
        """`directory`: for the runs, which take as much space as the lines."""
        self._directory = directory
        self._run_bytes = run_bytes
        self._lines: list[bytes] = []
        self._bytes = 0
        self._runs: list[IO[bytes]] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for run in self._runs:
            run.close()

    def add(self, line: bytes) -> None:
        self._lines.append(line)
        self._bytes += len(line)
        if self._bytes >= self._run_bytes:
            self._runs.append(self._written(iter(sorted(self._lines))))
            self._lines, self._bytes = [], 0
            if len(self._runs) >= _MOST_RUNS:
                merged = self._written(self._merged())
                for run in self._runs:
                    run.close()
                self._runs = [merged]

    def _written(self, lines: Iterator[bytes]) -> IO[bytes]:
        with disk_errors(self._directory):
            run = tempfile.TemporaryFile(dir=self._directory)  # noqa: SIM115
            try:
                run.writelines(lines)
                run.seek(0)
            except BaseException:
                run.close()
                raise
        return run

    def _merged(self) -> Iterator[bytes]:
        for run in self._runs:
            run.seek(0)
        return heapq.merge(*self._runs)

    def lines(self) -> Iterator[bytes]:
        """All lines, in ascending order; no more may be added."""
        self._lines.sort()
        with disk_errors(self._directory):
            yield from heapq.merge(self._merged(), self._lines)
