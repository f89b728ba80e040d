"""The columns of an export: their names, kinds and values."""

from __future__ import annotations

import csv
import json
import sqlite3
from pathlib import Path

import pytest

from fetcher.errors import UsageError
from fetcher.export import columns
from fetcher.export.filters import conditions
from fetcher.input import csv_lines
from fetcher.input.formats import TEXT, LineFormat
from fetcher.model import Outcome, Result, Timings
from fetcher.protocol.output_spec import Bodies
from support import jobs


def of(*names: str) -> LineFormat:
    return LineFormat("csv", ",", names, "url", keep_columns=True)


def table(*names: str) -> list[str]:
    """The columns of a table after those that every row has."""
    found = columns.table_columns(None, of(*names), ["none"], handled=False)
    return [column.name for column in found[found.index(columns.find("id", of(*names))) + 1 :]]


@pytest.mark.parametrize(
    ("names", "kept"),
    [
        (("url", "a", "b"), ["a", "b"]),
        (("url", "a", "a", "a"), ["a", "a_2", "a_3"]),
        (("a", "a_2", "url", "a"), ["a", "a_2", "a_3"]),
        (("", "url", "", ""), ["", "column_2", "column_3"]),
        (("url", "id", "method", "ID"), ["ID"]),
    ],
)
def test_a_row_has_each_column_under_a_name_of_its_own(
    names: tuple[str, ...], kept: list[str]
) -> None:
    assert [name for _, name in csv_lines.kept_columns(names, "url")] == kept
    texts = [f"{number}" if name != "method" else "" for number, name in enumerate(names)]
    task = csv_lines.task_maker(",", names, "url", True)(2, ",".join(texts))
    assert list(task.columns or {}) == kept
    assert len(set((task.columns or {}).values())) == len(kept)


def test_a_header_of_many_equal_names_is_numbered_at_once() -> None:
    names = ("url", *["a"] * 200_000)
    assert csv_lines.kept_columns(names, "url")[-1] == (200_000, "a_200000")


def test_a_table_has_them_by_their_names_where_no_key_of_a_row_is_meant() -> None:
    assert table("url", "page", "b,c") == ["page", "b,c"]
    assert table("url", "status", "Error", "body", "extra", "dns_ms") == [
        *("columns.status", "columns.Error", "columns.body", "columns.extra", "columns.dns_ms"),
    ]
    assert table("url", "headers.a", "columns.b", "") == [
        *("columns.headers.a", "columns.columns.b", "columns."),
    ]
    assert table("url", "Page", "page") == ["Page", "columns.page"]


def test_keys_of_crawls_take_no_name_from_a_list_and_are_columns_of_a_crawl() -> None:
    assert table("url", "title", "depth", "from") == ["title", "depth", "from"]
    log = LineFormat("log")
    found = columns.table_columns(None, log, ["none"], handled=False)
    assert [column.name for column in found[-4:]] == ["depth", "from", "via", "location"]
    titled = columns.table_columns(None, log, ["none"], handled=False, titled=True)
    again = columns.table_columns(None, log, ["none"], handled=False, refreshed=True)
    assert "unchanged" in [each.name for each in again]
    assert "unchanged" not in [each.name for each in titled]
    assert titled[-1].name == "title"
    row = Result(5, "http://a/", Outcome.OK, depth=2, found_on=3, via="a")
    assert [column.value(row) for column in titled[-5:]] == [2, 3, "a", None, None]


def test_the_column_of_the_urls_is_found_by_the_name_that_the_file_gives_it() -> None:
    links = LineFormat("csv", ",", ("link", "page"), "link")
    found = columns.find("link", links)
    assert found.name == "link" and found.kind == columns.Kind.TEXT
    with pytest.raises(UsageError, match="no column 'link'"):
        columns.find("link", of("url", "page"))


def test_a_column_is_found_by_either_name() -> None:
    form = of("url", "page", "status")
    assert columns.find("page", form).name == "page"
    assert columns.find("columns.page", form).name == "columns.page"
    assert columns.find("status", form).kind is columns.Kind.INT
    with pytest.raises(UsageError, match=r"columns.page, columns.status"):
        columns.find("pages", form)


def test_a_name_that_several_columns_have_is_refused_with_their_positions() -> None:
    form = of("page", "url", "page", "status", "status")
    said = r"several columns 'page' \(its columns 1 and 3\); write columns.page or columns.page_2$"
    for choose in (
        lambda: columns.find("page", form),
        lambda: columns.object_columns("line,page", form),
        lambda: columns.table_columns("line,page", form, ["none"], handled=False),
        lambda: conditions(["page=x"], form),
    ):
        with pytest.raises(UsageError, match=said):
            choose()
    assert columns.find("page_2", form).name == "page_2"
    assert columns.find("columns.page", form).name == "columns.page"
    assert columns.find("status", form).kind is columns.Kind.INT, "the key of the rows"
    assert table(*form.columns)[:2] == ["page", "page_2"]


