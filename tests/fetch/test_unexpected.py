"""Unexpected exceptions are logged, the first few of each place."""

from __future__ import annotations

import logging

import pytest

from fetcher.fetch.unexpected import Defects, one_line


def test_the_first_three_are_logged_and_then_that_there_are_more(
    caplog: pytest.LogCaptureFixture,
) -> None:
    defects = Defects(logging.getLogger("here"))
    for number in range(5):
        try:
            raise ValueError(f"odd {number}")
        except ValueError:
            defects.log("line %d failed", number)
    said = [record.getMessage() for record in caplog.records]
    assert said == [
        "line 0 failed",
        "line 1 failed",
        "line 2 failed",
        "more such failures are only in their rows",
    ]
    assert "ValueError: odd 2" in caplog.text


def test_an_error_is_one_line_with_its_class() -> None:
    assert one_line(ValueError("a\n  b\tc")) == "ValueError: a b c"
    assert one_line(KeyError()) == "KeyError:"
