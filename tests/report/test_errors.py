"""The section on errors: the largest groups, and how many rows the others have."""

from __future__ import annotations

from fetcher.model import Outcome
from fetcher.report.aggregate import Aggregate, Row
from fetcher.report.errors import errors
from fetcher.report.shares import Share


def sums_of(*rows: tuple[Outcome, str, str | None]) -> Aggregate:
    """Rows with an outcome, an error and its kind."""
    sums = Aggregate()
    for line, (outcome, error, kind) in enumerate(rows, 1):
        sums.add(Row(line, f"http://h.test/{line}", outcome, error=error, error_kind=kind))
    return sums


def test_groups_are_listed_by_size_with_their_share_of_the_failed_rows() -> None:
    late = (Outcome.TIMEOUT, "took 5 s", "total")
    found = errors(
        sums_of(late, (Outcome.DNS, "no name", None), late, (Outcome.OK, "", None), late)
    )
    assert [(each.name, each.text, each.rows, each.share) for each in found.failures] == [
        ("timeout total", "took 5 s", 3, 0.75),
        ("dns", "no name", 1, 0.25),
    ]
    assert found.kinds == [Share("timeout total", 3, 0.75), Share("dns", 1, 0.25)]
    assert found.not_shown == 0


def test_texts_that_differ_are_shown_by_their_pattern_with_examples() -> None:
    found = errors(
        sums_of((Outcome.TIMEOUT, "took 5 s", None), (Outcome.TIMEOUT, "took 6 s\x1b[31m", None))
    )
    (failure, other) = found.failures
    assert (failure.text, other.text) == ("took 5 s", "took 6 s\\x1b[31m")
    same = errors(sums_of((Outcome.TIMEOUT, "took 5 s", None), (Outcome.TIMEOUT, "took 6 s", None)))
    (failure,) = same.failures
    assert failure.text == "took N s"
    assert [(each.line, each.url, each.error) for each in failure.examples] == [
        (1, "http://h.test/1", "took 5 s"),
        (2, "http://h.test/2", "took 6 s"),
    ]


def test_rows_of_groups_that_are_not_shown_are_counted() -> None:
    words = [f"{chr(97 + n)}{chr(98 + n)}" for n in range(22)]
    found = errors(sums_of(*((Outcome.DNS, word, None) for word in (*words, words[0]))))
    assert len(found.failures) == 20
    assert found.failures[0].rows == 2
    assert found.not_shown == 2


def test_without_failed_rows_the_section_is_empty() -> None:
    found = errors(sums_of((Outcome.OK, "", None)))
    assert (found.kinds, found.failures, found.not_shown) == ([], [], 0)