def test_a_csv_file_goes_through_a_run_and_comes_out_with_its_columns(tmp_path: Path) -> None:
    path, out = tmp_path / "links.csv", tmp_path / "out"
    path.write_text("page,link,page,status\n/a,http://a/,x,mine\n")
    options = ("--workers=1", "--set=worker.transport=null", "--column", "link")
    assert jobs.call("run", path, "-o", out, *options).returncode == 0
    for suffix in ("csv", "sqlite", "jsonl"):
        made = jobs.call("export", out, "-o", tmp_path / f"rows.{suffix}")
        assert made.returncode == 0, made.stderr
    expected = {"page": "/a", "page_2": "x", "columns.status": "mine", "status": 200}
    with (tmp_path / "rows.csv").open(newline="") as file:
        (row,) = csv.DictReader(file)
    assert {name: row[name] for name in expected} == {**expected, "status": "200"}
    database = sqlite3.connect(tmp_path / "rows.sqlite")
    names = ", ".join(f'"{name}"' for name in expected)
    assert database.execute(f"SELECT {names} FROM results").fetchone() == tuple(expected.values())
    database.close()
    kept = json.loads((tmp_path / "rows.jsonl").read_text())["columns"]
    assert kept == {"page": "/a", "page_2": "x", "status": "mine"}
    chosen = jobs.call(
        "export", out, "--to=jsonl", "-o", "-", "--columns=columns.page,columns.status"
    )
    assert json.loads(chosen.stdout) == {"columns.page": "/a", "columns.status": "mine"}


FULL = Result(
    3,
    "http://a/",
    Outcome.TIMEOUT,
    None,
    headers=[("Server", "x"), ("server", "y")],
    error_kind="total",
    timings_ms=Timings(dns=1.5, total=4.0),
    columns={"page": "/a"},
)
BARE = Result(4, "http://a/", Outcome.OK, 200)


@pytest.mark.parametrize(
    ("name", "full", "bare"),
    [
        ("line", 3, 4),
        ("outcome", "timeout", "ok"),
        ("status", None, 200),
        ("dns_ms", 1.5, None),
        ("tls_ms", None, None),
        ("total_ms", 4.0, None),
        ("error_kind", "total", None),
        ("headers.SERVER", "x", None),
        ("headers.via", None, None),
        ("columns.page", "/a", None),
        ("page", "/a", None),
        ("id", None, None),
        ("body_file", None, None),
        ("truncated", None, None),
    ],
)
def test_the_value_of_a_column(name: str, full: object, bare: object) -> None:
    column = columns.find(name, of("url", "page"))
    assert (column.value(FULL), column.value(BARE)) == (full, bare)


def test_a_table_has_five_columns_of_times_and_json_one_object() -> None:
    names = "line,timings_ms"
    found = columns.table_columns(names, TEXT, ["none"], handled=False)
    assert [column.name for column in found] == [
        *("line", "dns_ms", "connect_ms", "tls_ms", "first_byte_ms", "total_ms"),
    ]
    assert [column.name for column in columns.object_columns(names, TEXT)] == names.split(",")


@pytest.mark.parametrize(
    ("bodies", "handled", "more"),
    [
        (["none"], False, []),
        (["none"], True, ["extra"]),
        (["inline"], False, ["truncated", "body", "body_is"]),
        (["files", "none"], False, ["truncated", "body_file"]),
        (["warc", "inline"], True, ["truncated", "body", "body_is", "warc_id", "extra"]),
    ],
)
def test_a_table_of_all_has_the_columns_that_the_jobs_rows_have(
    bodies: list[Bodies], handled: bool, more: list[str]
) -> None:
    found = columns.table_columns(None, TEXT, bodies, handled=handled)
    plain = columns.table_columns(None, TEXT, ["none"], handled=False)
    assert [column.name for column in found[len(plain) :]] == more


@pytest.mark.parametrize(
    ("names", "said"),
    [
        ("", "--columns: name at least one"),
        (" , ", "--columns: name at least one"),
        ("line,url,line", "--columns: line is named twice"),
        ("line,statsu", r"--columns: there is no column 'statsu'.*status"),
        ("headers.", "--columns: there is no column 'headers.'"),
        ("depth", "--columns: there is no column 'depth'"),
    ],
)
def test_wrong_names_are_refused(names: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        columns.object_columns(names, TEXT)
