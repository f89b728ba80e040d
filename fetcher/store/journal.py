"""journal.sqlite: what is committed.

It uses WAL with synchronous=FULL, so that a transaction is durable when it returns. On start the
sink writes one transaction before it trusts what it reads: a commit that a killed process wrote but
did not sync is readable from the page cache, and would be lost in a power failure. The sync of the
new transaction makes everything before it durable, too.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any, Final, TypeVar

import msgspec

from fetcher import bitset
from fetcher.commit.committer import Delta, Recovered
from fetcher.commit.crawl_record import CrawlRecord
from fetcher.commit.rate import Work, WorkClock
from fetcher.errors import DamageError
from fetcher.input.source_info import SourceInfo
from fetcher.protocol.messages import Suspect
from fetcher.protocol.totals import Totals
from fetcher.store.disk import FileId, require_file
from fetcher.store.journal_tables import (
    ADDED_COLUMNS,
    BAD_CONTENT,
    SCHEMA,
    Facts,
    columns_of,
    facts_of,
    meta,
    recovered,
    segment_lengths,
    segment_states,
    source_of,
    sqlite_errors,
    totals_of,
)
from fetcher.store.lock import is_locked
from fetcher.store.manifest import Manifest
from fetcher.store.segments import SegmentState

MARK_EVERY_S: Final = 5
_MARKS_KEPT: Final = 720
_TRIES: Final = 5
_TRY_AGAIN_S: Final = 0.01

_FileState = tuple[int, int]  # mtime in ns, bytes
_Found = TypeVar("_Found")


class Journal:
    """The sink's connection, which is the only writer. Raises DamageError, NoSpaceError."""

    def __init__(self, path: Path) -> None:
        self._path = path
        with sqlite_errors(path):
            self._db = sqlite3.connect(path, isolation_level=None)
            self._db.execute("PRAGMA journal_mode=WAL")
            self._db.execute("PRAGMA synchronous=FULL")
            # A table each in a transaction of its own would be a sync each.
            self._db.executescript(f"BEGIN IMMEDIATE; {SCHEMA} COMMIT;")
            with self._transaction():
                for name in ADDED_COLUMNS.keys() - columns_of(self._db, "segments"):
                    self._db.execute(
                        f"ALTER TABLE segments ADD COLUMN {name} {ADDED_COLUMNS[name]}"
                    )
                self._put("starts", (meta(self._db, "starts", int) or 0) + 1)
        self._file = FileId.of(path)
        self._last_mark_s = 0
        self._work_clock = WorkClock()

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._db.execute("COMMIT")
        except BaseException:
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
            raise

    def _put(self, key: str, value: Any) -> None:
        packed = msgspec.msgpack.encode(value)
        self._db.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (key, packed))

    def resume_work(self, now_s: float) -> None:
        """Count the time from now on as time at work; called when a ventilator opens the job."""
        with sqlite_errors(self._path):
            known, rows = meta(self._db, "work", Work), totals_of(self._db).rows
        self._work_clock.resume(known, rows, now_s)

    def record(self, delta: Delta, segments: Iterable[SegmentState], now_s: float) -> None:
        """Commit batches, totals and segments in one transaction; `now_s` is Unix time."""
        require_file(self._path, self._file)
        with sqlite_errors(self._path), self._transaction():
            self._db.executemany(
                "INSERT OR REPLACE INTO batches VALUES (?, ?, ?)",
                [
                    (
                        batch,
                        bitset.pack(state.full),
                        None if state.committed == state.full else bitset.pack(state.committed),
                    )
                    for batch, state in delta.batches.items()
                ],
            )
            self._db.executemany(
                "INSERT OR REPLACE INTO segments (name, bytes, rows, digest) VALUES (?, ?, ?, ?)",
                segments,
            )
            self._put("totals", delta.totals)
            if delta.crawl is not None:
                self._put("crawl", delta.crawl)
            self._put("updated_at_s", now_s)
            work = self._work_clock.committed(delta.totals.rows, now_s)
            if work is not None:
                self._put("work", work)
            if now_s - self._last_mark_s >= MARK_EVERY_S:
                self._mark(int(now_s), delta.totals.rows)

    def _mark(self, at_s: int, rows: int) -> None:
        self._last_mark_s = at_s
        self._db.execute("INSERT OR REPLACE INTO marks VALUES (?, ?)", (at_s, rows))
        self._db.execute(
            "DELETE FROM marks WHERE at_s <= (SELECT at_s FROM marks "
            f"ORDER BY at_s DESC LIMIT 1 OFFSET {_MARKS_KEPT})"
        )

    def note(
        self, *, source: SourceInfo | None = None, suspects: list[Suspect] | None = None
    ) -> None:
        """Store what the ventilator reported, for the next ventilator."""
        with sqlite_errors(self._path), self._transaction():
            if source is not None:
                self._put("source", source)
            if suspects is not None:
                self._put("suspects", suspects)

    def begin(self, manifest: Manifest) -> None:
        """Store which job this is; see store.agreement."""
        with sqlite_errors(self._path), self._transaction():
            self._put("manifest", manifest)

    def adopt(self, manifest: Manifest, share_url_lines: int | None) -> None:
        """Store values that an older version kept in the manifest only."""
        with sqlite_errors(self._path), self._transaction():
            self._put("manifest", manifest)
            if share_url_lines is not None:
                self._put("share_url_lines", share_url_lines)

    def facts(self) -> Facts:
        """Facts about the job as a whole."""
        with sqlite_errors(self._path):
            return facts_of(self._db)

    def share_counted(self, url_lines: int) -> None:
        """Store how many URL lines this sink must have in the end."""
        with sqlite_errors(self._path), self._transaction():
            self._put("share_url_lines", url_lines)

    def key(self, make: Callable[[], bytes]) -> bytes:
        """The job's secret, made at the first call; see protocol.line_tags."""
        with sqlite_errors(self._path), self._transaction():
            found = meta(self._db, "key", bytes)
            if not found:
                found = make()
                self._put("key", found)
            return found

    def crawl(self, make_seed: Callable[[], int]) -> CrawlRecord:
        """The state of the crawl; `make_seed`: makes the seed of its keys at the first call."""
        with sqlite_errors(self._path), self._transaction():
            found = meta(self._db, "crawl", CrawlRecord)
            if found is None:
                found = CrawlRecord(make_seed())
                self._put("crawl", found)
            return found

    def recover(self) -> Recovered:
        """Everything committed so far."""
        with sqlite_errors(self._path):
            return recovered(self._db)

    def segments(self) -> dict[str, SegmentState]:
        """The committed state of each segment, by name."""
        with sqlite_errors(self._path):
            return segment_states(self._db)

    def lengths(self) -> dict[str, int]:
        """Committed bytes of each segment, by name."""
        return _lengths(self.segments())

    def require_kept(self) -> None:
        """Raises DamageError unless the file at the path holds what this connection committed."""
        require_file(self._path, self._file)
        committed = totals_of(self._db), self.segments()
        if _read(self._path, lambda db: (totals_of(db), segment_states(db))) != committed:
            raise DamageError(f"{self._path}: does not hold what was committed to it")

    def source(self) -> SourceInfo:
        """What the ventilators have reported about the input."""
        with sqlite_errors(self._path):
            return source_of(self._db)

    def suspects(self) -> list[Suspect]:
        """Lines during which workers died, as the ventilators have reported."""
        with sqlite_errors(self._path):
            return meta(self._db, "suspects", list[Suspect]) or []

    def close(self) -> None:
        with sqlite_errors(self._path):
            self._db.close()


