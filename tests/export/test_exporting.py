"""An export writes chosen rows; its writer is closed at the end, and abandoned after an error."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import pytest

from fetcher.errors import DamageError, UsageError
from fetcher.export.columns import Record
from fetcher.export.exporting import Export, chosen_links, chosen_rows
from fetcher.export.filters import conditions, conditions_on
from fetcher.export.forms import Form
from fetcher.export.links import Link, LinkRow, find
from fetcher.export.merged import Merged, Row
from fetcher.input.formats import TEXT
from fetcher.model import Outcome
from support import outs


class _Form(Form):
    """Notes what its writer is asked to do."""

    def __init__(self) -> None:
        self.said: list[str] = []

    def writer(self, file: BinaryIO, path: Path | None) -> _Form:
        self.said.append("file" if path else "stream")
        self.file = file
        return self

    def write(self, row: Record) -> None:
        self.file.write(b"%d\n" % row.result.line)

    def close(self) -> None:
        self.said.append("closed")

    def abandon(self) -> None:
        self.said.append("abandoned")


def rows(*lines: int) -> list[Row]:
    return [Row(outs.row(line), b"") for line in lines]


def failing() -> Iterator[Row]:
    yield from rows(1)
    raise DamageError("the second row")


def test_a_stream_gets_the_rows_and_their_number_is_returned() -> None:
    form, file = _Form(), io.BytesIO()
    assert Export(rows(3, 1), form, []).to_stream(file) == 2
    assert (form.said, file.getvalue()) == (["stream", "closed"], b"3\n1\n")


def test_a_file_appears_whole_or_not_at_all(tmp_path: Path) -> None:
    form, path = _Form(), tmp_path / "rows"
    with pytest.raises(DamageError):
        Export(failing(), form, []).to_file(path, force=False)
    assert form.said == ["file", "abandoned"]
    assert list(tmp_path.iterdir()) == []
    assert Export(rows(1, 2), _Form(), []).to_file(path, force=False) == 2
    assert path.read_bytes() == b"1\n2\n"


def test_a_file_that_may_not_be_made_is_refused_before_a_row_is_read(tmp_path: Path) -> None:
    form, path = _Form(), tmp_path / "rows"
    path.touch()
    with pytest.raises(UsageError, match="exists already"):
        Export(failing(), form, []).to_file(path, force=False)
    assert form.said == []


def test_rows_must_meet_all_conditions_and_may_be_sorted(tmp_path: Path) -> None:
    made = [outs.row(line, Outcome.DNS if line % 2 else Outcome.OK) for line in (9, 2, 5, 3)]
    out = outs.make_out(tmp_path / "out", outs.write_input(tmp_path / "urls.txt", 9), made)
    merged = Merged([out], partial=True)
    both = conditions(["outcome=dns", "line<9"], TEXT)
    assert {row.result.line for row in chosen_rows(merged, both, sort=False)} == {5, 3}
    assert [row.result.line for row in chosen_rows(merged, both, sort=True)] == [3, 5]
    assert [row.result.line for row in chosen_rows(merged, [], sort=True)] == [2, 3, 5, 9]


def test_links_must_meet_all_conditions() -> None:
    links = [
        LinkRow(Link(line=1, from_url="http://a/", to=to, to_url="http://b/"), b"")
        for to in (2, 3, 4)
    ]
    met = conditions_on(["to>2", "to<4"], find)
    assert [row.result.to for row in chosen_links(links, met)] == [3]
