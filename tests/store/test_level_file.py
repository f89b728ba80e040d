"""The links of a level's rows, on disk until the level is judged."""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from fetcher.commit import levels
from fetcher.commit.crawl_record import Level
from fetcher.errors import DamageError, NoSpaceError
from fetcher.frontier.admitted import RowLinks
from fetcher.frontier.links import Link
from fetcher.store.level_file import LevelFile


def row(line: int) -> RowLinks:
    return RowLinks(line, 3, (Link(f"http://a.test/{line}"),))


def records(*lines: int) -> list[bytes]:
    return [levels.packed(row(line)) for line in lines]


def level(*lines: int, number: int = 0, judged_to: int = 0) -> Level:
    """A level of which the rows of these lines are committed."""
    return Level(number, sum(map(len, records(*lines))), judged_to=judged_to)


@contextlib.contextmanager
def opened(directory: Path, of: Level | None = None) -> Iterator[LevelFile]:
    with contextlib.closing(LevelFile(directory, of or Level())) as file:
        yield file


def test_rows_come_back_in_the_order_of_their_lines(tmp_path: Path) -> None:
    with opened(tmp_path) as file:
        file.append(records(9, 2), Level())
        file.append(records(10, 1), level(9, 2))
        committed = level(9, 2, 10, 1)
        assert list(file.after(committed)) == [row(1), row(2), row(9), row(10)]
    with opened(tmp_path, committed) as file:
        assert list(file.after(level(9, 2, 10, 1, judged_to=2))) == [row(9), row(10)]
        assert list(file.after(level(9, 2))) == [row(2), row(9)]


def test_what_was_not_committed_is_written_over(tmp_path: Path) -> None:
    with opened(tmp_path) as file:
        file.append(records(1), Level())
        file.append(records(20, 30), level(1))
        file.append(records(2), level(1))
        assert file.path.stat().st_size == level(1, 2).found_bytes
        assert list(file.after(level(1, 2))) == [row(1), row(2)]


def test_the_file_of_another_level_replaces_it(tmp_path: Path) -> None:
    with opened(tmp_path) as file:
        file.append(records(1), Level())
        file.begin(level(1))
        assert file.path.name == "level-00000.found"
        file.begin(Level(1))
        assert [path.name for path in tmp_path.iterdir()] == ["level-00001.found"]
        file.append(records(4), Level(1))
        assert list(file.after(level(4, number=1))) == [row(4)]


def test_a_start_removes_the_files_of_judged_levels(tmp_path: Path) -> None:
    for number in (3, 4):
        (tmp_path / f"level-{number:05d}.found").write_bytes(b"")
    with opened(tmp_path, Level(5)):
        assert [path.name for path in tmp_path.iterdir()] == ["level-00005.found"]


def test_a_file_with_less_than_was_committed_is_damage(tmp_path: Path) -> None:
    (tmp_path / "level-00000.found").write_bytes(b"123")
    with pytest.raises(
        DamageError, match=r"level-00000\.found: 4 bytes were committed, but only 3"
    ):
        LevelFile(tmp_path, Level(0, 4))


def test_a_record_that_is_longer_than_the_file_is_damage_at_its_byte(tmp_path: Path) -> None:
    with opened(tmp_path) as file:
        file.append(records(1, 2), Level())
        first = level(1).found_bytes
        os.truncate(file.path, first + levels.HEAD_BYTES + 1)
        data = first + levels.HEAD_BYTES
        with pytest.raises(DamageError, match=rf"is damaged at byte {data}; restore a backup"):
            list(file.after(level(1, 2)))
        os.truncate(file.path, first + 1)
        with pytest.raises(DamageError, match=rf"is damaged at byte {first}; restore a backup"):
            list(file.after(level(1, 2)))


def test_a_full_disk_leaves_the_file_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = os.pwrite
    free = [10]  # bytes

    def pwrite(fd: int, data: memoryview, at: int) -> int:
        count = min(free[0], len(data), 7)
        if not count:
            raise OSError(errno.ENOSPC, "No space left on device")
        free[0] -= count
        return write(fd, data[:count], at)

    with opened(tmp_path) as file:
        file.append(records(1), Level())
        monkeypatch.setattr(os, "pwrite", pwrite)
        with pytest.raises(NoSpaceError, match=r"level-00000\.found: No space left"):
            file.append(records(2), level(1))
        assert file.path.stat().st_size == level(1).found_bytes
        free[0] = 1000
        file.append(records(3), level(1))
        assert list(file.after(level(1, 3))) == [row(1), row(3)]


def test_a_commit_that_found_nothing_does_not_touch_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with opened(tmp_path) as file:
        monkeypatch.setattr(os, "fsync", lambda _: pytest.fail("synced"))
        file.append([], Level())


def test_an_append_is_durable_when_it_returns(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes = []
    with opened(tmp_path) as file:
        monkeypatch.setattr(os, "fsync", lambda fd: sizes.append(os.fstat(fd).st_size))
        file.append(records(1), Level())
    assert sizes == [level(1).found_bytes]
