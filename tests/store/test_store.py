"""The sink's disk, on real files."""

from __future__ import annotations

import errno
import fcntl
import json
import os
import random
import sqlite3
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import BinaryIO

import msgspec
import psutil
import pytest

from fetcher import bitset
from fetcher.commit.committer import BatchState, Committer, Delta
from fetcher.errors import ConflictError, DamageError, NoSpaceError, UsageError
from fetcher.input.formats import TEXT, LineFormat
from fetcher.input.source_info import SourceInfo
from fetcher.protocol import messages
from fetcher.protocol.totals import Totals
from fetcher.store import journal, manifest, reader, spool
from fetcher.store.lock import DirectoryLock, is_locked
from fetcher.store.output_dir import OutputDirectory, Store
from fetcher.store.segments import Segments, SegmentState
from support import jobs
from support.chunks import chunk_of_lines


def open_request(file_bytes: int = 10, of: LineFormat = TEXT) -> messages.Open:
    return messages.Open(
        session="s",
        input=messages.InputSpec(
            name="urls.txt", path="/u", file_bytes=file_bytes, source=SourceInfo(), format=of
        ),
        batch_size=4,
        settings={"http": {"max_redirects": 3}},
        version="0",
    )


# -- the lock --------------------------------------------------------------------------------


def test_a_directory_has_one_holder_and_says_which(tmp_path: Path) -> None:
    assert not is_locked(tmp_path)
    with DirectoryLock(tmp_path):
        assert is_locked(tmp_path)
        with pytest.raises(ConflictError, match=f"in use.*pid {os.getpid()}"):
            DirectoryLock(tmp_path, wait_s=0)
    assert not is_locked(tmp_path)
    DirectoryLock(tmp_path).close()


