"""Pieces of files are found by their numbers, whatever is wrong with files and numbers."""

from __future__ import annotations

import contextlib
from pathlib import Path

import pytest

from fetcher.errors import DamageError
from fetcher.store.pieces import Pieces, PieceTable


@pytest.fixture
def files(tmp_path: Path) -> list[str]:
    """Two files of pieces."""
    for name, content in (("a", b"0123456789"), ("b", b"abcdefghij")):
        (tmp_path / name).write_bytes(content)
    return [str(tmp_path / "a"), str(tmp_path / "b")]


def test_each_number_has_its_piece_and_others_have_none(tmp_path: Path, files: list[str]) -> None:
    with PieceTable(tmp_path / "t", 4) as table:
        table.put(1, 0, 2, 3)
        table.put(4, 1, 0, 10)
        table.put(2, 0, 0, 1)
        table.put(2, 1, 9, 1)
    with contextlib.closing(Pieces(tmp_path / "t", files)) as pieces:
        found = [pieces.of(number) for number in range(6)]
        assert found == [b"", b"234", b"j", b"", b"abcdefghij", b""]
        assert pieces.piece_of(4) == (b"abcdefghij", 1)


def test_a_table_for_no_line_is_empty(tmp_path: Path) -> None:
    with PieceTable(tmp_path / "t", 0):
        pass
    with contextlib.closing(Pieces(tmp_path / "t", [])) as pieces:
        assert pieces.of(1) == b""


def test_a_file_that_became_shorter_or_is_missing_is_damage(
    tmp_path: Path, files: list[str]
) -> None:
    with PieceTable(tmp_path / "t", 1) as table:
        table.put(1, 0, 5, 6)
    with (
        contextlib.closing(Pieces(tmp_path / "t", files)) as pieces,
        pytest.raises(DamageError, match="shorter"),
    ):
        pieces.of(1)
    with pytest.raises(DamageError, match="missing"):
        Pieces(tmp_path / "t", [str(tmp_path / "missing")])
