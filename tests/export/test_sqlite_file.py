"""SQLite: types, keys, indexes, and errors as those of fetcher."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from fetcher.errors import DamageError, NoSpaceError, UsageError
from fetcher.export import sqlite_file
from fetcher.export.columns import Column, Kind, object_columns, table_columns
from fetcher.export.links import columns as link_columns
from fetcher.export.merged import Row
from fetcher.export.sqlite_file import SqliteWriter, sqlite_errors
from fetcher.input.formats import TEXT
from support import outs


def column(name: str, kind: Kind, value: object = None) -> Column:
    return Column(name, kind, lambda _: value)


def line_and(*others: Column) -> list[Column]:
    return [*object_columns("line", TEXT), *others]


def write(path: Path, columns: list[Column], *lines: int) -> sqlite3.Connection:
    writer = SqliteWriter(path, columns)
    for line in lines:
        writer.write(Row(outs.row(line), b"x" * 50))
    writer.close()
    return sqlite3.connect(path)


@pytest.mark.parametrize(
    ("kind", "value", "stored", "declared"),
    [
        (Kind.INT, -9, -9, "INTEGER"),
        (Kind.INT, 1 << 63, float(1 << 63), "INTEGER"),
        (Kind.INT, (1 << 63) - 1, (1 << 63) - 1, "INTEGER"),
        (Kind.REAL, 1.5, 1.5, "REAL"),
        (Kind.TEXT, "5", "5", "TEXT"),
        (Kind.ID, 5, 5, ""),
        (Kind.ID, "5", "5", ""),
        (Kind.ID, (1 << 64) - 1, str((1 << 64) - 1), ""),
        (Kind.FLAG, True, 1, "INTEGER"),
        (Kind.TEXTS, ("a",), '["a"]', "TEXT"),
        (Kind.TIME, 0.0, "1970-01-01T00:00:00.000000Z", "TEXT"),
        (Kind.TEXT, None, None, "TEXT"),
    ],
)
def test_values_keep_their_types(
    tmp_path: Path, kind: Kind, value: object, stored: object, declared: str
) -> None:
    db = write(tmp_path / "a.db", line_and(column("c", kind, value)), 1)
    assert db.execute("SELECT c FROM results").fetchone() == (stored,)
    types = {name: of for _, name, of, *_ in db.execute("PRAGMA table_info(results)")}
    assert types == {"line": "INTEGER", "c": declared}
    db.close()


def test_a_name_with_a_quote_is_a_column(tmp_path: Path) -> None:
    db = write(tmp_path / "a.db", line_and(column('a"b; DROP', Kind.INT, 1)), 1)
    assert db.execute('SELECT "a""b; DROP" FROM results').fetchone() == (1,)
    db.close()


@pytest.mark.parametrize(
    ("names", "indexed"),
    [
        ("line,outcome,status", ["outcome", "status"]),
        ("line,status", ["status"]),
        ("line,url", []),
    ],
)
def test_only_columns_that_are_there_are_indexed(
    tmp_path: Path, names: str, indexed: list[str]
) -> None:
    db = write(tmp_path / "a.db", object_columns(names, TEXT), 1)
    found = [name for _, _, name in db.execute("PRAGMA index_info(results_outcome)")]
    assert found == indexed
    db.close()


def test_links_have_an_index_for_each_end(tmp_path: Path) -> None:
    SqliteWriter(tmp_path / "a.db", link_columns(None), "links").close()
    db = sqlite3.connect(tmp_path / "a.db")
    names = {name for _, name, *_ in db.execute("PRAGMA index_list(links)")}
    assert names == {"links_from", "links_to"}
    db.close()


def test_rows_of_many_batches_are_all_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite_file, "_BATCH_ROWS", 7)
    db = write(tmp_path / "rows.db", line_and(), *range(1, 51))
    assert db.execute("SELECT count(*), max(line) FROM results").fetchone() == (50, 50)
    db.close()
    monkeypatch.setattr(sqlite_file, "_BATCH_BYTES", 120)
    db = write(tmp_path / "bytes.db", line_and(), *range(1, 51))
    assert db.execute("SELECT count(*) FROM results").fetchone() == (50,)
    db.close()


def test_two_rows_of_a_line_are_damage(tmp_path: Path) -> None:
    writer = SqliteWriter(tmp_path / "a.db", line_and())
    for _ in range(2):
        writer.write(Row(outs.row(5), b""))
    with pytest.raises(DamageError, match=r"some line has two rows"):
        writer.close()
    writer.abandon()


def test_columns_that_differ_in_case_alone_are_refused(tmp_path: Path) -> None:
    both = line_and(column("A", Kind.TEXT), column("a", Kind.TEXT))
    with pytest.raises(UsageError, match=r"--to sqlite: duplicate column.*choose with --columns"):
        SqliteWriter(tmp_path / "a.db", both)


def test_more_columns_than_sqlite_takes_are_refused(tmp_path: Path) -> None:
    many = [column(f"c{n}", Kind.TEXT) for n in range(3000)]
    with pytest.raises(UsageError, match="--to sqlite: too many columns"):
        SqliteWriter(tmp_path / "a.db", [*table_columns(None, TEXT, [], handled=False), *many])


def test_a_full_disk_is_not_reported_as_damage() -> None:
    full = sqlite3.OperationalError("database or disk is full")
    full.sqlite_errorname = "SQLITE_FULL"
    with pytest.raises(NoSpaceError, match=r"^x: database or disk is full$"), sqlite_errors("x"):
        raise full
    with pytest.raises(DamageError, match=r"^x: odd$"), sqlite_errors("x"):
        raise sqlite3.OperationalError("odd")
