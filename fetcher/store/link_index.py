"""The links of any row of a crawl, in any order and with flat memory."""

from __future__ import annotations

import bisect
import contextlib
import os
from collections.abc import Iterator
from typing import Final, Self

import msgpack

from fetcher.errors import DamageError
from fetcher.store.crawl_links import RowLinks, Target, files_of, positions_of
from fetcher.store.disk import disk_errors
from fetcher.store.line_numbers import LineNumbers
from fetcher.store.reader import Part

_READ_BYTES: Final = 1 << 16
_RECORDS: Final = 2  # of one line: see crawl_links


class LinkIndex:
    """Where the records of each line are; reads all of them once. Raises DamageError, NoSpaceError.

    What is wrong in the files is left to verify.crawl_links; only a missing file is an error.
    """

    def __init__(self, part: Part, lines: int) -> None:
        """`lines`: of the log."""
        self._paths = [part.out / name for name in files_of(part)]
        self._begins: list[int] = []
        with contextlib.ExitStack() as opened:
            self._places = [opened.enter_context(LineNumbers(lines)) for _ in range(_RECORDS)]
            begin = 0
            for name in files_of(part):
                self._begins.append(begin)
                with contextlib.suppress(DamageError):
                    for position, record in positions_of(part, name):
                        if 1 <= record.line <= lines:
                            self._note(record.line, begin + position)
                begin += part.view.states[name].length
            self._fds: list[int] = []
            for path in self._paths:
                with disk_errors(path):
                    self._fds.append(os.open(path, os.O_RDONLY | os.O_CLOEXEC))
                opened.callback(os.close, self._fds[-1])
            self._opened = opened.pop_all()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._opened.close()

    def _note(self, line: int, place: int) -> None:
        free = next((each for each in self._places if not each[line]), None)
        if free is not None:
            free[line] = place + 1  # 0: there is no record

    def of(self, line: int) -> Iterator[tuple[Target, str | None]]:
        """What became of each link of a line, and its kind, as in crawl_links.RowLinks."""
        for places in self._places:
            if place := places[line]:
                record = self._record(place - 1)
                yield from zip(record.to, record.vias(), strict=True)

    def _record(self, place: int) -> RowLinks:
        number = bisect.bisect_right(self._begins, place) - 1
        at, unpacker = place - self._begins[number], msgpack.Unpacker(max_buffer_size=0)
        with disk_errors(self._paths[number]):
            while block := os.pread(self._fds[number], _READ_BYTES, at):
                unpacker.feed(block)
                at += len(block)
                with contextlib.suppress(msgpack.OutOfData):
                    line, targets, *kinds = unpacker.unpack()
                    to = [each if isinstance(each, int) else tuple(each) for each in targets]
                    return RowLinks(line, to, *kinds)
        return RowLinks(0, [])
