"""A result as a line of JSON, and back."""

from __future__ import annotations

import json

from fetcher.model import Outcome, Result, Timings
from fetcher.rows import jsonl

RESULT = Result(
    line=3,
    url='http://ä.example/\u2028?q=\n"',
    outcome=Outcome.OK,
    status=200,
    final_url="http://b/",
    redirects=("http://b/",),
    headers=[("A", "1"), ("A", "2")],
    content_type="text/html",
    body_bytes=5,
    wire_bytes=4,
    sha256="00",
    started_at=1.5,
    timings_ms=Timings(first_byte=1.0, total=2.0),
    remote_ip="127.0.0.1",
    http_version="1.1",
    worker="w",
)
OPTIONAL = {"error_kind", "id", "columns", "truncated", "extra"}
OPTIONAL |= {"body", "body_is", "body_file", "warc_id"} | {"depth", "found_on", "via"}
OPTIONAL |= {"location", "title", "unchanged"}


def test_a_row_is_one_line_with_every_key_in_order() -> None:
    row = jsonl.encode(RESULT)
    assert row.endswith(b"}\n")
    assert row.count(b"\n") == 1
    always = [name for name in Result.__struct_fields__ if name not in OPTIONAL]
    assert list(json.loads(row)) == always
    empty = json.loads(jsonl.encode(Result(1, "u", Outcome.DNS)))
    assert list(empty) == always
    assert empty["status"] is None


def test_a_kind_of_error_is_next_to_the_error_and_only_in_rows_that_have_one() -> None:
    row = jsonl.encode(Result(1, "u", Outcome.DNS, error="gone", error_kind="no_such_name"))
    assert b'"error":"gone","error_kind":"no_such_name","headers"' in row
    assert jsonl.decode(row).error_kind == "no_such_name"
    assert b"error_kind" not in jsonl.encode(RESULT)


def test_id_and_columns_are_in_the_rows_of_such_input_as_has_them() -> None:
    row = jsonl.encode(Result(1, "u", Outcome.DNS, id=7, columns={"a": "b"}))
    assert row.endswith(b',"id":7,"columns":{"a":"b"}}\n')
    assert jsonl.decode(row).id == 7


def test_a_row_read_back_is_the_result() -> None:
    assert jsonl.decode(jsonl.encode(RESULT)) == RESULT


def test_text_that_utf_8_cannot_carry_is_escaped_and_not_an_error() -> None:
    row = jsonl.encode(Result(1, "http://\udcff/", Outcome.OK, headers=[("X", "\ud800")]))
    assert json.loads(row)["url"] == "http://\\udcff/"
    assert json.loads(row)["headers"] == [["X", "\\ud800"]]
    assert jsonl.decode(row).outcome is Outcome.OK
