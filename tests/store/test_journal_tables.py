"""The tables of the journal: read strictly, and errors become those of fetcher."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from fetcher.commit.committer import BatchState
from fetcher.errors import DamageError, NoSpaceError
from fetcher.input.source_info import SourceInfo
from fetcher.protocol.totals import Totals
from fetcher.store import journal_tables
from fetcher.store.journal_tables import BAD_CONTENT, Facts, sqlite_errors
from fetcher.store.segments import SegmentState

PATH = Path("/out/journal.sqlite")


@pytest.fixture
def db() -> Iterator[sqlite3.Connection]:
    """The tables of a new journal."""
    made = sqlite3.connect(":memory:")
    made.executescript(journal_tables.SCHEMA)
    yield made
    made.close()


def put(db: sqlite3.Connection, key: str, value: Any) -> None:
    db.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (key, msgspec.msgpack.encode(value)))


def totals(db: sqlite3.Connection, rows: int) -> None:
    put(db, "totals", Totals(rows=rows, outcomes={"ok": rows} if rows else {}))


def batch(db: sqlite3.Connection, number: int, full: bytes, committed: bytes | None = None) -> None:
    db.execute("INSERT INTO batches VALUES (?, ?, ?)", (number, full, committed))


def segment(db: sqlite3.Connection, name: str, length: int, rows: int | None) -> None:
    db.execute("INSERT INTO segments VALUES (?, ?, ?, NULL)", (name, length, rows))


# -- what was recovered ----------------------------------------------------------------------


def test_a_new_journal_has_nothing(db: sqlite3.Connection) -> None:
    found = journal_tables.recovered(db)
    assert (found.done.pack(), found.partial, found.totals) == (b"", {}, Totals())
    assert journal_tables.facts_of(db) == Facts(Totals(), SourceInfo(), None, None)
    assert journal_tables.meta(db, "starts", int) is None


def test_full_and_begun_batches_are_recovered(db: sqlite3.Connection) -> None:
    batch(db, 0, b"\x0f")
    batch(db, 9, b"\xff\x01", b"\x03")
    totals(db, 6)
    segment(db, "part-00000.jsonl", 60, 6)
    found = journal_tables.recovered(db)
    assert found.done.pack() == b"\x01"
    assert found.partial == {9: BatchState(committed=0b11, full=0b1_1111_1111)}
    assert found.totals.rows == 6


@pytest.mark.parametrize(
    ("full", "committed"),
    [
        (b"\x0f", b"\x10"),  # a line that the batch does not have
        (b"\x0f", b"\x1f"),
        (b"\x0f", b"\x0f"),  # all lines: then there would be no mask
        (b"\x0f", b""),
    ],
)
def test_committed_lines_are_some_of_their_batch(
    db: sqlite3.Connection, full: bytes, committed: bytes
) -> None:
    batch(db, 3, full, committed)
    totals(db, int.from_bytes(committed, "little").bit_count())
    with pytest.raises(ValueError, match=r"committed lines of batch 3"):
        journal_tables.recovered(db)


@pytest.mark.parametrize(
    ("number", "is_valid"), [(-1, False), ((1 << 36) - 1, True), (1 << 36, False)]
)
def test_the_number_of_a_batch_is_bounded(
    db: sqlite3.Connection, number: int, is_valid: bool
) -> None:
    batch(db, number, b"\x03", b"\x01")
    totals(db, 1)
    segment(db, "part-00000.jsonl", 10, 1)
    if is_valid:
        assert list(journal_tables.recovered(db).partial) == [number]
    else:
        with pytest.raises(ValueError, match=f"batch {number}"):
            journal_tables.recovered(db)


@pytest.mark.parametrize(
    "said", [Totals(rows=3, outcomes={"ok": 3}), Totals(rows=4, outcomes={"ok": 3}), Totals()]
)
def test_the_sums_are_those_of_the_lines(db: sqlite3.Connection, said: Totals) -> None:
    batch(db, 0, b"\x0f")
    put(db, "totals", said)
    with pytest.raises(ValueError, match=f"4 lines, {said.rows} rows"):
        journal_tables.recovered(db)


def test_the_segments_of_rows_have_all_rows(db: sqlite3.Connection) -> None:
    batch(db, 0, b"\x0f")
    totals(db, 4)
    segment(db, "part-00000.jsonl", 10, 3)
    segment(db, "bodies/part-00000.warc.gz", 10, 1)
    with pytest.raises(ValueError, match=r"4 rows, and its segments have another number"):
        journal_tables.recovered(db)
    segment(db, "part-00001.jsonl", 5, 1)
    assert journal_tables.recovered(db).totals.rows == 4
    db.execute("UPDATE segments SET rows = NULL WHERE name = 'part-00001.jsonl'")
    assert journal_tables.recovered(db).totals.rows == 4, "an older version did not count"


# -- segments and other values ---------------------------------------------------------------


def test_the_states_of_segments_are_read_by_name(db: sqlite3.Connection) -> None:
    db.execute("INSERT INTO segments VALUES ('a', 5, 2, x'01')")
    segment(db, "b", 0, None)
    assert journal_tables.segment_states(db) == {
        "a": SegmentState("a", 5, 2, b"\x01"),
        "b": SegmentState("b", 0, None, None),
    }
    assert journal_tables.segment_lengths(db) == {"a": 5, "b": 0}


def test_a_table_of_an_older_version_has_neither_rows_nor_digests(db: sqlite3.Connection) -> None:
    for name in journal_tables.ADDED_COLUMNS:
        db.execute(f"ALTER TABLE segments DROP COLUMN {name}")
    assert journal_tables.columns_of(db, "segments") == {"name", "bytes"}
    db.execute("INSERT INTO segments VALUES ('a', 5)")
    assert journal_tables.segment_states(db) == {"a": SegmentState("a", 5, None, None)}


@pytest.mark.parametrize(
    ("length", "rows", "by_lengths"),
    [(-1, 0, True), (5, -1, False), ("many", 0, True), (5, "two", False)],
)
def test_impossible_states_are_bad_content(
    db: sqlite3.Connection, length: Any, rows: Any, by_lengths: bool
) -> None:
    db.execute("INSERT INTO segments VALUES ('a', ?, ?, NULL)", (length, rows))
    with pytest.raises(BAD_CONTENT):
        journal_tables.segment_states(db)
    if by_lengths:
        with pytest.raises(BAD_CONTENT):
            journal_tables.segment_lengths(db)


def test_a_value_of_another_type_is_bad_content(db: sqlite3.Connection) -> None:
    put(db, "share_url_lines", "many")
    with pytest.raises(BAD_CONTENT):
        journal_tables.facts_of(db)
    db.execute("UPDATE meta SET value = x'' WHERE key = 'share_url_lines'")
    assert journal_tables.facts_of(db).share_url_lines is None


# -- errors ----------------------------------------------------------------------------------


class Named(sqlite3.OperationalError):
    """An error with a name, as sqlite gives it."""

    def __init__(self, name: str) -> None:
        super().__init__(f"said {name}")
        self.sqlite_errorname = name


@pytest.mark.parametrize("error", [ValueError("odd"), TypeError("odd"), OverflowError("odd")])
def test_wrong_values_are_damage_that_names_the_journal(error: Exception) -> None:
    with pytest.raises(DamageError, match=rf"^{PATH}: is damaged \(odd\); restore a backup"):  # noqa: SIM117
        with sqlite_errors(PATH):
            raise error


@pytest.mark.parametrize(
    ("name", "has_room", "is_full"),
    [
        ("SQLITE_FULL", True, True),
        ("SQLITE_IOERR_WRITE", False, True),
        ("SQLITE_IOERR_WRITE", True, False),
        ("SQLITE_CANTOPEN", False, True),
        ("SQLITE_CANTOPEN", True, False),
        ("SQLITE_CORRUPT", False, False),
        ("", False, False),
    ],
)
def test_an_error_of_sqlite_is_a_full_disk_or_damage(
    monkeypatch: pytest.MonkeyPatch, name: str, has_room: bool, is_full: bool
) -> None:
    monkeypatch.setattr(journal_tables, "has_room", lambda _: has_room)
    with pytest.raises(NoSpaceError if is_full else DamageError, match=f"^{PATH}: .*said {name}"):  # noqa: SIM117
        with sqlite_errors(PATH):
            raise Named(name)


def test_an_error_without_a_name_is_damage() -> None:
    with pytest.raises(DamageError, match=f"^{PATH}: odd$"), sqlite_errors(PATH):
        raise sqlite3.Error("odd")
