"""No text becomes a formula in a spreadsheet, whatever separator its locale has."""

from __future__ import annotations

import csv
import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fetcher.export.csv_file import guarded, guarded_json

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
    ],
)
def test_what_could_be_taken_for_a_formula_gets_an_apostrophe(text: str, wanted: str) -> None:
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
