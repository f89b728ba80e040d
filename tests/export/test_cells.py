"""Values become cells for formats without lists."""

from __future__ import annotations

import pytest

from fetcher.errors import DamageError
from fetcher.export.cells import cell, json_text, utc
from fetcher.export.columns import Column, Kind
from fetcher.model import Outcome, Result

ROW = Result(1, "http://a/", Outcome.OK)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "1970-01-01T00:00:00.000000Z"),
        (1_700_000_000.123456, "2023-11-14T22:13:20.123456Z"),
        (-1.5, "1969-12-31T23:59:58.500000Z"),
    ],
)
def test_a_time_is_written_in_utc_with_microseconds(seconds: float, text: str) -> None:
    assert utc(seconds) == text


@pytest.mark.parametrize("seconds", [1e18, float("inf"), float("nan")])
def test_a_time_that_no_calendar_has_is_damage(seconds: float) -> None:
    with pytest.raises(DamageError, match=r"^started_at: .* is not a time"):
        utc(seconds)


@pytest.mark.parametrize(
    ("kind", "value", "expected"),
    [
        (Kind.INT, -9, -9),
        (Kind.REAL, 1.5, 1.5),
        (Kind.TEXT, "ä", "ä"),
        (Kind.ID, 7, 7),
        (Kind.TIME, 0.5, "1970-01-01T00:00:00.500000Z"),
        (Kind.TEXTS, ("a", "b"), '["a","b"]'),
        (Kind.PAIRS, [("a", "ü")], '[["a","ü"]]'),
        (Kind.MAP, {"a": "b"}, '{"a":"b"}'),
        (Kind.JSON, {"a": [1, None]}, '{"a":[1,null]}'),
        (Kind.FLAG, True, "true"),
    ],
)
def test_lists_and_objects_are_json_and_other_values_stay(
    kind: Kind, value: object, expected: object
) -> None:
    assert cell(Column("c", kind, lambda _: value))(ROW) == expected
    assert cell(Column("c", kind, lambda _: None))(ROW) is None


def test_json_is_short_and_not_escaped() -> None:
    assert json_text({"é": [1, 2]}) == '{"é":[1,2]}'