class JournalView(msgspec.Struct, frozen=True):
    """The content of the journal at one moment, of a running or finished job."""

    recovered: Recovered
    states: dict[str, SegmentState]
    source: SourceInfo
    marks: list[tuple[int, int]]  # (Unix time, committed rows), ascending
    updated_at_s: float | None
    work: Work | None  # None: written by an older version
    facts: Facts
    crawl: CrawlRecord | None = None  # None: the job is a list

    @property
    def segments(self) -> dict[str, int]:
        """Committed bytes of each segment, by name."""
        return _lengths(self.states)


def _lengths(states: Mapping[str, SegmentState]) -> dict[str, int]:
    return {name: state.length for name, state in states.items()}


def view(path: Path) -> JournalView:
    """Read the whole journal consistently, without disturbing its writer. Raises DamageError."""
    return _read(path, _view)


def _view(db: sqlite3.Connection) -> JournalView:
    marks = db.execute("SELECT at_s, total FROM marks ORDER BY at_s").fetchall()
    return JournalView(
        recovered=recovered(db),
        states=segment_states(db),
        source=source_of(db),
        marks=msgspec.convert(marks, list[tuple[int, int]]),
        updated_at_s=meta(db, "updated_at_s", float),
        work=meta(db, "work", Work),
        facts=facts_of(db),
        crawl=meta(db, "crawl", CrawlRecord),
    )


