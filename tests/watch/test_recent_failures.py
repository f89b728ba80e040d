"""The lines that failed lately are read from the newest rows, each once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import pytest

from fetcher.errors import DamageError
from fetcher.model import Outcome, Result
from fetcher.protocol.bounds import MAX_FAILED_LINES
from fetcher.protocol.output_spec import PLAIN, Output
from fetcher.rows.forms import CODECS
from fetcher.store import manifest
from fetcher.watch import recent_failures
from fetcher.watch.recent_failures import RecentFailures
from support.outs import make_out, row, write_input


class Rows:
    """The rows of one segment, to which more are added."""

    def __init__(self, tmp_path: Path, output: Output = PLAIN) -> None:
        out = make_out(tmp_path / "out", write_input(tmp_path / "urls.txt", 1), [], output=output)
        found = manifest.read(out)
        assert found is not None
        self._suffix = output.suffix
        self._encode = CODECS[output.rows].encode
        self._lengths: dict[str, int] = {}
        self.folder = out / "results"
        self.folder.mkdir(exist_ok=True)
        self.failures = RecentFailures(out, found)

    def add(self, results: Iterable[Result], number: int = 0) -> None:
        name = f"part-{number:05}{self._suffix}"
        with (self.folder / name).open("ab") as file:
            file.write(b"".join(map(self._encode, results)))
            self._lengths[name] = file.tell()

    def look(self) -> list[int]:
        """The lines that failed lately."""
        return [each.line for each in self.failures.look(self._lengths)]


def failed(*lines: int) -> list[Result]:
    return [row(line, Outcome.DNS) for line in lines]


def fine(count: int) -> list[Result]:
    return [row(line) for line in range(1, count + 1)]


@pytest.mark.parametrize("output", [PLAIN, Output("msgpack")])
def test_each_look_reads_on_from_the_last_one(tmp_path: Path, output: Output) -> None:
    rows = Rows(tmp_path, output)
    assert rows.look() == []
    rows.add([*failed(3), row(4), *failed(5)])
    assert rows.look() == [3, 5]
    assert rows.look() == [3, 5]
    rows.add(failed(9))
    assert rows.look() == [3, 5, 9]


def test_a_new_segment_is_read_from_its_beginning(tmp_path: Path) -> None:
    rows = Rows(tmp_path)
    rows.add(failed(1, 2))
    assert rows.look() == [1, 2]
    rows.add(failed(3, 4), number=1)
    assert rows.look() == [1, 2, 3, 4]


def test_only_the_newest_are_kept(tmp_path: Path) -> None:
    rows = Rows(tmp_path)
    rows.add(failed(*range(1, 2 * MAX_FAILED_LINES + 1)))
    assert rows.look() == list(range(MAX_FAILED_LINES + 1, 2 * MAX_FAILED_LINES + 1))


def test_at_first_only_the_end_of_a_large_segment_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recent_failures, "_FIRST_BYTES", 1000)
    rows = Rows(tmp_path)
    rows.add([*failed(1), *fine(100), *failed(7)])
    assert rows.look() == [7]
    packed = Rows(tmp_path / "packed", Output("msgpack")) if _made(tmp_path / "packed") else rows
    packed.add([*failed(1), *fine(200), *failed(7)])
    assert packed.look() == [], "its rows can only be read from the end of a commit"
    packed.add(failed(8))
    assert packed.look() == [8]


def _made(folder: Path) -> bool:
    folder.mkdir()
    return True


@pytest.mark.parametrize("limit", [("_MOST_ROWS", 3), ("_MOST_BYTES", 300)])
def test_of_many_new_rows_the_first_ones_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limit: tuple[str, int]
) -> None:
    monkeypatch.setattr(recent_failures, *limit)
    rows = Rows(tmp_path)
    rows.add(failed(*range(1, 50)))
    seen = rows.look()
    assert seen[0] == 1 and len(seen) <= 3
    rows.add(failed(60))
    assert rows.look() == [*seen, 60], "what was not read is skipped"


def test_a_damaged_row_is_named_by_its_file(tmp_path: Path) -> None:
    rows = Rows(tmp_path)
    rows.add(failed(1))
    path: Sequence[Path] = list(rows.folder.iterdir())
    path[0].write_bytes(path[0].read_bytes().replace(b'"line":1', b'"line":x'))
    with pytest.raises(DamageError, match=r"part-00000\.jsonl: holds a damaged row"):
        rows.look()
