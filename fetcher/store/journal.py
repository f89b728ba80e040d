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
from typing import Annotated, Any, Final, TypeVar

import msgspec

from fetcher import bitset
from fetcher.commit.committer import BatchState, Delta, Recovered
from fetcher.commit.rate import Work, WorkClock
from fetcher.errors import DamageError, NoSpaceError
from fetcher.input.source_info import SourceInfo
from fetcher.protocol.messages import Suspect
from fetcher.protocol.totals import Totals
from fetcher.store.disk import FileId, has_room, require_file
from fetcher.store.lock import is_locked
from fetcher.store.manifest import Manifest
from fetcher.store.segments import SegmentState

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;
-- committed is NULL if it equals "full", as in nearly all batches
CREATE TABLE IF NOT EXISTS batches (id INTEGER PRIMARY KEY, full BLOB NOT NULL, committed BLOB);
CREATE TABLE IF NOT EXISTS segments (
    name TEXT PRIMARY KEY, bytes INTEGER NOT NULL, rows INTEGER, digest BLOB
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS marks (at_s INTEGER PRIMARY KEY, total INTEGER NOT NULL);
"""
# Columns that the journals of older versions lack.
_ADDED: Final = {"rows": "INTEGER", "digest": "BLOB"}
MARK_EVERY_S: Final = 5
_MARKS_KEPT: Final = 720
_TRIES: Final = 5
_TRY_AGAIN_S: Final = 0.01
_MOST_BATCHES: Final = 1 << 36  # 10^13 lines in the smallest sensible batches
# Errors of a file that sqlite can read, but whose content is wrong.
_BAD_CONTENT: Final = (msgspec.MsgspecError, ValueError, TypeError, OverflowError)

_FileState = tuple[int, int]  # mtime in ns, bytes
_Found = TypeVar("_Found")


@contextmanager
def _sqlite_errors(path: Path) -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        name = getattr(error, "sqlite_errorname", "")
        # For its side files, sqlite does not say why they cannot be written or opened.
        if name == "SQLITE_FULL" or (
            name.startswith(("SQLITE_IOERR", "SQLITE_CANTOPEN")) and not has_room(path.parent)
        ):
            raise NoSpaceError(f"{path}: no space left on device ({error})") from error
        raise DamageError(f"{path}: {error}") from error
    except _BAD_CONTENT as error:
        raise DamageError(f"{path}: is damaged ({error}); restore a backup of OUT") from error


class Journal:
    """The sink's connection, which is the only writer. Raises DamageError, NoSpaceError."""

    def __init__(self, path: Path) -> None:
        self._path = path
        with _sqlite_errors(path):
            self._db = sqlite3.connect(path, isolation_level=None)
            self._db.execute("PRAGMA journal_mode=WAL")
            self._db.execute("PRAGMA synchronous=FULL")
            self._db.executescript(_SCHEMA)
            with self._transaction():
                for name in _ADDED.keys() - _columns(self._db, "segments"):
                    self._db.execute(f"ALTER TABLE segments ADD COLUMN {name} {_ADDED[name]}")
                self._put("starts", (_meta(self._db, "starts", int) or 0) + 1)
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
        with _sqlite_errors(self._path):
            known, rows = _meta(self._db, "work", Work), _totals(self._db).rows
        self._work_clock.resume(known, rows, now_s)

    def record(self, delta: Delta, segments: Iterable[SegmentState], now_s: float) -> None:
        """Commit batches, totals and segments in one transaction; `now_s` is Unix time."""
        require_file(self._path, self._file)
        with _sqlite_errors(self._path), self._transaction():
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
        with _sqlite_errors(self._path), self._transaction():
            if source is not None:
                self._put("source", source)
            if suspects is not None:
                self._put("suspects", suspects)

    def begin(self, manifest: Manifest) -> None:
        """Store which job this is; see store.agreement."""
        with _sqlite_errors(self._path), self._transaction():
            self._put("manifest", manifest)

    def adopt(self, manifest: Manifest, share_url_lines: int | None) -> None:
        """Store values that an older version kept in the manifest only."""
        with _sqlite_errors(self._path), self._transaction():
            self._put("manifest", manifest)
            if share_url_lines is not None:
                self._put("share_url_lines", share_url_lines)

    def facts(self) -> Facts:
        """Facts about the job as a whole."""
        with _sqlite_errors(self._path):
            return _facts(self._db)

    def share_counted(self, url_lines: int) -> None:
        """Store how many URL lines this sink must have in the end."""
        with _sqlite_errors(self._path), self._transaction():
            self._put("share_url_lines", url_lines)

    def key(self, make: Callable[[], bytes]) -> bytes:
        """The job's secret, made at the first call; see protocol.line_tags."""
        with _sqlite_errors(self._path), self._transaction():
            found = _meta(self._db, "key", bytes)
            if not found:
                found = make()
                self._put("key", found)
            return found

    def recover(self) -> Recovered:
        """Everything committed so far."""
        with _sqlite_errors(self._path):
            return _recover(self._db)

    def segments(self) -> dict[str, SegmentState]:
        """The committed state of each segment, by name."""
        with _sqlite_errors(self._path):
            return _states(self._db)

    def lengths(self) -> dict[str, int]:
        """Committed bytes of each segment, by name."""
        return _lengths(self.segments())

    def require_kept(self) -> None:
        """Raises DamageError unless the file at the path holds what this connection committed."""
        require_file(self._path, self._file)
        committed = _totals(self._db), self.segments()
        if _read(self._path, lambda db: (_totals(db), _states(db))) != committed:
            raise DamageError(f"{self._path}: does not hold what was committed to it")

    def source(self) -> SourceInfo:
        """What the ventilators have reported about the input."""
        with _sqlite_errors(self._path):
            return _source(self._db)

    def suspects(self) -> list[Suspect]:
        """Lines during which workers died, as the ventilators have reported."""
        with _sqlite_errors(self._path):
            return _meta(self._db, "suspects", list[Suspect]) or []

    def close(self) -> None:
        with _sqlite_errors(self._path):
            self._db.close()


class Facts(msgspec.Struct, frozen=True):
    """What the journal holds about the job as a whole; see store.agreement."""

    totals: Totals
    source: SourceInfo
    share_url_lines: int | None  # None: not known yet, or written by an older version
    manifest: Manifest | None  # as the job was begun; None: written by an older version


class JournalView(msgspec.Struct, frozen=True):
    """The content of the journal at one moment, of a running or finished job."""

    recovered: Recovered
    states: dict[str, SegmentState]
    source: SourceInfo
    marks: list[tuple[int, int]]  # (Unix time, committed rows), ascending
    updated_at_s: float | None
    work: Work | None  # None: written by an older version
    facts: Facts

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
        recovered=_recover(db),
        states=_states(db),
        source=_source(db),
        marks=msgspec.convert(marks, list[tuple[int, int]]),
        updated_at_s=_meta(db, "updated_at_s", float),
        work=_meta(db, "work", Work),
        facts=_facts(db),
    )


