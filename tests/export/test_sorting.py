"""Rows are sorted by their lines in a table on disk."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fetcher.errors import DamageError
from fetcher.export.merged import Row
from fetcher.export.sorting import by_line
from fetcher.rows import jsonl
from support import outs


def row(line: int, part: int = 0) -> Row:
    return Row(outs.row(line), jsonl.encode(outs.row(line)), part)


@settings(max_examples=20, deadline=None)
@given(st.permutations([(line, line % 3) for line in range(1, 21)]))
def test_rows_come_by_line_whatever_their_order(order: list[tuple[int, int]]) -> None:
    rows = [row(line, part) for line, part in order]
    assert list(by_line(rows)) == sorted(rows, key=lambda each: each.result.line)


def test_two_rows_of_one_line_are_damage() -> None:
    with pytest.raises(DamageError, match=r"^--sort .*some line has two rows"):
        list(by_line([row(1), row(2), row(1)]))


def test_without_rows_nothing_comes() -> None:
    assert list(by_line([])) == []
