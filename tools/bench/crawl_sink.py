"""What the sink of a crawl does with links: decoded, judged, appended to synced files."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np

from fetcher.commit.crawl_record import CrawlRecord
from fetcher.commit.growth import Growth
from fetcher.frontier.admission import Frontier
from fetcher.frontier.admitted import RECORD_BYTES
from fetcher.frontier.links import Link, Via
from fetcher.frontier.rules import CrawlRules
from fetcher.input import log_lines
from fetcher.input.log_lines import LogLine
from fetcher.model import Chunk
from fetcher.protocol import links as wire
from fetcher.store.crawl_files import CrawlFiles
from tools.bench.figures import Rows, sample

KINDS: Final = ("new", "half", "seen", "refused")  # half: every second link of a page is new
_LINKS: Final = 50  # of a row
_ROWS: Final = 100  # of a chunk
_CHUNKS: Final = 20
_COMMIT_CHUNKS: Final = 10
_SEED: Final = 1
_SEGMENT_BYTES: Final = 1 << 30
_OTHER_PAGES: Final = 10**9
_BLOCK: Final = 1 << 16
_SITE: Final = "http://127.0.0.1:8000"
_ELSEWHERE: Final = "http://example.org"


class _Took(NamedTuple):
    wall_s: float
    cpu_s: float
    writing_s: float  # of the wall: writes and syncs


def measure(folder: Path, keys: int, runs: int) -> tuple[Rows, float]:
    """The figures of each kind of link, and the bytes of memory that each key takes."""
    rules = CrawlRules(max_pages=1_000_000_000, max_pages_per_host=1_000_000_000)
    frontier = Frontier(rules, _SEED)
    frontier.expect(keys)
    for block in _records(keys):
        frontier.recover(block, seeds=0)
    frontier.seeds([Link("http://127.0.0.1:8000/", Via.SEED)])
    record = CrawlRecord(_SEED, has_all_seeds=True)
    files = CrawlFiles(folder / "out", _SEGMENT_BYTES, {}, record)
    growth = Growth(rules, frontier, record, files)
    took: dict[str, list[_Took]] = {kind: [] for kind in KINDS}
    try:
        for number in range(runs):
            for kind in KINDS:
                took[kind].append(_taken(growth, files, _chunks(kind, number)))
    finally:
        files.close()
    count = _LINKS * _ROWS * _CHUNKS
    rows: Rows = {
        kind: {
            "links_per_s": sample(count / each.wall_s for each in times),
            "cpu_us": sample(each.cpu_s / count * 1e6 for each in times),
            "writing_us": sample(each.writing_s / count * 1e6 for each in times),
        }
        for kind, times in took.items()
    }
    return rows, frontier.memory_bytes / max(1, len(frontier))


def _records(count: int) -> Iterator[bytes]:
    """Random records of a keys' file, all of one host."""
    dice = np.random.default_rng(_SEED)
    for first in range(0, count, _BLOCK):
        shape = (min(_BLOCK, count - first), RECORD_BYTES // 8)
        block = dice.integers(0, 1 << 63, size=shape, dtype=np.uint64)
        block[:, 2] = 1
        yield block.tobytes()


def _chunks(kind: str, number: int) -> list[tuple[bytes, list[int]]]:
    """For each chunk its packed links and the bytes of each row's."""
    made = []
    for chunk in range(_CHUNKS):
        pages = []
        for row in range(_ROWS):
            first = ((number * _CHUNKS + chunk) * _ROWS + row) * _LINKS
            urls = (_url(kind, link) for link in range(first, first + _LINKS))
            pages.append(wire.encode(wire.PageLinks(tuple(Link(url, Via.A) for url in urls))))
        made.append((wire.packed(b"".join(pages)), list(map(len, pages))))
    return made


def _url(kind: str, number: int) -> str:
    """The URLs of `seen` are those of `new` with the same numbers, which comes first."""
    if kind == "refused":
        return _page(_ELSEWHERE, number)
    is_other = kind == "half" and number % 2
    return _page(_SITE, number + _OTHER_PAGES if is_other else number)


def _page(site: str, number: int) -> str:
    return f"{site}/docs/s{number % 97}/page-{number}.html"


def _taken(growth: Growth, files: CrawlFiles, chunks: list[tuple[bytes, list[int]]]) -> _Took:
    """Take all chunks, in commits of some."""
    began, cpu, writing_s = time.monotonic(), time.process_time(), 0.0
    for index, (packed, link_bytes) in enumerate(chunks, 1):
        nothing = [0] * _ROWS
        chunk = Chunk(
            *("bench", 0, b"", "worker", list(range(1, _ROWS + 1))),
            *(nothing, nothing, nothing, nothing, b""),
            links=wire.unpacked(packed, sum(link_bytes)),
            link_bytes=link_bytes,
            depths=[1] * _ROWS,
        )
        growth.found(growth.found_in(chunk))
        if index % _COMMIT_CHUNKS == 0:
            before = time.monotonic()
            growth.write()
            writing_s += time.monotonic() - before
            record = growth.record()
            files.committed(record)
            growth.publish(record)
    return _Took(time.monotonic() - began, time.process_time() - cpu, writing_s)


def log_line(number: int) -> bytes:
    """A line of a long log."""
    return (
        log_lines.encode(LogLine(url=_page(_SITE, number), found_on=max(1, number // 50), depth=3))
        + b"\n"
    )
