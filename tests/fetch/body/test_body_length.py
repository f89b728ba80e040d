"""How long a body is by its head."""

from __future__ import annotations

import pytest

from fetcher.error_kinds import ErrorKind
from fetcher.fetch.body.body_length import declared_length, length_to_count
from fetcher.fetch.failures import Failure
from fetcher.fetch.header_text import Headers
from fetcher.fetch.transfer.head import notable_of

MAX = 2**63 - 1


def head(*lengths: str, coding: str | None = None) -> Headers:
    """The notable headers of a head."""
    headers = [("Server", "x"), *(("Content-Length", length) for length in lengths)]
    return notable_of(headers if coding is None else [*headers, ("transfer-ENCODING", coding)])


def to_count(notable: Headers, method: str = "GET", status: int = 200) -> int | None:
    return length_to_count(method, status, notable, dict(notable))


@pytest.mark.parametrize(
    ("headers", "length"),
    [
        (head(), None),
        (head("5"), 5),
        (head(" 005 "), 5),
        (head("0"), 0),
        (head("5", "5"), 5),
        (head("5, 5"), 5),
        (head("5", "6"), None),  # libcurl refuses it
        (head("five"), None),
        (head("-5"), None),
        (head("\u0665"), None),
        (head(""), None),
        (head(str(MAX + 1)), MAX + 1),
        (head("9" * 31), 10**30 - 1),
        (head("5", coding="identity"), 5),
        (head("5", coding="chunked"), None),
        (head("5", coding="gzip, Chunked"), None),
    ],
)
def test_a_body_is_as_long_as_its_head_says(headers: Headers, length: int | None) -> None:
    assert declared_length("GET", 200, headers) == length


@pytest.mark.parametrize(("method", "status"), [("HEAD", 200), ("GET", 204), ("GET", 304)])
def test_an_answer_that_may_have_no_body_has_none(method: str, status: int) -> None:
    assert declared_length(method, status, head("5")) == 0
    assert to_count(head("5", coding="identity"), method, status) is None


@pytest.mark.parametrize(
    ("headers", "length"),
    [
        (head(), None),
        (head("5"), None),
        (head("5", "5"), None),
        (head("9" * 18), None),
        (head(str(MAX)), None),
        (head(str(MAX + 1)), MAX + 1),
        (head("5", coding="identity"), 5),
        (head("5", coding=""), 5),
        (head("5", coding="chunked"), None),
        (head(coding="identity"), None),
    ],
)
def test_bytes_are_counted_only_where_libcurl_does_not(
    headers: Headers, length: int | None
) -> None:
    assert to_count(headers) == length


@pytest.mark.parametrize("lengths", [("5", str(MAX + 1)), (f"5, {MAX + 1}",)])
def test_lengths_that_differ_are_a_failure_where_libcurl_reads_only_one(
    lengths: tuple[str, ...],
) -> None:
    with pytest.raises(Failure) as declared:
        declared_length("GET", 200, head(*lengths))
    with pytest.raises(Failure) as counted:
        to_count(head(*lengths))
    for caught in (declared, counted):
        assert caught.value.kind is ErrorKind.PROTOCOL_BAD_LENGTH