def _facts(db: sqlite3.Connection) -> Facts:
    share, manifest = _meta(db, "share_url_lines", int), _meta(db, "manifest", Manifest)
    return Facts(_totals(db), _source(db), share, manifest)


def committed(path: Path) -> dict[str, int]:
    """Committed bytes of each segment, by name; costs the same at any job size."""
    return _read(path, _segments)


class JournalSummary(msgspec.Struct, frozen=True):
    """The content of the journal without the batches."""

    totals: Totals
    segments: dict[str, int]
    source: SourceInfo
    marks: list[tuple[int, int]]  # the newest, as in JournalView
    updated_at_s: float | None
    work: Work | None  # as in JournalView


def summary(path: Path, marks: int) -> JournalSummary:
    """Read the journal without its batches, with the newest `marks` marks. Raises DamageError.

    Costs the same at any job size.
    """

    def read(db: sqlite3.Connection) -> JournalSummary:
        found = db.execute("SELECT at_s, total FROM marks ORDER BY at_s DESC LIMIT ?", (marks,))
        return JournalSummary(
            totals=_totals(db),
            segments=_segments(db),
            source=_source(db),
            marks=msgspec.convert(found.fetchall(), list[tuple[int, int]])[::-1],
            updated_at_s=_meta(db, "updated_at_s", float),
            work=_meta(db, "work", Work),
        )

    return _read(path, read)


