"""Kept bodies on real files: files by digest, WARC files and their index."""

from __future__ import annotations

import errno
import hashlib
import os
from pathlib import Path
from typing import Any

import msgspec
import pytest

from fetcher.commit.committer import Kept
from fetcher.errors import DamageError, NoSpaceError
from fetcher.rows.body_names import body_file
from fetcher.store import disk
from fetcher.store.bodies import (
    BodyFiles,
    IndexRow,
    WarcFiles,
    index_names,
    read_index,
    warc_names,
)
from fetcher.store.segments import Segments, SegmentState


def name_of(body: bytes, content_type: str = "text/plain") -> str:
    return body_file("typed", hashlib.sha256(body).hexdigest(), content_type, None)


def path_of(out: Path, body: bytes) -> Path:
    return out / name_of(body)


def kept(*bodies: bytes) -> list[Kept]:
    return [Kept(line, body, name_of(body)) for line, body in enumerate(bodies, 1)]


def files_below(out: Path) -> list[bytes]:
    return sorted(path.read_bytes() for path in (out / "bodies").rglob("*") if path.is_file())


class Disk:
    """Counts the syncs, and fails at a chosen one."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, out: Path) -> None:
        self.out = out
        self.syncs: list[list[str]] = []  # the names that were there at each
        self.fails = 0
        monkeypatch.setattr(disk, "_syncfs", self._syncfs)

    def _syncfs(self, _fd: int) -> int:
        self.syncs.append(self.named())
        return self.fails

    def named(self) -> list[str]:
        found = (self.out / "bodies").rglob("*")
        return sorted(p.name for p in found if p.is_file() and ".new" not in p.parts)


# -- files by digest -------------------------------------------------------------------------


def test_a_body_is_written_once_and_has_its_name_only_when_it_is_durable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    disk = Disk(monkeypatch, tmp_path)
    made = BodyFiles(tmp_path)
    made.append(kept(b"one", b"two", b"one"))
    assert disk.named() == []
    made.sync()
    names = sorted(path_of(tmp_path, body).name for body in (b"one", b"two"))
    assert disk.syncs == [[], [], names]  # at the start; then the bodies; then their names
    assert path_of(tmp_path, b"one").read_bytes() == b"one"
    before = path_of(tmp_path, b"one").stat()
    made.append(kept(b"one"))
    made.sync()
    assert path_of(tmp_path, b"one").stat() == before
    assert len(disk.syncs) == 3, "nothing is new"
    made.close()


def test_what_came_to_nothing_is_removed_at_the_next_start(tmp_path: Path) -> None:
    first = BodyFiles(tmp_path)
    first.append(kept(b"one"))
    first.close()
    second = BodyFiles(tmp_path)
    assert files_below(tmp_path) == []
    second.append(kept(b"two"))
    second.sync()
    second.close()
    assert files_below(tmp_path) == [b"two"]


def test_a_name_that_a_killed_process_gave_is_made_durable_before_it_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = path_of(tmp_path, b"one")
    path.parent.mkdir(parents=True)
    path.write_bytes(b"one")
    disk = Disk(monkeypatch, tmp_path)
    BodyFiles(tmp_path).close()
    assert disk.syncs == [[path.name]]


def no_space(*_: object, **__: object) -> Any:
    raise OSError(errno.ENOSPC, "No space left on device")


def test_a_full_disk_in_the_middle_of_the_bodies_and_another_try(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = BodyFiles(tmp_path)
    real = Path.write_bytes

    def half(path: Path, data: bytes) -> int:
        if data != b"two":
            return real(path, data)
        real(path, data[:1])
        raise OSError(errno.ENOSPC, "No space left on device")

    group = kept(b"one", b"two", b"three")
    for _ in range(2):
        with monkeypatch.context() as patched:
            patched.setattr(Path, "write_bytes", half)
            with pytest.raises(NoSpaceError):
                made.append(group)
        assert files_below(tmp_path) == [b"one"], "no half of one is left"
    made.append(group)
    made.sync()
    made.close()
    assert path_of(tmp_path, b"two").read_bytes() == b"two"
    assert files_below(tmp_path) == [b"one", b"three", b"two"]


@pytest.mark.parametrize("step", ["mkdir", "rename"])
@pytest.mark.parametrize("nth", [1, 2])
def test_a_full_disk_in_the_middle_of_the_names_and_another_try(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str, nth: int
) -> None:
    disk = Disk(monkeypatch, tmp_path)
    made = BodyFiles(tmp_path)
    group = kept(b"one", b"two")
    real, calls = getattr(Path, step), 0

    def sometimes(path: Path, *args: Any, **options: Any) -> Any:
        nonlocal calls
        calls += 1
        return no_space() if calls == nth else real(path, *args, **options)

    made.append(group)
    with monkeypatch.context() as patched:
        patched.setattr(Path, step, sometimes)
        with pytest.raises(NoSpaceError):
            made.sync()
    made.append(group)
    made.sync()
    made.close()
    assert disk.syncs[-1] == disk.named(), "the names, too, are durable"
    assert files_below(tmp_path) == [b"one", b"two"]


@pytest.mark.parametrize("code", [errno.EIO, errno.ENOSPC])
@pytest.mark.parametrize("nth", ["bodies", "names"])
def test_a_failing_sync_is_a_loud_stop(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int, nth: str
) -> None:
    disk = Disk(monkeypatch, tmp_path)
    made = BodyFiles(tmp_path)
    made.append(kept(b"one"))
    if nth == "names":
        monkeypatch.setattr(Path, "rename", lambda *_: setattr(disk, "fails", code))
    else:
        disk.fails = code
    with pytest.raises(DamageError, match="syncfs failed"):
        made.sync()
    made.close()


def test_the_directories_of_bodies_do_not_outgrow_themselves(tmp_path: Path) -> None:
    made = BodyFiles(tmp_path)
    made.append(kept(*(b"%d" % n for n in range(300))))
    made.sync()
    made.close()
    assert len(files_below(tmp_path)) == 300
    assert len(list((tmp_path / "bodies").iterdir())) <= 257


def test_a_body_has_a_file_for_each_extension_that_rows_name(tmp_path: Path) -> None:
    made = BodyFiles(tmp_path)
    names = [name_of(b"one", kind) for kind in ("image/png", "image/jpeg", "image/jpg")]
    made.append([Kept(line, b"one", name) for line, name in enumerate(names, 1)])
    made.sync()
    made.append([Kept(4, b"one", name_of(b"one", "text/html"))])
    made.sync()
    made.close()
    suffixes = {path.suffix for path in (tmp_path / "bodies").rglob("*") if path.is_file()}
    assert suffixes == {".png", ".jpg", ".html"}
    assert files_below(tmp_path) == [b"one"] * 3


# -- WARC files ------------------------------------------------------------------------------


def begins(name: str) -> bytes:
    return f"<{name}>".encode()


def commit(made: WarcFiles, *data: bytes, first: int = 1) -> dict[str, SegmentState]:
    made.append([Kept(line, each) for line, each in enumerate(data, first)])
    made.sync()
    states = {state.name: state for state in made.states()}
    made.committed()
    return states


def index(out: Path) -> list[IndexRow]:
    paths = sorted((out / "bodies").glob("*.index.jsonl"))
    lines = b"".join(path.read_bytes() for path in paths).splitlines()
    return [msgspec.json.decode(line, type=IndexRow) for line in lines]


def test_each_file_begins_with_its_preamble_and_the_index_says_where_records_are(
    tmp_path: Path,
) -> None:
    made = WarcFiles(tmp_path, 40, {}, begins)
    states: dict[str, SegmentState] = {}
    for n in range(6):
        states |= commit(made, b"%d" % n * 10, b"%d" % n * 7, first=2 * n + 1)
    made.close()
    names = [f"part-0000{n}.warc.gz" for n in range(3)]
    for n, name in enumerate(names):
        data = (tmp_path / "bodies" / name).read_bytes()
        assert data.startswith(begins(name))
        assert states[f"bodies/{name}"].length == len(data)
        assert data.count(b"<") == 1, n
    rows = index(tmp_path)
    assert [row.line for row in rows] == list(range(1, 13))
    for row in rows:
        data = (tmp_path / "bodies" / row.file).read_bytes()[row.offset :][: row.length]
        assert data == b"%d" % ((row.line - 1) // 2) * (10 if row.line % 2 else 7)


def test_a_commit_without_records_writes_nothing(tmp_path: Path) -> None:
    made = WarcFiles(tmp_path, 100, {}, begins)
    assert {state.length for state in commit(made).values()} == {0}
    commit(made, b"x")
    made.close()
    assert (tmp_path / "bodies" / "part-00000.warc.gz").read_bytes() == b"<part-00000.warc.gz>x"


@pytest.mark.parametrize("suffix", [".warc.gz", ".index.jsonl"])
def test_a_commit_of_records_that_was_not_recorded_is_tried_again_from_its_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, suffix: str
) -> None:
    made = WarcFiles(tmp_path, 1000, {}, begins)
    commit(made, b"one")
    real = Segments._write

    def full(segments: Segments, buffers: list[bytes]) -> None:
        real(segments, [buffers[0][:2]])
        if str(segments.path).endswith(suffix):
            no_space()

    with monkeypatch.context() as patched:
        patched.setattr(Segments, "_write", full)
        with pytest.raises((NoSpaceError, OSError)):
            made.append(kept(b"two", b"three"))
    states = commit(made, b"two", b"three")
    made.close()
    data = (tmp_path / "bodies" / "part-00000.warc.gz").read_bytes()
    assert data == b"<part-00000.warc.gz>onetwothree"
    assert states["bodies/part-00000.warc.gz"].length == len(data)
    assert [(row.offset, row.length) for row in index(tmp_path)] == [(20, 3), (23, 3), (26, 5)]


def test_records_that_were_not_committed_are_cut_off_at_start(tmp_path: Path) -> None:
    first = WarcFiles(tmp_path, 1000, {}, begins)
    states = commit(first, b"one")
    first.append(kept(b"never recorded"))
    first.close()
    second = WarcFiles(tmp_path, 1000, states, begins)
    commit(second, b"two", first=2)
    second.close()
    assert (tmp_path / "bodies" / "part-00000.warc.gz").read_bytes().endswith(b">onetwo")
    assert [(row.line, row.offset) for row in index(tmp_path)] == [(1, 20), (2, 23)]


@pytest.mark.parametrize("name", ["part-00000.warc.gz", "part-00000.index.jsonl"])
def test_fewer_bytes_than_were_committed_are_damage(tmp_path: Path, name: str) -> None:
    made = WarcFiles(tmp_path, 1000, {}, begins)
    states = commit(made, b"one")
    made.close()
    os.truncate(tmp_path / "bodies" / name, 5)
    with pytest.raises(DamageError, match=name):
        WarcFiles(tmp_path, 1000, states, begins)


# -- the index of the WARC files -------------------------------------------------------------


def test_the_files_of_bodies_are_known_by_their_suffixes_and_listed_oldest_first() -> None:
    lengths = {
        "bodies/part-100000.warc.gz": 1,
        "bodies/part-00002.warc.gz": 1,
        "bodies/part-00002.index.jsonl": 1,
        "part-00000.jsonl": 1,
    }
    assert warc_names(lengths) == ["bodies/part-00002.warc.gz", "bodies/part-100000.warc.gz"]
    assert index_names(lengths) == ["bodies/part-00002.index.jsonl"]


def test_the_index_is_read_up_to_its_committed_length(tmp_path: Path) -> None:
    rows = [IndexRow(7, "part-00000.warc.gz", 10, 20), IndexRow(8, "part-00000.warc.gz", 30, 5)]
    lines = [row.encoded() for row in rows]
    (tmp_path / "i").write_bytes(b"".join(lines) + b"torn")
    length = sum(map(len, lines))
    found = list(read_index(tmp_path, "i", length))
    assert found == list(zip(lines, rows, strict=True))
    with pytest.raises(DamageError, match="bytes were committed"):
        list(read_index(tmp_path, "i", length + 5))


@pytest.mark.parametrize("line", [b"{}\n", b"no json\n", b'{"line": "x"}\n', b"\xff\n"])
def test_a_line_of_the_index_that_is_not_valid_is_returned_without_content(
    tmp_path: Path, line: bytes
) -> None:
    good = IndexRow(7, "f", 10, 20)
    (tmp_path / "i").write_bytes(line + good.encoded())
    found = list(read_index(tmp_path, "i", len(line + good.encoded())))
    assert found == [(line, None), (good.encoded(), good)]
