"""The files of a crawl below OUT, which only its sink writes.

    frontier/part-00000.jsonl   the log: line n of it is line n of the job (input.log_lines)
    frontier/part-00000.keys    of each line its key and its host's number (frontier.admitted)
    frontier/level-00000.found  see store.level_file
    links/part-00000.msgpack    the links of each row that found some; see store.crawl_links

Their committed lengths are in the journal, in the transaction of the rows that found the links.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Final, NamedTuple

from fetcher.commit.crawl_record import Appended, CrawlRecord, Level
from fetcher.errors import DamageError
from fetcher.frontier.admitted import RECORD_BYTES, RowLinks
from fetcher.input import log_lines
from fetcher.store.level_file import LevelFile
from fetcher.store.log_reader import LogReader, Part
from fetcher.store.log_source import FRONTIER_NAME, LINKS_NAME, LOG_SUFFIX
from fetcher.store.reader import Committed
from fetcher.store.segments import Segments, SegmentState, oldest_first

KEYS_SUFFIX: Final = ".keys"
_EDGES_SUFFIX: Final = ".msgpack"
_BLOCK_RECORDS: Final = 1 << 18

States = Mapping[str, SegmentState]


def log_parts(out: Path, states: States) -> list[Part]:
    """The files of the log in OUT, oldest first, with their committed lengths."""
    log = _states_of(states, FRONTIER_NAME, LOG_SUFFIX)
    return [Part(out / FRONTIER_NAME / name, log[name].length) for name in oldest_first(log)]


def _states_of(states: States, directory: str, suffix: str) -> dict[str, SegmentState]:
    names = (name for name in states if name.startswith(f"{directory}/"))
    return {
        Path(name).name: states[name]._replace(name=Path(name).name)
        for name in names
        if name.endswith(suffix)
    }


class _Part(NamedTuple):
    """What a commit appends to one kind of file."""

    directory: str
    file: Segments
    blocks: list[bytes]
    records: int  # in the blocks

    def state(self) -> SegmentState:
        """The state of the file after it was appended to."""
        state = self.file.state(self.records)
        return state._replace(name=f"{self.directory}/{state.name}")


class CrawlFiles:
    """Implements commit.growth.CrawlFiles. Raises DamageError, NoSpaceError."""

    def __init__(self, out: Path, segment_bytes: int, states: States, record: CrawlRecord) -> None:
        frontier, links = out / FRONTIER_NAME, out / LINKS_NAME
        kinds = (
            (FRONTIER_NAME, LOG_SUFFIX),
            (FRONTIER_NAME, KEYS_SUFFIX),
            (LINKS_NAME, _EDGES_SUFFIX),
        )
        log, keys, edges = (_states_of(states, name, suffix) for name, suffix in kinds)
        self._require_lines(frontier, record, keys)
        self._keys_before = [(frontier / name, keys[name]) for name in oldest_first(keys)]
        self._log = Segments(frontier, LOG_SUFFIX, segment_bytes, log)
        self._keys = Segments(frontier, KEYS_SUFFIX, segment_bytes, keys)
        self._edges = Segments(links, _EDGES_SUFFIX, segment_bytes, edges)
        self._level = LevelFile(frontier, record.level)
        self._grown: list[tuple[SegmentState, _Part]] = []  # by `append`
        self._out = out
        self._states = dict(states)
        self._record = record
        self._reader = LogReader()

    def _require_lines(self, frontier: Path, record: CrawlRecord, keys: States) -> None:
        length = sum(state.length for state in keys.values())
        if length != record.lines * RECORD_BYTES:
            raise DamageError(
                f"{frontier}: the journal has {record.lines} lines of the log, and {length} bytes "
                "of keys; restore a backup of OUT"
            )

    # -- at start ----------------------------------------------------------------------------

    def key_records(self) -> Iterator[tuple[bytes, int]]:
        """The committed records of the keys, in blocks; of each, how many are of seeds."""
        seeds = self._record.seed_lines
        for path, state in self._keys_before:
            with Committed(path, state.length) as file:
                while block := file.read(_BLOCK_RECORDS * RECORD_BYTES):
                    of_seeds = min(seeds, len(block) // RECORD_BYTES)
                    seeds -= of_seeds
                    yield block, of_seeds
                if not file.is_as(state.digest):
                    raise DamageError(
                        f"{path}: its bytes are not those that were committed; restore a backup"
                    )

    def seed_urls(self) -> Iterator[str]:
        """The URLs of the seeds in the log."""
        return map(log_lines.url_of, self.log_texts(1, self._record.seed_lines + 1))

    # -- commits -----------------------------------------------------------------------------

    def append(self, what: Appended, level: Level) -> None:
        self._grown = []
        grown = [each for each in self._parts_of(what) if each.blocks]
        for part in grown:
            part.file.append([b"".join(part.blocks)])  # a row's links are a block of a few bytes
        for part in grown:
            part.file.sync()
        self._level.append(what.found, level)
        self._grown = [(part.state(), part) for part in grown]

    def _parts_of(self, what: Appended) -> tuple[_Part, ...]:
        return (
            _Part(FRONTIER_NAME, self._log, what.log, what.lines),
            _Part(FRONTIER_NAME, self._keys, what.keys, what.lines),
            _Part(LINKS_NAME, self._edges, what.edges, len(what.edges)),
        )

    def states(self) -> list[SegmentState]:
        """The states of the files after `append`, for the journal."""
        return [state for state, _ in self._grown]

    def committed(self, record: CrawlRecord) -> None:
        """The journal has recorded `states`, and the record of the crawl."""
        self._level.begin(record.level)
        for state, part in self._grown:
            self._states[state.name] = state
            part.file.committed(part.records)
        self._grown = []

    # -- reading -----------------------------------------------------------------------------

    def log_texts(self, first: int, end: int) -> Iterable[bytes]:
        return self._reader.texts(log_parts(self._out, self._states), first, end)

    def found_after(self, level: Level) -> Iterator[RowLinks]:
        return self._level.after(level)

    def require_all(self) -> None:
        """Raises DamageError if a file was removed, replaced, or lacks committed bytes."""
        for file in (self._log, self._keys, self._edges):
            file.require_all()

    def close(self) -> None:
        for file in (self._log, self._keys, self._edges, self._level):
            file.close()
