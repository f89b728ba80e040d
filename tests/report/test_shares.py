"""The rows of a report's tables, made of counts."""

from __future__ import annotations

from collections import Counter

import pytest

from fetcher.report.aggregate import MANY_HOPS, Count
from fetcher.report.shares import (
    Quantiles,
    Share,
    body_bytes,
    by_number,
    most_frequent,
    plain,
    quantiles,
    share,
)
from fetcher.report.sketches import Bounded, LogHistogram


def table(**rows: int) -> Bounded[str, Count]:
    made = Bounded[str, Count](500, Count, "rows")
    for name, count in rows.items():
        made[name].rows = count
    return made


def test_the_most_frequent_names_come_first_and_all_others_are_one() -> None:
    found = most_frequent(table(a=1, b=5, c=2, d=2), 2, whole=10)
    assert found == [Share("b", 5, 0.5), Share("c", 2, 0.2), Share("all others", 3, 0.3)]


def test_rows_that_a_full_table_has_lost_are_among_the_others() -> None:
    assert most_frequent(table(a=1), 5, whole=4) == [
        Share("a", 1, 0.25),
        Share("all others", 3, 0.75),
    ]


def test_where_all_names_are_shown_there_are_no_others() -> None:
    made = table(a=3)
    made["a"].failed, made["a"].bodies, made["a"].body_bytes = 1, 2, 70
    assert most_frequent(made, 5, whole=3) == [Share("a", 3, 1.0, 1, 70)]


def test_a_share_of_nothing_is_zero() -> None:
    assert share("a", 0, 0) == Share("a", 0, 0.0)


def test_rows_by_number_are_in_order_and_without_zeros() -> None:
    found = by_number(Counter({MANY_HOPS: 1, 3: 0, 2: 5, 10: 4}), 10)
    assert [(each.name, each.rows) for each in found] == [
        ("2", 5),
        ("10", 4),
        (f"{MANY_HOPS} or more", 1),
    ]


def test_bytes_of_no_body_are_not_zero_but_none() -> None:
    count = Count()
    assert body_bytes(count) is None
    count.bodies = 1
    assert body_bytes(count) == 0


@pytest.mark.parametrize(
    ("text", "most", "shown"),
    [
        ("a" * 200, 200, "a" * 200),
        ("a" * 201, 200, "a" * 199 + "…"),
        ("a\x1b\u202eb", 200, "a\\x1b\\u202eb"),
        ("abc", 2, "a…"),
    ],
)
def test_a_text_is_cut_and_escaped(text: str, most: int, shown: str) -> None:
    assert plain(text, most) == shown


def test_quantiles_of_one_value_are_that_value() -> None:
    values = LogHistogram()
    values.add(7.0)
    found = quantiles("dns", values)
    assert found == Quantiles("dns", "looking the name up", 1, 7.0, 7.0, 7.0, 7.0, 7.0)
    assert quantiles("body", values).meaning == ""
