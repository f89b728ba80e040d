"""`--where`: valid and invalid conditions."""

from __future__ import annotations

import pytest

from fetcher.errors import UsageError
from fetcher.export.filters import conditions
from support import kinds


def lines(*where: str) -> list[int]:
    met = conditions(where, kinds.FORMAT)
    return [row.line for row in kinds.rows() if all(each(row) for each in met)]


@pytest.mark.parametrize(
    ("where", "taken"),
    [
        ("outcome=ok", [2, 6]),
        ("outcome != ok", [3, 4, 5]),
        ("outcome=failed", [3, 4, 5]),
        ("outcome=!ok", [3, 4, 5]),
        ("outcome=ok,timeout", [2, 5, 6]),
        ("outcome!=failed", [2, 6]),
        ("outcome=", []),
        ("status>=500", [3]),
        ("status<204", [2]),
        ("status <= 204", [2, 6]),
        ("status=", [4, 5]),
        ("status!=", [2, 3, 6]),
        ("status!=200", [3, 4, 5, 6]),
        ("error=", [2, 3, 6]),
        ("error~^la", [5]),
        ("error_kind=total", [5]),
        ("error_kind!=total", [2, 3, 4, 6]),
        ("error_kind=", [2, 3, 6]),
        ("error_kind~^(total|scheme)$", [4, 5]),
        ("outcome~ok|timeout", [2, 5, 6]),
        ("url!~^http://", [4]),
        ("url=@bad", [4]),
        ("id=7", [3]),
        ("id=", [4, 6]),
        ("id==id", [2]),
        ("headers.SERVER=", [3, 4, 5, 6]),
        ("headers.set-cookie=a", [2]),
        ("columns.country=-de", [2]),
        ("total_ms>3.9", [2]),
        ("started_at>=2023-11-14", [2]),
        ("started_at<1970-01-01T00:00:01+00:00", [6]),
        ("started_at=0.5", [6]),
        ("body_bytes>4999999999", [2]),
    ],
)
def test_a_condition_takes_these_rows(where: str, taken: list[int]) -> None:
    assert lines(where) == taken


def test_all_conditions_must_be_met() -> None:
    assert lines("outcome=ok", "status>200") == [6]
    assert lines() == [2, 3, 4, 5, 6]


@pytest.mark.parametrize(
    ("where", "why"),
    [
        ("outcome", "write it as COLUMN=VALUE"),
        ("=ok", "write it as COLUMN=VALUE"),
        ("colour=red", "there is no column 'colour'; there are line, url"),
        ("columns.planet=earth", "there is no column 'columns.planet'.*columns.country"),
        ("error_kind=slow", "there is no such error_kind; use address, bad_answer"),
        ("outcome=okay", r"okay: there is no such outcome \(did you mean ok\?\)"),
        ("status=5xx", "status is a whole number, and '5xx' is not"),
        ("total_ms>long", "total_ms is a number, and 'long' is not"),
        ("started_at>yesterday", "'yesterday' is not a time"),
        ("url>a", "url is a text"),
        ("status~5..", "status is not a text"),
        ("url~(", "not a regular expression"),
        ("headers=x", r"headers cannot be compared \(headers.NAME can\)"),
    ],
)
def test_a_malformed_condition_is_named(where: str, why: str) -> None:
    with pytest.raises(UsageError, match=why) as caught:
        conditions([where], kinds.FORMAT)
    assert repr(where) in str(caught.value)
