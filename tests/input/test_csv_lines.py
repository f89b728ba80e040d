"""What a line of a CSV file is: a record on one line, a fault, or no URL line at all."""

from __future__ import annotations

import pytest

from fetcher.input import csv_lines
from fetcher.input.csv_lines import INSIDE, Reader
from fetcher.input.lines import MAX_LINE_BYTES
from fetcher.input.request_fields import LineError
from fetcher.model import Task

COLUMNS = ("id", "url", "method", "note")


def task(text: str, columns: tuple[str, ...] = COLUMNS, *, keep: bool = True) -> Task:
    """The task of line 2 with this text."""
    return csv_lines.task_maker(",", columns, "url", keep)(2, text)


def fault(text: str, columns: tuple[str, ...] = COLUMNS) -> tuple[str, str]:
    """The kind and the words of its fault."""
    found = task(text, columns).fault
    assert found is not None
    return found.kind, found.message


# -- reading ---------------------------------------------------------------------------------


def test_the_first_line_and_blank_lines_are_not_url_lines() -> None:
    read = Reader(",")
    assert read([b"url,note", b"", b"  \r"]) == [b"", b"", b""]
    assert read([b" http://a,x \r", b"# http://b,y"]) == [b"http://a,x", b"# http://b,y"]
    assert Reader(",")([]) == []


def test_a_tab_at_an_end_belongs_to_the_record_where_tabs_divide() -> None:
    read = Reader("\t")
    lines = [b"note\turl", b"\thttp://a\t\r", b" \t \t"]
    assert read(lines) == [b"", b"\thttp://a\t", b""]
    assert Reader(",")([b"url", b"\thttp://a\t"]) == [b"", b"http://a"]


def test_lines_that_begin_inside_a_quoted_field_are_marked_also_in_the_next_block() -> None:
    read = Reader(",")
    assert read([b"url,note", b'http://a,"one']) == [b"", b'http://a,"one']
    assert read([b"two", b"", b'three"', b"http://b,x"]) == [
        *(b"two" + INSIDE, b"", b'three"' + INSIDE, b"http://b,x"),
    ]


def test_counting_does_not_mark_and_finds_the_same_lines() -> None:
    lines = [b"url,note", b'http://a,"one', b"two", b"", b'three"', b"http://b,x"]
    counted, read = Reader(",", marks=False)(lines), Reader(",")(lines)
    assert [bool(text) for text in counted] == [bool(text) for text in read]
    assert not any(text.endswith(INSIDE) for text in counted)


def test_the_quote_of_a_line_that_was_cut_is_taken_for_closed() -> None:
    long = b'"' + b"a" * MAX_LINE_BYTES
    read = Reader(",")
    assert read([b"url", b'"a', long, b"http://b"]) == [b"", b'"a', long + INSIDE, b"http://b"]


@pytest.mark.parametrize(
    ("text", "inside", "opens"),
    [
        ('a,"b', False, True),
        ('a,b"', False, False),
        ('a,"b""', False, True),
        ('a,"b"', False, False),
        ('"a,b', True, False),
        ('a"', True, False),
        ("a,b", True, True),
        ('a","b', True, True),
        ('"a"b",c', False, False),
        ("a\0b", False, False),
    ],
)
def test_a_quote_opens_a_field_only_at_its_beginning(text: str, inside: bool, opens: bool) -> None:
    assert csv_lines.leaves_open(text, ",", inside=inside) is opens


# -- records ---------------------------------------------------------------------------------


def test_the_fields_of_a_record() -> None:
    assert csv_lines.split('a,"b,""c""",', ",") == ["a", 'b,"c"', ""]
    assert csv_lines.split("a,b\tc", "\t") == ["a,b", "c"]
    assert csv_lines.split("", ",") == []
    with pytest.raises(LineError, match="a record must be one line: a quoted field is not closed"):
        csv_lines.split('a,"b', ",")
    with pytest.raises(LineError, match=r"^not valid CSV: "):
        csv_lines.split('"a"b,c', ",")


def test_the_names_in_the_first_line_are_stripped() -> None:
    assert csv_lines.header_columns(' id ,"a,b",', ",") == ("id", "a,b", "")


def test_a_record_gives_its_url_method_id_and_other_columns() -> None:
    assert task("7, http://a ,post,x") == Task(
        2, "http://a", method="POST", id="7", columns={"note": "x"}
    )
    assert task("7,http://a,,x", keep=False) == Task(2, "http://a", id="7")
    assert task("http://a", ("url",)) == Task(2, "http://a", columns={})


def test_the_column_of_the_urls_is_never_an_id_or_a_method() -> None:
    for name in ("id", "method"):
        made = csv_lines.task_maker(",", (name, "x"), name, True)
        assert made(2, "http://a,y") == Task(2, "http://a", columns={"x": "y"})


@pytest.mark.parametrize(
    ("text", "kind", "words"),
    [
        ("1,http://a,GET", "record", "the first line names 4 columns, and this one has 3"),
        ("1,http://a,GET,x,y", "record", "the first line names 4 columns, and this one has 5"),
        ("1,,GET,x", "record", "url: is empty"),
        ("1, ,GET,x", "record", "url: is empty"),
        ('1,http://a,GET,"x', "record", "a record must be one line: a quoted field is not closed"),
        ("http://a\r", "record", "a record must be one line: this one begins inside a quoted"),
        ("1,http://a,NO WAY,x", "field", "method: 'NO WAY' is not an HTTP method"),
    ],
)
def test_a_line_that_is_not_a_request_has_a_fault(text: str, kind: str, words: str) -> None:
    found_kind, found = fault(text)
    assert found_kind == kind
    assert found.startswith(words)


def test_a_faulty_line_keeps_what_could_be_read_of_it() -> None:
    wrong_method = task("7,http://a,NO WAY,x")
    assert (wrong_method.url, wrong_method.id) == ("http://a", "7")
    assert wrong_method.columns == {"note": "x"}
    assert task("begun inside\r").url == "begun inside"
    unreadable = task("x" * 5000)
    assert (len(unreadable.url), unreadable.id) == (2000, None)
