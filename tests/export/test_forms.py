"""Exports are read by other programs: pyarrow, DuckDB, sqlite3, csv and json."""

from __future__ import annotations

import csv
import datetime
import json
import sqlite3
import sys
from pathlib import Path
from typing import Any

import duckdb
import msgspec
import pyarrow.parquet
import pytest

from fetcher.errors import UsageError
from fetcher.export import parquet_file
from fetcher.export.exporting import Export, chosen_rows
from fetcher.export.filters import conditions
from fetcher.export.forms import form_of_rows
from fetcher.export.merged import Merged
from fetcher.model import Outcome
from fetcher.protocol.output_spec import Compression, Output, RowForm
from fetcher.rows import jsonl
from support import kinds, outs

STARTED = datetime.datetime(2023, 11, 14, 22, 13, 20, 123456, datetime.UTC)
PAIRS = [("Server", "=cmd|x"), ("Set-Cookie", "a"), ("set-cookie", 'b, "c"\nd')]


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return kinds.make(tmp_path)


def export(
    out: Path, path: Path, columns: str | None = None, *where: str, guard: bool = True
) -> int:
    """Made by its name, unsorted."""
    merged = Merged([out], partial=False)
    of = merged.first.manifest.input.format
    form = form_of_rows(path.suffix[1:], columns, merged, formula_guard=guard)
    chosen = chosen_rows(merged, conditions(where, of), sort=False)
    return Export(chosen, form, [part.out for part in merged.parts]).to_file(path, force=False)


def test_parquet_has_types_lists_and_compression(out: Path, tmp_path: Path) -> None:
    path = tmp_path / "rows.parquet"
    assert export(out, path) == 5
    file = pyarrow.parquet.ParquetFile(path)
    assert {file.metadata.row_group(0).column(k).compression for k in range(5)} == {"ZSTD"}
    fields = {field.name: str(field.type) for field in file.schema_arrow}
    assert fields["line"] == "int64"
    assert fields["status"] == "int32"
    assert fields["total_ms"] == "double"
    assert fields["started_at"] == "timestamp[us, tz=UTC]"
    assert fields["redirects"].startswith("list<")
    assert fields["headers"].endswith("struct<name: string, value: string>>")
    rows = pyarrow.parquet.read_table(path).to_pylist()
    assert [row["line"] for row in rows] == [2, 3, 4, 5, 6]
    first = rows[0]
    assert first["url"] == "http://a/ü"
    assert first["started_at"] == STARTED
    assert first["headers"] == [{"name": name, "value": value} for name, value in PAIRS]
    assert first["redirects"] == ["http://a/1", "http://a/2"]
    assert (first["tls_ms"], first["total_ms"], first["body_bytes"]) == (None, 4.0, 5_000_000_000)
    assert [row["id"] for row in rows] == ["=id", "7", None, "18446744073709551615", None]
    assert [row["country"] for row in rows] == ["-de", "", None, None, None]
    assert rows[2]["headers"] == []
    assert (rows[2]["status"], rows[2]["error"]) == (None, "+no URL")
    assert [row["error_kind"] for row in rows] == [None, None, "scheme", "total", None]


def test_duckdb_reads_parquet_csv_and_jsonl_alike(out: Path, tmp_path: Path) -> None:
    for suffix in ("parquet", "csv", "jsonl"):
        export(out, tmp_path / f"rows.{suffix}", "line,url,outcome,status,body_bytes,started_at")
    query = "SELECT line, outcome, status, body_bytes FROM '{}' ORDER BY line"
    found = [
        duckdb.execute(query.format(tmp_path / f"rows.{suffix}")).fetchall()
        for suffix in ("parquet", "csv", "jsonl")
    ]
    assert found[0] == found[1] == found[2]
    assert found[0][0] == (2, "ok", 200, 5_000_000_000)
    assert found[0][3] == (5, "timeout", None, None)
    headers = tmp_path / "headers.parquet"
    export(out, headers, "line,headers,columns")
    sql = f"SELECT h.value FROM '{headers}', UNNEST(headers) AS t(h) WHERE h.name ILIKE 'set-%'"
    assert sorted(duckdb.execute(sql).fetchall()) == [("a",), ('b, "c"\nd',)]
    sql = f"SELECT columns['country'] FROM '{headers}' WHERE line = 2"
    assert duckdb.execute(sql).fetchall() == [("-de",)]


