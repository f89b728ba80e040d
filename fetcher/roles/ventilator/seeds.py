"""Reads the seeds of a crawl in pages, as lines of a log."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Final

from fetcher.input import formats, log_lines
from fetcher.input.source import Source
from fetcher.leases.crawl_feed import SeedPage
from fetcher.protocol.bounds import MAX_PAGE_BYTES

_PAGE_SEEDS: Final = 5_000
_PAGE_BYTES: Final = MAX_PAGE_BYTES // 4  # one seed may be as long again, as JSON


class SeedReader:
    """Pages follow each other; an earlier one is read again from the start of the file."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._read: Iterator[bytes] = iter(())
        self._next = -1  # the number of the seed that `_read` yields next
        self._held: bytes | None = None  # read, and not on a page yet
        self._first, self._page = -1, SeedPage([], at_end=False)  # the last page

    def page(self, first: int) -> SeedPage:
        """The seeds from this number on, from 0. Raises InputError."""
        if first == self._first:
            return self._page
        if first != self._next:
            self._read = islice(self._all(), first, None)
            self._held = next(self._read, None)
        texts: list[bytes] = []
        size = 0
        while self._held is not None and len(texts) < _PAGE_SEEDS and size < _PAGE_BYTES:
            texts.append(self._held)
            size += len(self._held)
            self._held = next(self._read, None)
        self._next = first + len(texts)
        self._first, self._page = first, SeedPage(texts, self._held is None)
        return self._page

    def _all(self) -> Iterator[bytes]:
        task_of = formats.decoder(self._source.format)
        for line, text in self._source.url_lines():
            yield log_lines.seed_of(task_of(line, text))
