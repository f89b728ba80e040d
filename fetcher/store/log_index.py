"""Any line of a crawl's log by its number, in any order and with flat memory."""

from __future__ import annotations

import contextlib
import os
from functools import lru_cache
from typing import Final, Self

from fetcher.errors import DamageError
from fetcher.input import log_lines
from fetcher.input.log_lines import LogLine
from fetcher.store.disk import disk_errors
from fetcher.store.line_numbers import LineNumbers
from fetcher.store.log_source import LogSource, log_files
from fetcher.store.reader import Part

_MOST_REMEMBERED: Final = 16_384  # lines: pages of one site link to the same few


class LogIndex:
    """The committed lines of a log; reads all of it once, to find where each line is.

    Raises DamageError, NoSpaceError.
    """

    def __init__(self, part: Part) -> None:
        self.lines = 0 if part.view.crawl is None else part.view.crawl.lines
        self._parts = [part.out / name for name in log_files(part)]
        self._ends: list[int] = []  # of each file, counted from the start of the first
        total = 0
        for name in log_files(part):
            total += part.view.states[name].length
            self._ends.append(total)
        with contextlib.ExitStack() as opened:
            self._offsets = opened.enter_context(LineNumbers(self.lines + 1))
            offset = 0
            for line, text in LogSource(part).url_lines():
                if line <= self.lines:
                    self._offsets[line] = offset
                offset += len(text) + 1
            self._offsets[self.lines + 1] = offset
            self._fds = [os.open(path, os.O_RDONLY | os.O_CLOEXEC) for path in self._parts]
            for fd in self._fds:
                opened.callback(os.close, fd)
            self._opened = opened.pop_all()
        self.entry = lru_cache(_MOST_REMEMBERED)(self._entry)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._opened.close()

    def _entry(self, line: int) -> LogLine:
        """A line of the log. Raises DamageError if there is no such line."""
        if not 1 <= line <= self.lines:
            raise DamageError(
                f"a link leads to line {line}, and the log has {self.lines} lines; "
                "`fetcher verify` says more"
            )
        offset, end = self._offsets[line], self._offsets[line + 1] - 1
        number = next(n for n, ends in enumerate(self._ends) if offset < ends)
        path, begin = self._parts[number], self._ends[number - 1] if number else 0
        with disk_errors(path):
            text = os.pread(self._fds[number], end - offset, offset - begin)
        try:
            return log_lines.decode(text)
        except (ValueError, RecursionError) as error:
            raise DamageError(f"{path}: line {line} of the log is damaged: {error}") from error
