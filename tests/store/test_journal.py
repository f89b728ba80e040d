"""The journal records commits durably, and is read while it is written."""

from __future__ import annotations

import random
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import msgspec
import pytest

from fetcher import bitset
from fetcher.commit.committer import BatchState, Delta
from fetcher.errors import DamageError, NoSpaceError
from fetcher.input.source_info import SourceInfo
from fetcher.protocol import messages
from fetcher.protocol.totals import Totals
from fetcher.store import journal
from fetcher.store.lock import DirectoryLock
from fetcher.store.segments import Segments, SegmentState


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
    marks = journal.summary(tmp_path / "journal.sqlite", 2_000).marks
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


def test_a_finished_job_is_read_without_writing_files(tmp_path: Path) -> None:
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


def test_masks_are_kept_as_they_were(tmp_path: Path) -> None:
    opened = journal.Journal(tmp_path / "journal.sqlite")
    wide = bitset.mask_of([0, 63, 64, 199])
    opened.record(delta(4, b3=(wide, (1 << 200) - 1)), [part(1, "p")], 1.0)
    assert opened.recover().partial == {3: BatchState(wide, (1 << 200) - 1)}
    opened.close()
