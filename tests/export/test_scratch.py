"""Temporary tables leave no file, and their errors name what they are for."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from fetcher.errors import DamageError
from fetcher.export.scratch import scratch_table


def test_a_table_takes_rows_and_leaves_no_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SQLITE_TMPDIR", str(tmp_path))
    table = scratch_table("t (a INTEGER PRIMARY KEY, b TEXT)", "--sort")
    table.execute("PRAGMA cache_size=2")  # so that it goes to the disk
    table.executemany("INSERT INTO t VALUES (?, ?)", ((n, "x" * 100) for n in range(3000)))
    assert table.execute("SELECT count(*) FROM t").fetchone() == (3000,)
    assert list(tmp_path.iterdir()) == []
    table.close()


def test_it_is_in_one_transaction() -> None:
    table = scratch_table("t (a)", "--sort")
    assert table.in_transaction
    table.close()


def test_an_error_names_the_option_and_closes_the_table() -> None:
    with pytest.raises(DamageError, match=r"^--sort: "):
        scratch_table("t (a, a)", "--sort")


def test_a_closed_table_cannot_be_used() -> None:
    table = scratch_table("t (a)", "--sort")
    table.close()
    with pytest.raises(sqlite3.ProgrammingError):
        table.execute("SELECT * FROM t")
