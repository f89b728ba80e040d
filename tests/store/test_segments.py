"""Segments on real files keep exactly the committed bytes."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from fetcher.errors import DamageError, NoSpaceError
from fetcher.store.segments import Segments, SegmentState


def segments(
    path: Path, states: dict[str, SegmentState] | None = None, max_bytes: int = 100
) -> Segments:
    return Segments(path, ".jsonl", max_bytes, states or {})


def commit(made: Segments, *rows: bytes) -> tuple[str, SegmentState]:
    made.append(list(rows))
    made.sync()
    state = made.state(len(rows))
    made.committed(len(rows))
    return state.name, state


def test_a_full_segment_is_followed_by_a_new_one(tmp_path: Path) -> None:
    made = segments(tmp_path, max_bytes=10)
    states = dict(commit(made, b"x" * 6) for _ in range(5))
    made.close()
    assert [state[:3] for state in states.values()] == [
        ("part-00000.jsonl", 12, 2),
        ("part-00001.jsonl", 12, 2),
        ("part-00002.jsonl", 6, 1),
    ]
    again = segments(tmp_path, states, max_bytes=10)
    assert commit(again, b"y" * 6)[1][:3] == ("part-00002.jsonl", 12, 2)
    again.close()


def test_what_was_not_committed_is_cut_off_at_start(tmp_path: Path) -> None:
    made = segments(tmp_path)
    states = dict([commit(made, b"good\n")])
    made.append([b"torn"])
    made.close()
    again = segments(tmp_path, states)
    assert (tmp_path / "part-00000.jsonl").read_bytes() == b"good\n"
    again.close()


def test_a_segment_without_a_commit_is_emptied(tmp_path: Path) -> None:
    made = segments(tmp_path, max_bytes=4)
    states = dict([commit(made, b"good\n")])
    made.append([b"never recorded"])  # in part-00001
    made.close()
    again = segments(tmp_path, states, max_bytes=4)
    assert commit(again, b"new\n")[1][:3] == ("part-00001.jsonl", 4, 1)
    assert (tmp_path / "part-00001.jsonl").read_bytes() == b"new\n"
    again.close()


@pytest.mark.parametrize("loss", ["shorter", "gone"])
def test_fewer_bytes_than_were_committed_are_damage(tmp_path: Path, loss: str) -> None:
    made = segments(tmp_path)
    states = dict([commit(made, b"good\n")])
    made.close()
    path = tmp_path / "part-00000.jsonl"
    if loss == "shorter":
        path.write_bytes(b"goo")
    else:
        path.unlink()
    with pytest.raises(DamageError, match=r"5 bytes (of it )?were committed"):
        segments(tmp_path, states)


def test_an_append_that_is_tried_again_replaces_the_first_try(tmp_path: Path) -> None:
    made = segments(tmp_path)
    commit(made, b"one\n")
    made.append([b"two\n"])  # and then the journal was full
    assert commit(made, b"two\n")[1][:3] == ("part-00000.jsonl", 8, 2)
    made.close()
    assert (tmp_path / "part-00000.jsonl").read_bytes() == b"one\ntwo\n"


def test_many_and_short_writes_keep_every_byte(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.writev
    monkeypatch.setattr(os, "writev", lambda fd, buffers: real(fd, [bytes(buffers[0][:2])]))
    rows = [b"row %d\n" % n for n in range(1500)]
    made = segments(tmp_path, max_bytes=1 << 20)
    commit(made, *rows)
    made.close()
    assert (tmp_path / "part-00000.jsonl").read_bytes() == b"".join(rows)


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT, errno.EFBIG])
def test_a_full_disk_leaves_the_segment_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    made = segments(tmp_path)
    commit(made, b"one\n")

    def half(fd: int, buffers: list[bytes]) -> int:
        os.write(fd, buffers[0][:2])
        raise OSError(code, os.strerror(code))

    with monkeypatch.context() as patched:
        patched.setattr(os, "writev", half)
        with pytest.raises(NoSpaceError):
            made.append([b"two\n"])
    commit(made, b"three\n")
    made.close()
    assert (tmp_path / "part-00000.jsonl").read_bytes() == b"one\nthree\n"


def test_a_write_error_other_than_a_full_disk_is_damage(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = segments(tmp_path)

    def broken(_fd: int, _buffers: list[bytes]) -> int:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(os, "writev", broken)
    with pytest.raises(DamageError):
        made.append([b"one\n"])
    made.close()


@pytest.mark.parametrize("code", [errno.EIO, errno.ENOSPC])
def test_a_failing_fsync_is_a_loud_stop_and_never_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    made = segments(tmp_path)
    made.append([b"one\n"])

    def broken(_fd: int) -> None:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(os, "fsync", broken)
    with pytest.raises(DamageError, match="fsync failed"):
        made.sync()
    made.close()
