"""Numbers by line, in a temporary file."""

from __future__ import annotations

import errno
import os
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fetcher.errors import NoSpaceError
from fetcher.store.line_numbers import LineNumbers


@settings(max_examples=30)
@given(st.dictionaries(st.integers(1, 50), st.integers(0, (1 << 64) - 1)))
def test_each_line_has_the_number_that_was_set_last_or_0(numbers: dict[int, int]) -> None:
    with LineNumbers(50) as found:
        for line, number in numbers.items():
            found[line] = 7
            found[line] = number
        assert [found[line] for line in range(1, 51)] == [
            numbers.get(line, 0) for line in range(1, 51)
        ]


def test_a_line_beyond_the_last_one_has_no_place() -> None:
    with LineNumbers(3) as numbers, pytest.raises(IndexError):
        numbers[4] = 1


def test_a_job_without_lines_has_numbers_too() -> None:
    with LineNumbers(0):
        pass


def test_the_room_is_taken_at_once_and_a_full_disk_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    asked = []

    def full(_fd: int, start: int, size: int) -> None:
        asked.append((start, size))
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "posix_fallocate", full)
    with pytest.raises(NoSpaceError, match=f"^{tmp_path}: No space left"):
        LineNumbers(1000)
    assert asked == [(0, 8000)]
    assert not list(tmp_path.iterdir())
