"""A row of the API: typed fields, and a few conveniences."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from fetcher.api.row import Row
from fetcher.model import Outcome
from fetcher.rows import jsonl
from fetcher.rows.forms import decoder


def row(outcome: Outcome = Outcome.OK, **fields: Any) -> Row:
    return Row(line=1, url="http://a/", outcome=outcome, **fields)


@pytest.mark.parametrize("outcome", Outcome)
def test_only_the_outcome_ok_is_ok(outcome: Outcome) -> None:
    assert row(outcome).ok == (outcome is Outcome.OK)


def test_a_header_is_found_whatever_its_case_and_the_first_counts() -> None:
    found = row(headers=[("Server", "a"), ("X-A", "1"), ("x-a", "2")])
    assert (found.header("X-a"), found.header("SERVER"), found.header("via")) == ("1", "a", None)


@pytest.mark.parametrize(
    ("fields", "text", "content"),
    [
        ({}, None, None),
        ({"body": "é", "body_is": "text"}, "é", "é".encode()),
        ({"body": "", "body_is": "text"}, "", b""),
        (
            {"body": base64.b64encode(b"\x00\xff").decode(), "body_is": "base64"},
            None,
            b"\x00\xff",
        ),
    ],
)
def test_the_body_is_text_only_where_it_was_kept_as_text(
    fields: dict[str, Any], text: str | None, content: bytes | None
) -> None:
    found = row(**fields)
    assert (found.text, found.content) == (text, content)


def test_a_row_of_a_file_has_none_for_what_it_lacks_and_its_finder() -> None:
    decode = decoder("jsonl", Row)
    bare = decode(jsonl.encode(row()))
    assert bare == row()
    absent = (bare.id, bare.columns, bare.body, bare.extra, bare.error_kind, bare.title, bare.depth)
    assert set(absent) == {None}
    assert bare.truncated is False
    assert decode(b'{"line":5,"url":"u","outcome":"dns","from":3}').found_on == 3
