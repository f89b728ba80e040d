"""All files of a job are looked at before it is complete."""

from __future__ import annotations

from pathlib import Path

import pytest

from fetcher.errors import DamageError
from fetcher.input.selection import RETRYABLE, Selection
from fetcher.protocol.output_spec import PLAIN
from fetcher.store import inspection
from fetcher.store.inspection import body_files, require_input
from fetcher.store.manifest import InputFacts, Manifest
from fetcher.store.reader import Segment

Names = dict[bytes, tuple[str, int]]


def job(out: Path, path: str | None = None) -> Manifest:
    return Manifest("job", "now", InputFacts("n", path or str(out / "urls.txt"), 9), 8, {}, {})


def test_lines_from_a_pipe_are_a_file_of_the_job(tmp_path: Path) -> None:
    require_input(tmp_path, job(tmp_path))
    piped = job(tmp_path, str((tmp_path / "input.urls").absolute()))
    with pytest.raises(DamageError, match=r"input\.urls: is missing, and the job needs it"):
        require_input(tmp_path, piped)
    (tmp_path / "input.urls").touch()
    require_input(tmp_path, piped)


def test_lines_from_a_pipe_are_found_by_a_relative_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DamageError, match=r"^out/input\.urls: is missing"):
        require_input(Path("out"), job(tmp_path, str(tmp_path / "out" / "input.urls")))


def test_the_selection_of_a_retry_is_a_file_of_the_job(tmp_path: Path) -> None:
    retry = job(tmp_path)
    retry.selection = Selection("/parent", "job", RETRYABLE, 1, "")
    with pytest.raises(DamageError, match=r"selection\.bits: is missing, and the job needs it"):
        require_input(tmp_path, retry)
    (tmp_path / "selection.bits").touch()
    require_input(tmp_path, retry)


def segment(path: Path, count: int) -> Segment:
    path.write_bytes(b"".join(b"%d\n" % n for n in range(count)))
    return Segment(path, path.stat().st_size, PLAIN)


def look(tmp_path: Path, bodies: Names, rows: int = 3) -> int:
    """Returns how often the check paused."""
    found = [segment(tmp_path / "one", rows), segment(tmp_path / "other", 1)]
    return len(list(body_files(found, tmp_path, bodies.get)))


def test_each_body_exists_and_has_the_size_of_its_row(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"body")
    assert look(tmp_path, {b"1\n": ("a", 4)}) == 2
    for size in (3, 5):
        with pytest.raises(
            DamageError, match=f"a: has 4 bytes, and the body of its row had {size}"
        ):
            look(tmp_path, {b"1\n": ("a", size)})
    with pytest.raises(DamageError, match=r"b: No such file or directory; it is the body of a row"):
        look(tmp_path, {b"2\n": ("b", 4)})


def test_a_body_of_many_rows_is_looked_at_once(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"body")
    looked: list[bytes] = []

    def body_of(row: bytes) -> tuple[str, int]:
        looked.append(row)
        if len(looked) == 2:
            (tmp_path / "a").unlink()
        return "a", 4

    list(body_files([segment(tmp_path / "one", 3)], tmp_path, body_of))
    assert len(looked) == 3


def test_a_body_beyond_those_remembered_is_looked_at_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inspection, "_MOST_SEEN", 0)
    (tmp_path / "a").write_bytes(b"body")
    with pytest.raises(DamageError, match=r"a: has 4 bytes"):
        look(tmp_path, {b"1\n": ("a", 4), b"2\n": ("a", 5)})


def test_the_check_pauses_every_few_hundred_rows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inspection, "_STEP_ROWS", 10)
    assert look(tmp_path, {}, rows=21) == 3 + 1