def committed(path: Path) -> dict[str, int]:
    """Committed bytes of each segment, by name; costs the same at any job size."""
    return _read(path, segment_lengths)


class JournalSummary(msgspec.Struct, frozen=True):
    """The content of the journal without the batches."""

    totals: Totals
    segments: dict[str, int]
    source: SourceInfo
    marks: list[tuple[int, int]]  # the newest, as in JournalView
    updated_at_s: float | None
    work: Work | None  # as in JournalView
    crawl: CrawlRecord | None = None  # as in JournalView


def summary(path: Path, marks: int) -> JournalSummary:
    """Read the journal without its batches, with the newest `marks` marks. Raises DamageError.

    Costs the same at any job size.
    """

    def read(db: sqlite3.Connection) -> JournalSummary:
        found = db.execute("SELECT at_s, total FROM marks ORDER BY at_s DESC LIMIT ?", (marks,))
        return JournalSummary(
            totals=totals_of(db),
            segments=segment_lengths(db),
            source=source_of(db),
            marks=msgspec.convert(found.fetchall(), list[tuple[int, int]])[::-1],
            updated_at_s=meta(db, "updated_at_s", float),
            work=meta(db, "work", Work),
            crawl=meta(db, "crawl", CrawlRecord),
        )

    return _read(path, read)


def _read(path: Path, read: Callable[[sqlite3.Connection], _Found]) -> _Found:
    """Call `read` in one transaction; again if a writer came or left in the meantime."""
    with sqlite_errors(path):
        for _ in range(_TRIES - 1):
            state = _state_without_writer(path)
            try:
                found = _read_once(path, state, read)
            except sqlite3.OperationalError:  # a writer is making or removing side files
                time.sleep(_TRY_AGAIN_S)
            except (sqlite3.Error, *BAD_CONTENT):
                if state == _state_without_writer(path):
                    raise
            else:
                if state is None or state == _state_without_writer(path):
                    return found
        return _read_once(path, _state_without_writer(path), read)


def _read_once(
    path: Path, state: _FileState | None, read: Callable[[sqlite3.Connection], _Found]
) -> _Found:
    mode = "mode=ro" if state is None else "immutable=1"
    uri = f"{path.absolute().as_uri()}?{mode}"
    with closing(sqlite3.connect(uri, uri=True, isolation_level=None)) as db:
        db.execute("BEGIN")
        return read(db)


def _state_without_writer(path: Path) -> _FileState | None:
    """The state of the file; None if somebody may be writing to it.

    Without a writer it is opened as immutable, which also works on a read-only file system.
    """
    with suppress(FileNotFoundError):
        if path.with_name(f"{path.name}-wal").stat().st_size:
            return None
    if is_locked(path.parent):
        return None
    with suppress(FileNotFoundError):
        stat = path.stat()
        return stat.st_mtime_ns, stat.st_size
    return None
