"""Lines of a log by their numbers, from several files of which a part is committed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fetcher.errors import DamageError
from fetcher.store import log_reader
from fetcher.store.log_reader import LogReader, Part


def written(directory: Path, sizes: Sequence[int], torn: bytes = b"torn\n") -> list[Part]:
    """Files with so many lines each, and bytes after the committed ones."""
    parts, line = [], 1
    for number, size in enumerate(sizes):
        data = b"".join(b"line %d\n" % n for n in range(line, line + size))
        path = directory / f"part-{number}"
        path.write_bytes(data + torn)
        parts.append(Part(path, len(data)))
        line += size
    return parts


def texts(first: int, end: int) -> list[bytes]:
    return [b"line %d" % n for n in range(first, end)]


@settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    sizes=st.lists(st.integers(0, 12), min_size=1, max_size=4),
    asked=st.lists(st.tuples(st.integers(1, 40), st.integers(0, 10)), max_size=6),
)
def test_any_lines_are_read_in_any_order(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    sizes: list[int],
    asked: list[tuple[int, int]],
) -> None:
    monkeypatch.setattr(log_reader, "_EVERY_LINES", 3)
    monkeypatch.setattr(log_reader, "_BLOCK_BYTES", 20)
    parts, lines, reader = written(tmp_path, sizes), sum(sizes), LogReader()
    for first, count in asked:
        end = min(first + count, lines + 1)
        assert list(reader.texts(parts, first, end)) == texts(first, end)


def test_lines_that_were_appended_since_are_read_as_well(tmp_path: Path) -> None:
    reader = LogReader()
    assert list(reader.texts(written(tmp_path, [3]), 1, 4)) == texts(1, 4)
    assert list(reader.texts(written(tmp_path, [5, 2]), 2, 8)) == texts(2, 8)


def test_reading_on_begins_near_the_last_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log_reader, "_EVERY_LINES", 4)
    parts, reader = written(tmp_path, [10, 10]), LogReader()
    list(reader.texts(parts, 1, 21))
    parts[0].path.unlink()  # it is not needed for what follows
    assert list(reader.texts(parts, 18, 21)) == texts(18, 21)


def test_reading_on_reads_nothing_of_the_lines_before(tmp_path: Path) -> None:
    parts, reader = written(tmp_path, [10]), LogReader()
    read = reader.texts(parts, 1, 6)
    assert [next(read) for _ in range(5)] == texts(1, 6)  # its end is not asked for
    before = sum(len(text) + 1 for text in texts(1, 6))
    with parts[0].path.open("r+b") as file:
        file.write(b"x" * before)  # without line feeds: who counts them finds other lines
    assert list(reader.texts(parts, 6, 9)) == texts(6, 9)


def test_a_line_may_be_longer_than_what_is_read_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log_reader, "_BLOCK_BYTES", 3)
    assert list(LogReader().texts(written(tmp_path, [4, 4]), 3, 8)) == texts(3, 8)


def test_a_line_that_is_missing_is_damage_after_those_before_it(tmp_path: Path) -> None:
    found = LogReader().texts(written(tmp_path, [3]), 2, 6)
    assert [next(found), next(found)] == texts(2, 4)
    with pytest.raises(DamageError, match="part-0: line 5 of the log is missing"):
        next(found)
