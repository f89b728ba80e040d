"""CSV: cells, and that no text becomes a formula, whatever separator a spreadsheet uses."""

from __future__ import annotations

import csv
import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fetcher.export.columns import Column, Kind
from fetcher.export.csv_file import CsvWriter, guarded, guarded_json
from fetcher.export.links import LinkRow

SIGNS = "=+-@\uff1d\uff0b\uff0d\uff20"
TEXTS = st.text(st.sampled_from(f"{SIGNS}; ,\"\t\r\n'a\\"), max_size=12)


def cells(fields: list[str], delimiter: str) -> list[str]:
    """The cells that a spreadsheet with this separator reads from a line written with commas."""
    written = io.StringIO()
    csv.writer(written, lineterminator="\n").writerow(fields)
    # It takes a line end as such wherever it is, but within a field that begins with a quote.
    read = csv.reader(io.StringIO(written.getvalue(), newline=""), delimiter=delimiter)
    return [cell for line in read for cell in line]


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("=1", "'=1"),
        ("\uff1d1", "'\uff1d1"),
        ("\uff0b1", "'\uff0b1"),
        ("\uff0d1", "'\uff0d1"),
        ("\uff20a", "'\uff20a"),
        (";=1", ";'=1"),
        ("a; +1;b", "a;' +1;b"),
        ('a;"=1"', 'a;\'"=1"'),
        ("a\n=1", "a\n'=1"),
        ("text/html; charset=utf-8", "text/html; charset=utf-8"),
        ("http://a/?b=c;d=-1", "http://a/?b=c;d=-1"),
        ("a - b = c @ d", "a - b = c @ d"),
        ("-9", "-9"),
        ("+1.50", "+1.50"),
        ("-.5e-3", "-.5e-3"),
        ("-1+2", "'-1+2"),
        ("-9\n", "'-9\n"),
        ("-1;=2", "'-1;'=2"),
        ("--1", "'--1"),
        ("-\u0663", "'-\u0663"),
        ("-", "'-"),
        ("-.", "'-."),
    ],
)
def test_a_possible_formula_gets_an_apostrophe(text: str, wanted: str) -> None:
    assert guarded(text) == wanted


@given(st.lists(TEXTS, min_size=1, max_size=3), st.sampled_from(",;"))
def test_no_cell_of_a_guarded_text_begins_with_a_sign(texts: list[str], delimiter: str) -> None:
    found = cells(["1", *map(guarded, texts)], delimiter)
    assert not any(cell.strip(" \t").startswith(tuple(SIGNS)) for cell in found), found


@given(st.lists(st.tuples(TEXTS, TEXTS)), st.sampled_from(",;"))
def test_guarded_json_means_the_same(pairs: list[tuple[str, str]], delimiter: str) -> None:
    text = guarded_json(json.dumps(pairs, ensure_ascii=False))
    assert [tuple(pair) for pair in json.loads(text)] == pairs
    found = cells(["1", text], delimiter)
    assert not any(cell.strip(" ").startswith(tuple(SIGNS)) for cell in found), found


def written(kind: Kind, *values: object, guard: bool = True) -> str:
    """The lines of a table with one column of this kind."""
    file = io.BytesIO()
    writer = CsvWriter(file, [Column("=c", kind, lambda found: found)], guard=guard)
    for value in values:
        writer.write(LinkRow(value, b""))  # type: ignore[arg-type]
    writer.close()
    assert not file.closed
    return file.getvalue().decode()


@pytest.mark.parametrize(
    ("kind", "values", "lines"),
    [
        (Kind.INT, (-9, None), ["-9", '""']),
        (Kind.REAL, (-1.5, 2e-07), ["-1.5", "2e-07"]),
        (Kind.ID, (-9, "-9", "-9a"), ["-9", "-9", "'-9a"]),
        (Kind.TEXT, ("-9", "=1", None, 'a "b"'), ["-9", "'=1", '""', '"a ""b"""']),
        (Kind.TIME, (-1.5,), ["1969-12-31T23:59:58.500000Z"]),
        (Kind.MAP, ({"a": "b;=1"},), [r'"{""a"":""b;\u003d1""}"']),
        (Kind.FLAG, (True, None), ["true", '""']),
    ],
)
def test_only_texts_are_guarded(kind: Kind, values: tuple[object, ...], lines: list[str]) -> None:
    assert written(kind, *values).splitlines() == ["'=c", *lines]


def test_without_the_guard_all_stays_as_it_is() -> None:
    assert written(Kind.TEXT, "=1", "a\r\nb", guard=False) == '=c\n=1\n"a\r\nb"\n'


def test_an_abandoned_writer_leaves_the_file_open() -> None:
    file = io.BytesIO()
    CsvWriter(file, [Column("c", Kind.INT, lambda found: found)], guard=True).abandon()
    assert not file.closed
    file.close()
    CsvWriter(io.BytesIO(), [], guard=True).abandon()
