"""The tables of journal.sqlite, and how to read them within a transaction.

Reading functions raise sqlite3.Error, or one of BAD_CONTENT if a table holds wrong values; callers
run them within `sqlite_errors`.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Final, TypeVar

import msgspec

from fetcher import bitset
from fetcher.commit.committer import BatchState, Recovered
from fetcher.errors import DamageError, NoSpaceError
from fetcher.input.source_info import SourceInfo
from fetcher.known_types import known
from fetcher.protocol.totals import Totals
from fetcher.store.disk import has_room
from fetcher.store.manifest import Manifest
from fetcher.store.segments import SegmentState

SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;
-- committed is NULL if it equals "full", as in nearly all batches
CREATE TABLE IF NOT EXISTS batches (id INTEGER PRIMARY KEY, full BLOB NOT NULL, committed BLOB);
CREATE TABLE IF NOT EXISTS segments (
    name TEXT PRIMARY KEY, bytes INTEGER NOT NULL, rows INTEGER, digest BLOB
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS marks (at_s INTEGER PRIMARY KEY, total INTEGER NOT NULL);
"""
# Columns that the journals of older versions lack.
ADDED_COLUMNS: Final = {"rows": "INTEGER", "digest": "BLOB"}
_MOST_BATCHES: Final = 1 << 36  # 10^13 lines in the smallest sensible batches
# Errors of a file that sqlite can read, but whose content is wrong.
BAD_CONTENT: Final = (msgspec.MsgspecError, ValueError, TypeError, OverflowError)

_Found = TypeVar("_Found")


@contextmanager
def sqlite_errors(path: Path) -> Iterator[None]:
    """Turn errors within the block into DamageError or NoSpaceError that names `path`."""
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
    except BAD_CONTENT as error:
        raise DamageError(f"{path}: is damaged ({error}); restore a backup of OUT") from error


class Facts(msgspec.Struct, frozen=True):
    """What the journal holds about the job as a whole; see store.agreement."""

    totals: Totals
    source: SourceInfo
    share_url_lines: int | None  # None: not known yet, or written by an older version
    manifest: Manifest | None  # as the job was begun; None: written by an older version


def facts_of(db: sqlite3.Connection) -> Facts:
    """Facts about the job as a whole."""
    share, manifest = meta(db, "share_url_lines", int), meta(db, "manifest", Manifest)
    return Facts(totals_of(db), source_of(db), share, manifest)


def segment_lengths(db: sqlite3.Connection) -> dict[str, int]:
    """Committed bytes of each segment, by name."""
    rows = db.execute("SELECT name, bytes FROM segments").fetchall()
    return msgspec.convert(dict(rows), dict[str, Annotated[int, msgspec.Meta(ge=0)]])


def columns_of(db: sqlite3.Connection, of: str) -> set[str]:
    """The names of a table's columns."""
    return {str(row[1]) for row in db.execute(f"PRAGMA table_info({of})")}


def segment_states(db: sqlite3.Connection) -> dict[str, SegmentState]:
    """The committed state of each segment, by name."""
    has_all = ADDED_COLUMNS.keys() <= columns_of(db, "segments")
    added = ", ".join(ADDED_COLUMNS) if has_all else "NULL, NULL"
    found = db.execute(f"SELECT name, bytes, {added} FROM segments").fetchall()
    states = msgspec.convert(found, known(list[SegmentState]))
    for name, length, rows, _ in states:
        if length < 0 or (rows or 0) < 0:
            raise ValueError(f"{name}: {length} bytes, {rows} rows")
    return {state.name: state for state in states}


def meta(db: sqlite3.Connection, key: str, kind: type[_Found]) -> _Found | None:
    """A value of the table `meta`; None if it was not stored yet."""
    row = db.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
    return msgspec.msgpack.decode(row[0], type=known(kind)) if row and row[0] else None


def totals_of(db: sqlite3.Connection) -> Totals:
    """The totals of all committed rows."""
    return meta(db, "totals", Totals) or Totals()


def source_of(db: sqlite3.Connection) -> SourceInfo:
    """What the ventilators have reported about the input."""
    return meta(db, "source", SourceInfo) or SourceInfo()


def recovered(db: sqlite3.Connection) -> Recovered:
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
    totals = totals_of(db)
    # With wrong sums, the job would never end, or end too early.
    if not lines == totals.rows == sum(totals.outcomes.values()):
        raise ValueError(f"{lines} lines, {totals.rows} rows")
    results = [state.rows for name, state in segment_states(db).items() if "/" not in name]
    if None not in results and sum(filter(None, results)) != totals.rows:
        raise ValueError(f"{totals.rows} rows, and its segments have another number")
    return Recovered(done, partial, totals)