def _read(path: Path, read: Callable[[sqlite3.Connection], _Found]) -> _Found:
    """Call `read` in one transaction; again if a writer came or left in the meantime."""
    with _sqlite_errors(path):
        for _ in range(_TRIES - 1):
            state = _state_without_writer(path)
            try:
                found = _read_once(path, state, read)
            except sqlite3.OperationalError:  # a writer is making or removing side files
                time.sleep(_TRY_AGAIN_S)
            except (sqlite3.Error, *_BAD_CONTENT):
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


def _segments(db: sqlite3.Connection) -> dict[str, int]:
    rows = db.execute("SELECT name, bytes FROM segments").fetchall()
    return msgspec.convert(dict(rows), dict[str, Annotated[int, msgspec.Meta(ge=0)]])


def _columns(db: sqlite3.Connection, of: str) -> set[str]:
    return {str(row[1]) for row in db.execute(f"PRAGMA table_info({of})")}


def _states(db: sqlite3.Connection) -> dict[str, SegmentState]:
    has_all = _ADDED.keys() <= _columns(db, "segments")
    added = ", ".join(_ADDED) if has_all else "NULL, NULL"
    found = db.execute(f"SELECT name, bytes, {added} FROM segments").fetchall()
    states = msgspec.convert(found, list[SegmentState])
    for name, length, rows, _ in states:
        if length < 0 or (rows or 0) < 0:
            raise ValueError(f"{name}: {length} bytes, {rows} rows")
    return {state.name: state for state in states}


def _meta(db: sqlite3.Connection, key: str, kind: type[_Found]) -> _Found | None:
    row = db.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
    return msgspec.msgpack.decode(row[0], type=kind) if row and row[0] else None


def _totals(db: sqlite3.Connection) -> Totals:
    return _meta(db, "totals", Totals) or Totals()


def _source(db: sqlite3.Connection) -> SourceInfo:
    return _meta(db, "source", SourceInfo) or SourceInfo()


def _recover(db: sqlite3.Connection) -> Recovered:
    """Everything committed. Raises ValueError if the journal contradicts itself."""
    done = bitset.IdSet()
    partial = {}
    lines = 0
    for batch, full, committed in db.execute("SELECT id, full, committed FROM batches"):
        if not 0 <= batch < _MOST_BATCHES:
            raise ValueError(f"batch {batch}")
        mask = bitset.unpack(full)
        if committed is None:
            done.add(batch)
            lines += mask.bit_count()
            continue
        state = partial[batch] = BatchState(bitset.unpack(committed), mask)
        if not state.committed or state.committed & ~mask or state.committed == mask:
            raise ValueError(f"committed lines of batch {batch}")
        lines += state.committed.bit_count()
    totals = _totals(db)
    # With wrong sums, the job would never end, or end too early.
    if not lines == totals.rows == sum(totals.outcomes.values()):
        raise ValueError(f"{lines} lines, {totals.rows} rows")
    results = [state.rows for name, state in _states(db).items() if "/" not in name]
    if None not in results and sum(filter(None, results)) != totals.rows:
        raise ValueError(f"{totals.rows} rows, and its segments have another number")
    return Recovered(done, partial, totals)
