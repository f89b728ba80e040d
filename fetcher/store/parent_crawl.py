"""The part of OUT/parent that is of a crawl: the line of each URL, and where its links are."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import numpy as np
from msgspec.structs import replace

from fetcher.bitset import IdSet
from fetcher.errors import DamageError
from fetcher.frontier.admitted import RECORD_BYTES
from fetcher.frontier.key_texts import KeyTexts
from fetcher.frontier.keys import digests_of
from fetcher.frontier.links import encoded
from fetcher.store.crawl_files import KEYS_SUFFIX
from fetcher.store.crawl_links import files_of, positions_of
from fetcher.store.disk import disk_errors
from fetcher.store.log_source import FRONTIER_NAME, LogSource, log_files
from fetcher.store.parent_index import ParentIndex
from fetcher.store.pieces import PieceTable
from fetcher.store.reader import Part
from fetcher.store.segments import oldest_first

LOG_NAME: Final = "log.places"
LINKS_NAMES: Final = ("links.places", "more_links.places")  # a line may have two records
_KEYS_NAME: Final = "keys.u64"
_LINES_NAME: Final = "lines.u32"
_HALF_BYTES: Final = 8  # of a key; two keys of one half are told apart by their URLs


def with_crawl(new: Path, part: Part, index: ParentIndex) -> ParentIndex:
    """Write the tables of a crawl; return the index with its files. Raises DamageError."""
    record = part.view.crawl
    if record is None:
        raise DamageError(f"{part.out}: its journal does not know the crawl; restore a backup")
    _write_keys(new, part)
    _write_log(new / LOG_NAME, part, record.lines)
    _write_links(new, part, record.lines)
    return replace(
        index,
        crawl=part.manifest.crawl,
        key_seed=record.key_seed,
        log=[str((part.out / name).resolve()) for name in log_files(part)],
        links=[str((part.out / name).resolve()) for name in files_of(part)],
    )


def _write_keys(new: Path, part: Part) -> None:
    names = (name for name in part.view.states if name.startswith(f"{FRONTIER_NAME}/"))
    parts = []
    for name in oldest_first(name for name in names if name.endswith(KEYS_SUFFIX)):
        path, length = part.out / name, part.view.states[name].length
        with disk_errors(path):
            words = np.fromfile(path, dtype="<u8", count=length // _HALF_BYTES)
        parts.append(words[:: RECORD_BYTES // _HALF_BYTES])
    keys = np.concatenate(parts) if parts else np.zeros(0, dtype="<u8")
    order = np.argsort(keys, kind="stable")
    with disk_errors(new):
        keys[order].tofile(new / _KEYS_NAME)
        (order + 1).astype("<u4").tofile(new / _LINES_NAME)


def _write_log(path: Path, part: Part, lines: int) -> None:
    files = iter([part.view.states[name].length for name in log_files(part)])
    file, begin, length = -1, 0, 0
    with PieceTable(path, lines) as table:
        for line, text in LogSource(part).url_lines():
            if begin == length:
                file, begin, length = file + 1, 0, next(files)
            table.put(line, file, begin, len(text))
            begin += len(text) + 1


def _write_links(new: Path, part: Part, lines: int) -> None:
    seen = IdSet()
    first, second = (PieceTable(new / name, lines) for name in LINKS_NAMES)
    with first, second:
        for number, name in enumerate(files_of(part)):
            for line, begin, size in _links(part, name):
                if not 1 <= line <= lines:
                    raise DamageError(
                        f"{part.out / name}: has links of line {line}, and the log has {lines} "
                        "lines; `fetcher verify` says more"
                    )
                (second if line in seen else first).put(line, number, begin, size)
                seen.add(line)


def _links(part: Part, name: str) -> Iterator[tuple[int, int, int]]:
    """Line, begin and size of each record in a file of links."""
    before = None
    for begin, record in positions_of(part, name):
        if before is not None:
            yield *before, begin - before[1]
        before = record.line, begin
    if before is not None:
        yield *before, part.view.states[name].length - before[1]


class ParentLines:
    """The line of a URL in the earlier crawl."""

    def __init__(self, folder: Path, index: ParentIndex) -> None:
        assert index.crawl is not None
        self.texts = KeyTexts(index.crawl)
        self._seed = index.key_seed
        size = (folder / _LINES_NAME).stat().st_size
        # Nothing can be mapped of an empty file.
        self._keys: Any = np.zeros(0, dtype="<u8")
        if size:
            self._keys = np.memmap(folder / _KEYS_NAME, dtype="<u8", mode="r")
            self._lines = np.memmap(folder / _LINES_NAME, dtype="<u4", mode="r")

    def of(self, url: str) -> Iterator[int]:
        """The lines that may be of this URL's GET; their URLs say which one is."""
        text = self.texts.of(url)
        if text is None:
            return
        half = np.uint64(
            int.from_bytes(digests_of(encoded((text,)), self._seed)[0][:_HALF_BYTES], "little")
        )
        at = int(np.searchsorted(self._keys, half))
        while at < len(self._keys) and self._keys[at] == half:
            yield int(self._lines[at])
            at += 1
