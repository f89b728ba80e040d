"""Which rows are asked for again, and that a reader sees no other lines than the chosen."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fetcher import bitset
from fetcher.errors import UsageError
from fetcher.input import formats, selection
from fetcher.input.formats import TEXT, LineFormat
from fetcher.input.selection import RETRYABLE, SelectingReader, Wanted


class Lines:
    """A set of line numbers."""

    def __init__(self, lines: set[int]) -> None:
        self._lines = lines

    def mask(self, first_line: int, count: int) -> int:
        return bitset.mask_of(n - first_line for n in self._lines if 0 <= n - first_line < count)


def test_without_options_it_is_what_another_try_could_change() -> None:
    wanted = selection.parse(None, None)
    assert wanted == RETRYABLE
    assert wanted.codes() == {429, *range(500, 600)}
    assert "invalid_url" not in wanted.outcomes


def test_options_are_sets_in_any_order_and_case() -> None:
    wanted = selection.parse(" timeout,dns,DNS ", "5XX,404,")
    assert wanted == selection.parse("dns,timeout", "404,5xx")
    assert str(wanted) == "--outcome dns,timeout --status 404,5xx"
    assert selection.parse(None, "503") == Wanted((), ("503",))


@pytest.mark.parametrize("text", ["failed", "!ok", "all,!ok"])
def test_failed_is_stored_as_its_outcomes_and_shown_as_the_word(text: str) -> None:
    wanted = selection.parse(text, None)
    assert "ok" not in wanted.outcomes
    assert {"http_error", "timeout"} < set(wanted.outcomes)
    assert str(wanted) == "--outcome failed"


@pytest.mark.parametrize(
    ("outcomes", "statuses", "why"),
    [
        (
            "timeouts",
            None,
            r"--outcome timeouts: there is no such outcome \(did you mean timeout\?\)",
        ),
        (None, "5x", "--status 5x: write a status such as 404"),
        (None, "600", "--status 600"),
        (None, "x04", "--status x04"),
        ("", None, "name at least one"),
    ],
)
def test_what_cannot_be_asked_for_is_named(
    outcomes: str | None, statuses: str | None, why: str
) -> None:
    with pytest.raises(UsageError, match=why):
        selection.parse(outcomes, statuses)


@given(st.sets(st.integers(1, 60)), st.lists(st.integers(0, 9), max_size=12))
def test_a_reader_of_chosen_lines_gives_these_and_no_others(
    chosen: set[int], sizes: list[int]
) -> None:
    reader = SelectingReader(formats.reader(TEXT), Lines(chosen))
    number = 0
    for size in sizes:
        block = [
            b"# c" if n % 7 == 0 else b" u%d" % n for n in range(number + 1, number + 1 + size)
        ]
        expected = [
            b"u%d" % n if n in chosen and n % 7 else b""
            for n in range(number + 1, number + 1 + size)
        ]
        assert reader(block) == expected
        number += size


def test_a_csv_record_after_lines_that_are_not_chosen_is_read_as_ever() -> None:
    csv = LineFormat("csv", ",", ("url", "note"), "url")
    block = [b"url,note", b'http://a,"over', b'lines"', b"http://b,x"]
    whole = formats.reader(csv)(block)
    assert SelectingReader(formats.reader(csv), Lines({4}))(block) == [b"", b"", b"", whole[3]]
    assert SelectingReader(formats.reader(csv), Lines({3}))(block) == [b"", b"", whole[2], b""]
