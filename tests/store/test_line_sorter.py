"""Lines are sorted by their bytes, in any number of runs, and no file is left."""

from __future__ import annotations

import errno
import random
import tempfile
from pathlib import Path
from typing import Any

import pytest

from fetcher.errors import NoSpaceError
from fetcher.store import line_sorter
from fetcher.store.line_sorter import LineSorter


def lines(count: int) -> list[bytes]:
    noise = random.Random(1)
    return [noise.randbytes(noise.randrange(40)).replace(b"\n", b"") + b"\n" for _ in range(count)]


@pytest.mark.parametrize("run_bytes", [1, 100, 1000, 1 << 20])
def test_lines_come_sorted_and_all_of_them(tmp_path: Path, run_bytes: int) -> None:
    given = lines(1000)
    with LineSorter(tmp_path, run_bytes) as sorter:
        for line in given:
            sorter.add(line)
        assert list(sorter.lines()) == sorted(given)
        assert list(tmp_path.iterdir()) == [], "runs have no name"


def test_few_files_are_open_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(line_sorter, "_MOST_RUNS", 3)
    given = lines(500)
    with LineSorter(tmp_path, 200) as sorter:
        for line in given:
            sorter.add(line)
            assert len(sorter._runs) <= 3
        assert list(sorter.lines()) == sorted(given)


def test_a_full_disk_is_said_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(**_: Any) -> Any:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(tempfile, "TemporaryFile", full)
    with LineSorter(tmp_path, 1) as sorter, pytest.raises(NoSpaceError):
        sorter.add(b"x\n")