def test_the_lock_of_a_killed_process_is_free(tmp_path: Path) -> None:
    code = (
        "import pathlib, sys, time; from fetcher.store.lock import DirectoryLock;"
        "lock = DirectoryLock(pathlib.Path(sys.argv[1])); print('held', flush=True); time.sleep(60)"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        assert is_locked(tmp_path)
        holder.kill()
        DirectoryLock(tmp_path, wait_s=5).close()


def test_who_only_looks_keeps_no_writer_out(tmp_path: Path) -> None:
    DirectoryLock(tmp_path).close()

    def hold() -> None:
        for _ in range(3_000):
            DirectoryLock(tmp_path, wait_s=0).close()

    looks = 0
    with ThreadPoolExecutor(1) as pool:
        holding = pool.submit(hold)
        while not holding.done():
            is_locked(tmp_path)
            looks += 1
        holding.result()
    assert looks > 100


def test_where_the_file_system_does_not_say_a_directory_may_be_held(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> bytes:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    DirectoryLock(tmp_path).close()
    monkeypatch.setattr(fcntl, "fcntl", refuse)
    assert is_locked(tmp_path)
    with pytest.raises(UsageError, match="No locks available"):
        DirectoryLock(tmp_path)


# -- lines that are kept ---------------------------------------------------------------------


def test_lines_are_not_kept_in_an_out_that_began_with_a_file_meanwhile(tmp_path: Path) -> None:
    def copy(file: BinaryIO) -> None:
        file.write(b"x")

    with ThreadPoolExecutor(1) as pool:
        directory = OutputDirectory(tmp_path)
        keeping = pool.submit(spool.keep, tmp_path, copy, "it")
        lock = str(tmp_path / "lock")
        opened = psutil.Process().open_files
        jobs.until(lambda: [file.path for file in opened()].count(lock) == 2, what="its wait")
        directory.begin(open_request())
        directory.close()
        with pytest.raises(
            ConflictError, match=r"another job, begun on .* with urls\.txt\. To resume"
        ):
            keeping.result()
    assert not list(tmp_path.glob("input.urls*"))


def test_what_was_kept_for_another_job_is_not_the_input_of_this_one(tmp_path: Path) -> None:
    directory = OutputDirectory(tmp_path)
    made = directory.begin(open_request())
    directory.close()
    (tmp_path / "input.urls").write_text("x")
    assert reader.find_input(tmp_path, made) is None
    named = msgspec.structs.replace(made.input, path=f"/elsewhere/{tmp_path.name}/input.urls")
    moved = msgspec.structs.replace(made, input=named)
    assert reader.find_input(tmp_path, moved) == tmp_path / "input.urls"


# -- the manifest ----------------------------------------------------------------------------


def test_a_job_is_begun_once_and_found_again(tmp_path: Path) -> None:
    first = OutputDirectory(tmp_path / "out")
    made = first.begin(open_request())
    first.close()
    second = OutputDirectory(tmp_path / "out")
    assert second.manifest == made
    assert second.begin(open_request()).job == made.job
    second.close()


def test_other_input_is_another_job(tmp_path: Path) -> None:
    directory = OutputDirectory(tmp_path / "out")
    directory.begin(open_request(10))
    with pytest.raises(ConflictError, match="another job"):
        directory.begin(open_request(11))
    directory.close()


def csv(*columns: str, keep: bool = False) -> LineFormat:
    return LineFormat("csv", ",", columns, "url", keep)


@pytest.mark.parametrize(
    ("begun", "now", "said"),
    [
        (TEXT, LineFormat("jsonl"), "lines of the format text, and now it is jsonl"),
        (csv("url", "a"), LineFormat("csv", ",", ("url", "a"), "a"), "URLs in 'a', other columns"),
        (csv("url", "a"), csv("url", "b"), "other columns than the first line"),
    ],
)
def test_a_job_is_refused_lines_of_another_format(
    tmp_path: Path, begun: LineFormat, now: LineFormat, said: str
) -> None:
    first = OutputDirectory(tmp_path / "out")
    first.begin(open_request(of=begun))
    first.close()
    second = OutputDirectory(tmp_path / "out")
    assert second.begin(open_request(of=begun)).input.format == begun
    with pytest.raises(ConflictError) as caught:
        second.begin(open_request(of=now))
    assert said in str(caught.value)
    second.close()


@pytest.mark.parametrize("keep", [True, False])
def test_a_job_keeps_the_columns_that_it_was_begun_with(tmp_path: Path, keep: bool) -> None:
    directory = OutputDirectory(tmp_path / "out")
    directory.begin(open_request(of=csv("url", "a", keep=keep)))
    again = directory.begin(open_request(of=csv("url", "a", keep=not keep)))
    assert again.input.format == csv("url", "a", keep=keep)
    directory.close()


def test_a_manifest_that_says_no_format_is_of_a_plain_list(tmp_path: Path) -> None:
    first = OutputDirectory(tmp_path / "out")
    first.begin(open_request())
    first.close()
    path = tmp_path / "out" / "manifest.json"
    text = json.loads(path.read_text())
    assert text["input"].pop("format") == {"kind": "text"}
    path.write_text(json.dumps(text))
    directory = OutputDirectory(tmp_path / "out")
    assert directory.begin(open_request()).input.format == TEXT
    directory.close()


def test_a_directory_with_other_things_is_refused_and_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").touch()
    with pytest.raises(ConflictError, match=r"thesis\.tex"):
        OutputDirectory(tmp_path)
    assert [entry.name for entry in tmp_path.iterdir()] == ["thesis.tex"]


@pytest.mark.parametrize(
    "content", [b"", b"{", b"{}", b'{"job": 5}', b"\xff\xfe", b'{"job": "\xff"}']
)
def test_a_damaged_manifest_is_damage(tmp_path: Path, content: bytes) -> None:
    (tmp_path / manifest.MANIFEST_NAME).write_bytes(content)
    with pytest.raises(DamageError):
        OutputDirectory(tmp_path)


def test_a_manifest_without_its_journal_is_damage(tmp_path: Path) -> None:
    directory = OutputDirectory(tmp_path)
    directory.begin(open_request())
    directory.close()
    (tmp_path / manifest.JOURNAL_NAME).unlink()
    with pytest.raises(DamageError, match="journal"):
        OutputDirectory(tmp_path)


@pytest.mark.parametrize("left", ["rows", "source", "results alone"])
def test_work_without_its_manifest_is_damage_and_no_other_job_is_begun_there(
    tmp_path: Path, left: str
) -> None:
    directory = OutputDirectory(tmp_path)
    begun = directory.begin(open_request())
    with closing(Store(tmp_path, begun, 1000)) as store:
        if left == "source":
            store.journal.note(source=SourceInfo(10, "x", 2, True, 1.0), suspects=None)
        else:
            intake = Committer(store, store.journal.recover(), begun.job, "e")
            intake.offer(chunk_of_lines(begun.job, 1, 4, 2), 4)
            intake.commit()
    directory.close()
    (tmp_path / manifest.MANIFEST_NAME).unlink()
    if left == "results alone":
        (tmp_path / manifest.JOURNAL_NAME).unlink()
    for _ in range(2):
        with pytest.raises(DamageError, match=r"manifest\.json is missing.*restore it"):
            OutputDirectory(tmp_path)
        assert not (tmp_path / manifest.MANIFEST_NAME).exists()


def test_a_crash_before_the_manifest_leaves_a_directory_that_can_be_used(tmp_path: Path) -> None:
    for name in ("lock", "journal.sqlite", "manifest.json.tmp", "input.urls"):
        (tmp_path / name).touch()
    directory = OutputDirectory(tmp_path)
    directory.begin(open_request())
    directory.close()


def test_an_out_that_is_a_file_is_a_wrong_usage(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UsageError, match="-o"):
        OutputDirectory(tmp_path / "file")


# -- segments --------------------------------------------------------------------------------


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


def test_a_segment_that_nobody_committed_is_emptied(tmp_path: Path) -> None:
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
    with pytest.raises(DamageError, match="5 bytes were committed"):
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


# -- the journal -----------------------------------------------------------------------------


def part(length: int, name: str = "part-00000.jsonl") -> SegmentState:
    return SegmentState(name, length)


def delta(rows: int, **batches: tuple[int, int]) -> Delta:
    states = {int(name[1:]): BatchState(*state) for name, state in batches.items()}
    return Delta(states, Totals(rows=rows, outcomes={"ok": rows}, statuses={200: rows}))


def test_what_was_recorded_is_recovered(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    first = journal.Journal(path)
    first.record(delta(5, b0=(0b1111, 0b1111), b2=(0b1, 0b11)), [part(50)], 100.0)
    first.record(delta(7, b2=(0b11, 0b11), b9=(0b1, 0b11)), [part(60)], 101.0)
    first.note(
        source=SourceInfo(checked_bytes=7),
        suspects=[messages.Suspect(batch=9, mask=b"\1", deaths=1)],
    )
    first.close()
    second = journal.Journal(path)
    recovered = second.recover()
    assert 0 in recovered.done and 2 in recovered.done
    assert recovered.partial == {9: BatchState(0b1, 0b11)}
    assert recovered.totals.rows == 7
    assert second.segments()["part-00000.jsonl"].length == 60
    assert second.source().checked_bytes == 7
    assert second.suspects()[0].batch == 9
    second.close()
    seen = journal.view(path)
    assert seen.recovered.totals == recovered.totals
    assert seen.updated_at_s == 101.0


def test_a_view_does_not_disturb_the_writer(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    writer = journal.Journal(path)
    for number in range(20):
        writer.record(
            delta(number + 1, b0=((1 << number + 1) - 1, (1 << 21) - 1)),
            [part(number, "p")],
            float(number),
        )
        assert journal.view(path).recovered.totals.rows == number + 1
    writer.close()


def test_marks_of_the_rate_are_kept_for_a_while_only(tmp_path: Path) -> None:
    writer = journal.Journal(tmp_path / "journal.sqlite")
    for number in range(800):
        at = float(number * journal.MARK_EVERY_S + 1000)
        writer.record(delta(number, b0=(1, 3)), [part(1, "p")], at)
    writer.close()
    marks = journal.glance(tmp_path / "journal.sqlite", 2_000).marks
    assert len(marks) == 720
    assert marks[-1] == (799 * journal.MARK_EVERY_S + 1000, 799)


def test_a_garbled_journal_is_damage(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    path.write_bytes(b"not a database at all " * 100)
    with pytest.raises(DamageError):
        journal.Journal(path)
    with pytest.raises(DamageError):
        journal.view(path)


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE meta SET value = x'c1' WHERE key = 'totals'",
        "UPDATE meta SET value = 'text' WHERE key = 'totals'",
        "DELETE FROM meta WHERE key = 'totals'",
        "UPDATE batches SET full = 'text'",
        "UPDATE batches SET full = 7",
        "UPDATE batches SET committed = x'ff' WHERE id = 2",
        "UPDATE batches SET id = -1 WHERE id = 2",
        "UPDATE batches SET id = 4611686018427387904 WHERE id = 2",
        "DELETE FROM batches WHERE id = 0",
        "DELETE FROM segments",
        "DROP TABLE batches",
    ],
)
def test_a_journal_that_contradicts_itself_is_damage(tmp_path: Path, damage: str) -> None:
    path = tmp_path / "journal.sqlite"
    first = journal.Journal(path)
    first.record(delta(5, b0=(0b1111, 0b1111), b2=(0b1, 0b11)), [part(50)], 100.0)
    first.close()
    with sqlite3.connect(path) as db:
        db.execute(damage)
    db.close()
    again = journal.Journal(path)
    with pytest.raises(DamageError, match=r"journal\.sqlite"):
        again.recover()
    again.close()


def test_whatever_bytes_are_damaged_a_reader_says_so_or_reads(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    first = journal.Journal(path)
    for number in range(1, 60):
        done = {f"b{n}": (0b11, 0b11) for n in range(number)}
        first.record(delta(2 * number, **done), [part(9)], 5.0 * number)
    first.note(suspects=[messages.Suspect(batch=9, mask=b"\1", deaths=1)])
    first.close()
    whole = path.read_bytes()
    dice = random.Random(7)
    damaged = 0
    for _ in range(300):
        data = bytearray(whole)
        for _ in range(dice.choice((1, 4, 40))):
            data[dice.randrange(len(data))] = dice.randrange(256)
        path.write_bytes(data)
        try:
            journal.view(path)
        except DamageError:
            damaged += 1
    assert damaged > 20


def test_a_finished_job_is_read_without_writing_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    first = journal.Journal(path)
    first.record(delta(1, b0=(1, 3)), [part(1)], 1.0)
    assert journal.view(path).recovered.totals.rows == 1  # from its -wal
    first.close()
    before = sorted(tmp_path.iterdir())
    assert journal.view(path).recovered.totals.rows == 1
    assert sorted(tmp_path.iterdir()) == before


def test_a_journal_is_read_while_its_writers_come_and_go(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    journal.Journal(path).close()
    commits = 300

    def write() -> None:
        for number in range(1, commits + 1):
            with DirectoryLock(tmp_path, wait_s=0), closing(journal.Journal(path)) as written:
                written.record(delta(number), [part(number)], 1.0)

    with ThreadPoolExecutor(1) as pool:
        writing = pool.submit(write)
        seen = [0]
        while not writing.done():
            seen.append(journal.committed(path).get("part-00000.jsonl", 0))
    writing.result()
    assert seen == sorted(seen)
    assert len(set(seen)) > commits / 10


@pytest.mark.parametrize(
    "names",
    [["part-00001.jsonl"], ["part-00000.jsonl", "part-00002.jsonl"], ["../part-00000.jsonl"]],
)
def test_segments_that_the_journal_names_otherwise_are_not_emptied(
    tmp_path: Path, names: list[str]
) -> None:
    results = tmp_path / "results"
    results.mkdir()
    for name in [*names, "part-00000.jsonl", "part-00001.jsonl"]:
        (results / name).write_bytes(b"rows\n")
    with pytest.raises(DamageError, match="disagree"):
        Segments(results, ".jsonl", 100, {name: SegmentState(name, 5) for name in names})
    assert all((results / name).read_bytes() == b"rows\n" for name in names)


def test_the_journal_commits_in_full_synchrony_and_writes_at_its_start(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    for starts in (1, 2):
        opened = journal.Journal(path)
        assert opened._db.execute("PRAGMA synchronous").fetchone() == (2,)
        assert opened._db.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        opened.close()
        with sqlite3.connect(path) as db:
            (packed,) = db.execute("SELECT value FROM meta WHERE key = 'starts'").fetchone()
        db.close()
        assert msgspec.msgpack.decode(packed) == starts


def test_a_full_disk_under_the_journal_records_nothing(tmp_path: Path) -> None:
    opened = journal.Journal(tmp_path / "journal.sqlite")
    opened.record(delta(1, b0=(1, 3)), [part(1, "p")], 1.0)
    (pages,) = opened._db.execute("PRAGMA page_count").fetchone()
    opened._db.execute(f"PRAGMA max_page_count = {pages}")
    big = {f"b{n}": (1 << 900, (1 << 901) - 1) for n in range(1, 300)}
    with pytest.raises(NoSpaceError):
        opened.record(delta(300, **big), [part(2, "p")], 2.0)
    assert opened.recover().totals.rows == 1
    opened._db.execute("PRAGMA max_page_count = 100000")
    opened.record(delta(300, **big), [part(2, "p")], 2.0)
    assert opened.recover().totals.rows == 300
    opened.close()


# -- all of it -------------------------------------------------------------------------------


def test_a_store_and_an_intake_resume_where_they_were(tmp_path: Path) -> None:
    rows = b""
    for first in (1, 5, 9):
        directory = OutputDirectory(tmp_path)
        begun = directory.begin(open_request())
        job = begun.job
        store = Store(tmp_path, begun, 1 << 20)
        intake = Committer(store, store.journal.recover(), job, "epoch")
        new = chunk_of_lines(job, first, 4)
        rows += new.rows
        for chunk in (chunk_of_lines(job, 1, 4), new):  # the first batch again and again
            intake.offer(chunk, 4)
        intake.commit()
        store.segments.append([b"what a crash leaves behind"])
        store.close()
        directory.close()
    committed = journal.view(tmp_path / manifest.JOURNAL_NAME)
    assert committed.recovered.totals.rows == 12
    (length,) = committed.segments.values()
    assert (tmp_path / "results/part-00000.jsonl").read_bytes()[:length] == rows


def test_masks_are_kept_as_they_were(tmp_path: Path) -> None:
    opened = journal.Journal(tmp_path / "journal.sqlite")
    wide = bitset.mask_of([0, 63, 64, 199])
    opened.record(delta(4, b3=(wide, (1 << 200) - 1)), [part(1, "p")], 1.0)
    assert opened.recover().partial == {3: BatchState(wide, (1 << 200) - 1)}
    opened.close()
