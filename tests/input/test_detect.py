"""What a file's lines are taken for."""

from __future__ import annotations

import gzip
from pathlib import Path

import msgspec
import pytest

from fetcher.errors import InputError
from fetcher.input.formats import LineFormat
from fetcher.input.source import Source
from fetcher.settings.schema import Input

HEADER = b"id,url,note\n1,http://a,x\n"


def source(tmp_path: Path, name: str, content: bytes, **asked: object) -> Source:
    path = tmp_path / name
    path.write_bytes(content)
    return Source(path, msgspec.convert(asked, Input))


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("urls.txt", "text"),
        ("urls", "text"),
        ("a.jsonl", "jsonl"),
        ("a.NDJSON", "jsonl"),
        ("a.ndjson.gz", "jsonl"),
        ("a.csv", "csv"),
        ("a.b.CSV.GZ", "csv"),
        ("csv", "text"),
        ("urls.gz", "text"),
    ],
)
def test_auto_goes_by_the_name_of_the_file(tmp_path: Path, name: str, kind: str) -> None:
    content = gzip.compress(HEADER) if name.lower().endswith("gz") else HEADER
    assert source(tmp_path, name, content).format.kind == kind


def test_what_is_asked_for_goes_before_the_name(tmp_path: Path) -> None:
    assert source(tmp_path, "a.csv", HEADER, format="text").format == LineFormat("text")
    assert source(tmp_path, "a.txt", HEADER, format="csv").format == LineFormat(
        "csv", ",", ("id", "url", "note"), "url", keep_columns=True
    )


def test_tsv_is_by_tabs_and_names_are_stripped_of_white_space_and_bom(tmp_path: Path) -> None:
    content = b"\xef\xbb\xbf\tlink \tb,c\r\n"
    found = source(tmp_path, "a.tsv", content, url_column="link", keep_columns=True).format
    assert found == LineFormat("csv", "\t", ("", "link", "b,c"), "link", True)


@pytest.mark.parametrize(
    ("content", "asked", "said"),
    [
        (HEADER, {"url_column": "link"}, "there is no column 'link'; name the one"),
        (HEADER, {"url_column": "link"}, "--column (input.url_column): 'id', 'url', 'note'"),
        (b"id,URL,Links\n", {}, "no column 'url' (did you mean URL?); name the one"),
        (b"id,URL,Links\n", {"url_column": "link"}, "no column 'link' (did you mean Links?)"),
        (b"a;url\n", {}, "--column (input.url_column): 'a;url'"),
        (b"url,a,url\n", {}, "several columns are 'url' (columns 1 and 3)"),
        (b"url,id,id\n", {}, "several columns are 'id' (columns 2 and 3)"),
        (b"\nurl\n", {}, "it is blank"),
        (b" , \nurl\n", {}, "it is blank"),
        (b"\xff,url\n", {}, "not valid UTF-8 (at byte 0)"),
        (b'url,"a\nb"\n', {}, "a quoted field is not closed"),
        (b"url," + b"a" * 40_000, {}, "longer than"),
        (b",".join(b"c%d" % n for n in range(100)), {}, "(100 in all)"),
    ],
)
def test_a_first_line_that_does_not_name_the_columns_is_refused(
    tmp_path: Path, content: bytes, asked: dict[str, object], said: str
) -> None:
    with pytest.raises(InputError) as caught:
        source(tmp_path, "a.csv", content, **asked)
    assert str(caught.value).startswith(f"{tmp_path / 'a.csv'}: its first line should name")
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_columns_that_are_not_needed_may_be_there_twice(tmp_path: Path) -> None:
    assert source(tmp_path, "a.csv", b"url,,\nhttp://a,,\n").format.columns == ("url", "", "")


def test_the_first_line_of_a_csv_file_is_counted_as_no_url_line(tmp_path: Path) -> None:
    found = source(tmp_path, "a.csv", b"url\nhttp://a\n\n# c\nhttp://b")
    *_, info = found.census()
    assert info.url_lines == 3
    assert list(found.url_lines()) == [(2, b"http://a"), (4, b"# c"), (5, b"http://b")]
    batches = list(found.batches(2))
    assert [batch.mask for batch in batches] == [0b10, 0b10, 0b1]
    assert [batch.urls for batch in batches] == [b"http://a", b"# c", b"http://b"]