def read_csv(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_csv_holds_no_formula_unless_the_guard_is_off(out: Path, tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    names = "line,url,error,id,headers.server,headers,columns.country,columns.=note,started_at"
    export(out, path, names)
    rows = read_csv(path)
    assert [row["url"] for row in rows] == [
        *("http://a/ü", "http://b", "'@bad", "http://c", "http://d"),
    ]
    assert rows[2]["error"] == "'+no URL"
    assert [row["id"] for row in rows] == ["'=id", "7", "", "18446744073709551615", ""]
    assert rows[0]["headers.server"] == "'=cmd|x"
    assert rows[0]["columns.country"] == "'-de"
    assert rows[0]["started_at"] == "2023-11-14T22:13:20.123456Z"
    assert [tuple(pair) for pair in json.loads(rows[0]["headers"])] == PAIRS
    plain = tmp_path / "plain.csv"
    export(out, plain, names, guard=False)
    assert [row["url"] for row in read_csv(plain)][2] == "@bad"
    assert read_csv(plain)[0]["id"] == "=id"
    assert b"\r" not in plain.read_bytes()


def test_sqlite_has_a_table_with_the_line_as_key_and_an_index(out: Path, tmp_path: Path) -> None:
    path = tmp_path / "rows.sqlite"
    export(out, path)
    db = sqlite3.connect(path)
    assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    query = "SELECT line, status FROM results WHERE outcome = 'http_error'"
    assert db.execute(query).fetchall() == [(3, 503)]
    assert "results_outcome" in str(db.execute(f"EXPLAIN QUERY PLAN {query}").fetchall())
    plan = db.execute("EXPLAIN QUERY PLAN SELECT * FROM results WHERE line = 4").fetchall()
    assert "INTEGER PRIMARY KEY" in str(plan)
    ids = db.execute("SELECT id FROM results ORDER BY line").fetchall()
    assert [each for (each,) in ids] == ["=id", 7, None, "18446744073709551615", None]
    name = "SELECT value ->> 1 FROM results, json_each(headers) WHERE line = 2"
    assert [value for (value,) in db.execute(name)] == [value for _, value in PAIRS]
    when = db.execute('SELECT unixepoch(started_at), "=note" FROM results WHERE line = 2')
    assert when.fetchone() == (1_700_000_000, "x,y")
    db.close()


def test_jsonl_is_the_rows_as_they_are_or_objects_of_columns(out: Path, tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    export(out, path)
    committed = (out / "results" / "part-00000.jsonl").read_bytes().splitlines(keepends=True)[:5]
    assert path.read_bytes() == b"".join(committed)
    chosen = tmp_path / "chosen.jsonl"
    export(out, chosen, "line,id,timings_ms,total_ms,headers.SERVER,columns", "line<=3")
    assert [json.loads(line) for line in chosen.read_text().splitlines()] == [
        {
            "line": 2,
            "id": "=id",
            "timings_ms": msgspec.to_builtins(kinds.rows()[0].timings_ms),
            "total_ms": 4.0,
            "headers.SERVER": "=cmd|x",
            "columns": {"country": "-de", "=note": "x,y"},
        },
        {
            "line": 3,
            "id": 7,
            "timings_ms": None,
            "total_ms": None,
            "headers.SERVER": None,
            "columns": {"country": ""},
        },
    ]


EXTRA = {"title": 'a "b", ü', "links": [1, {"to": None}]}


@pytest.mark.parametrize("form", ["jsonl", "msgpack"])
def test_what_a_handler_returned_is_a_column_as_json_in_tables_and_an_object_in_jsonl(
    tmp_path: Path, form: RowForm
) -> None:
    rows = [msgspec.structs.replace(outs.row(1), extra=EXTRA), outs.row(2)]
    urls = outs.write_input(tmp_path / "urls.txt", 2)
    out = outs.make_out(tmp_path / "out", urls, rows, output=Output(form), handler="mine:title")
    export(out, tmp_path / "rows.jsonl", "line,extra")
    assert [
        json.loads(line) for line in (tmp_path / "rows.jsonl").read_text("utf-8").splitlines()
    ] == [
        {"line": 1, "extra": EXTRA},
        {"line": 2, "extra": None},
    ]
    # Without --columns, too: the job was begun with a handler.
    for suffix in ("csv", "sqlite", "parquet"):
        export(out, tmp_path / f"rows.{suffix}")
    first, second = read_csv(tmp_path / "rows.csv")
    db = sqlite3.connect(tmp_path / "rows.sqlite")
    query = "SELECT extra FROM results ORDER BY line"
    stored = [extra for (extra,) in db.execute(query)]
    db.close()
    table = pyarrow.parquet.read_table(tmp_path / "rows.parquet")["extra"].to_pylist()
    assert first["extra"] == stored[0] == table[0]
    assert json.loads(first["extra"]) == EXTRA
    assert (second["extra"], stored[1], table[1]) == ("", None, None)


def test_a_job_without_a_handler_has_no_extra_unless_asked(out: Path, tmp_path: Path) -> None:
    export(out, tmp_path / "all.csv")
    assert "extra" not in read_csv(tmp_path / "all.csv")[0]
    export(out, tmp_path / "asked.csv", "line,extra")
    assert {row["extra"] for row in read_csv(tmp_path / "asked.csv")} == {""}


@pytest.mark.parametrize("form", ["jsonl", "msgpack"])
@pytest.mark.parametrize("compression", ["none", "zstd"])
def test_rows_of_every_form_and_their_bodies_come_out_alike(
    tmp_path: Path, form: RowForm, compression: Compression
) -> None:
    rows = [
        msgspec.structs.replace(outs.row(line), body=f"body {line}", body_is="text")
        for line in range(1, 31)
    ]
    out = outs.make_out(
        tmp_path / "out",
        outs.write_input(tmp_path / "urls.txt", 30),
        rows,
        segment_bytes=900,
        output=Output(form, compression, "inline"),
    )
    export(out, tmp_path / "rows.jsonl")
    written = (tmp_path / "rows.jsonl").read_bytes()
    assert written == b"".join(jsonl.encode(row) for row in rows)
    export(out, tmp_path / "rows.parquet", None, "body~^body 1")
    table = pyarrow.parquet.read_table(tmp_path / "rows.parquet").to_pylist()
    assert [row["line"] for row in table] == [1, *range(10, 20)]
    assert {(row["body"], row["body_is"]) for row in table if row["line"] == 12} == {
        ("body 12", "text")
    }


@pytest.mark.parametrize("suffix", ["parquet", "csv", "jsonl", "sqlite"])
def test_no_row_at_all_is_an_empty_table(out: Path, tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"rows.{suffix}"
    assert export(out, path, "line,url", "outcome=dns") == 0
    readers: dict[str, Any] = {
        "parquet": lambda: pyarrow.parquet.read_table(path).num_rows,
        "csv": lambda: len(read_csv(path)) + (path.read_text() != "line,url\n"),
        "jsonl": lambda: len(path.read_bytes()),
        "sqlite": lambda: (
            sqlite3.connect(path).execute("SELECT count(*) FROM results").fetchone()[0]
        ),
    }
    assert readers[suffix]() == 0


def test_parquet_rows_of_many_groups_are_all_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parquet_file, "_BATCH_ROWS", 7)
    monkeypatch.setattr(parquet_file, "_GROUP_ROWS", 20)
    urlfile = outs.write_input(tmp_path / "urls.txt", 100)
    out = outs.make_out(tmp_path / "out", urlfile, map(outs.row, range(1, 101)), segment_bytes=900)
    assert len(list((out / "results").iterdir())) > 3
    path = tmp_path / "rows.parquet"
    export(out, path)
    assert pyarrow.parquet.ParquetFile(path).num_row_groups == 5
    lines = pyarrow.parquet.read_table(path)["line"].to_pylist()
    assert lines == list(range(1, 101))


def test_without_pyarrow_one_line_says_what_to_install(
    out: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(sys.modules, "fetcher.export.parquet_file", raising=False)
    monkeypatch.delattr("fetcher.export.parquet_file", raising=False)
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(UsageError) as caught:
        export(out, tmp_path / "rows.parquet")
    command = f"{sys.executable} -m pip install 'pyarrow>=17'"
    assert str(caught.value) == f"--to parquet needs pyarrow; install it with: {command}"


def test_an_outcome_is_its_name_everywhere(tmp_path: Path) -> None:
    lines = range(1, len(Outcome) + 1)
    rows = [outs.row(line, outcome) for line, outcome in zip(lines, Outcome, strict=True)]
    urlfile = outs.write_input(tmp_path / "urls.txt", len(rows))
    out = outs.make_out(tmp_path / "out", urlfile, rows)
    for suffix in ("parquet", "csv", "jsonl"):
        path = tmp_path / f"rows.{suffix}"
        export(out, path, "outcome")
        found = duckdb.execute(f"SELECT outcome FROM '{path}'").fetchall()
        assert [name for (name,) in found] == [outcome.value for outcome in Outcome]


def test_a_cut_body_is_a_flag_in_every_form(tmp_path: Path) -> None:
    urls = outs.write_input(tmp_path / "urls.txt", 2)
    rows = [outs.row(1), msgspec.structs.replace(outs.row(2, Outcome.TIMEOUT), truncated=True)]
    made = outs.make_out(tmp_path / "out", urls, rows, output=Output(bodies="inline"))
    for suffix in ("parquet", "csv", "sqlite"):
        export(made, tmp_path / f"rows.{suffix}")
    found = pyarrow.parquet.read_table(tmp_path / "rows.parquet")["truncated"]
    assert found.to_pylist() == [None, True]
    assert [row["truncated"] for row in read_csv(tmp_path / "rows.csv")] == ["", "true"]
    db = sqlite3.connect(tmp_path / "rows.sqlite")
    assert db.execute("SELECT truncated FROM results").fetchall() == [(None,), (1,)]
    db.close()
    for condition, lines in (
        ("truncated=true", "2"),
        ("truncated!=true", "1"),
        ("truncated=", "1"),
    ):
        path = tmp_path / f"{condition}.csv"
        export(made, path, "line", condition)
        assert path.read_text().split() == ["line", lines]
    with pytest.raises(UsageError, match="is true or missing"):
        export(made, tmp_path / "x.csv", "line", "truncated=false")
