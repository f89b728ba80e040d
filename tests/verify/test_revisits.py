"""Each revisit refers to a whole response that is there."""

from __future__ import annotations

import itertools
from typing import NamedTuple

import pytest

from fetcher.verify.revisits import RevisitCheck


class Headers(NamedTuple):
    values: dict[str, str]

    def get_header(self, name: str) -> str | None:
        return self.values.get(name)


class Record(NamedTuple):
    rec_type: str
    rec_headers: Headers


def response(url: str, date: str = "d1", digest: str = "x", *, cut: bool = False) -> Record:
    headers = {"WARC-Payload-Digest": digest, "WARC-Target-URI": url, "WARC-Date": date}
    if cut:
        headers["WARC-Truncated"] = "disconnect"
    return Record("response", Headers(headers))


def revisit(url: str, date: str = "d1", digest: str = "x") -> Record:
    headers = {"WARC-Target-URI": "other", "WARC-Date": "d9", "WARC-Payload-Digest": digest}
    headers |= {"WARC-Refers-To-Target-URI": url, "WARC-Refers-To-Date": date}
    return Record("revisit", Headers(headers))


def missing(*records: Record) -> list[str]:
    with RevisitCheck() as check:
        for record in records:
            check.add(record)
        return list(check.missing())


def test_revisits_of_what_is_there_are_right_in_any_order() -> None:
    records = [response("a"), response("b"), revisit("a"), revisit("a"), revisit("b")]
    for order in itertools.permutations(records):
        assert missing(*order) == []


@pytest.mark.parametrize(
    ("found", "asked"),
    [
        (response("b"), revisit("a")),
        (response("a", date="d2"), revisit("a")),
        (response("a", digest="y"), revisit("a")),
        (response("a", cut=True), revisit("a")),
        (Record("request", response("a").rec_headers), revisit("a")),
    ],
)
def test_a_revisit_of_another_record_is_named(found: Record, asked: Record) -> None:
    assert missing(found, asked) == ["d1 x a"]


def test_each_missing_record_is_named_for_each_revisit() -> None:
    assert missing(revisit("a"), revisit("a"), response("b"), revisit("b")) == ["d1 x a"] * 2


def test_without_revisits_nothing_is_missing() -> None:
    assert missing(response("a"), response("b")) == []
