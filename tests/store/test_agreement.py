"""Manifest, journal and files of an OUT must agree, or nothing is written or returned."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import msgspec
import pytest

from fetcher.commit.committer import Kept
from fetcher.errors import DamageError
from fetcher.export.merged import Merged
from fetcher.model import Outcome
from fetcher.protocol.output_spec import Output
from fetcher.protocol.totals import Totals
from fetcher.report.reading import read
from fetcher.store import manifest
from fetcher.store import reader as rows
from fetcher.store.bodies import WarcFiles
from fetcher.store.journal import Journal
from fetcher.store.lock import DirectoryLock
from fetcher.store.output_dir import OutputDirectory, Store
from fetcher.store.segments import Segments, SegmentState
from fetcher.verify.audit import Audit
from fetcher.watch import status
from support import outs

LINES = 20


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """A complete job."""
    return make(tmp_path)


def make(tmp_path: Path, output: Output | None = None, segment_bytes: int = 1 << 20) -> Path:
    urls = outs.write_input(tmp_path / "urls.txt", LINES)
    every = [outs.row(line) for line in range(1, LINES + 1)]
    return outs.make_out(
        tmp_path / "out", urls, every, output=output or Output(), segment_bytes=segment_bytes
    )


def edit_manifest(out: Path, edit: Callable[[dict[str, Any]], object]) -> None:
    path = out / "manifest.json"
    text = json.loads(path.read_text())
    edit(text)
    path.write_text(json.dumps(text))


def edit_journal(out: Path, *statements: str, totals: Totals | None = None) -> None:
    with closing(sqlite3.connect(out / "journal.sqlite")) as db, db:
        for statement in statements:
            db.execute(statement)
        if totals is not None:
            packed = msgspec.msgpack.encode(totals)
            db.execute("UPDATE meta SET value = ? WHERE key = 'totals'", (packed,))


def resume(out: Path) -> None:
    """As a sink begins: with what is there."""
    with closing(OutputDirectory(out)) as directory:
        assert directory.manifest is not None
        Store(out, directory.manifest, 1 << 20).close()


def part(out: Path) -> Path:
    return out / "results" / "part-00000.jsonl"


READERS = {
    "export": lambda out: list(Merged([out], partial=True).rows()),
    "report": lambda out: read([out]),
    "status": lambda out: status.look([out]),
    "verify": lambda out: Audit([out], None),
    "sink": resume,
}
every_reader = pytest.mark.parametrize("reader", READERS)


# -- the manifest and the journal ------------------------------------------------------------


@every_reader
def test_a_job_that_is_called_complete_has_all_rows_in_the_journal(out: Path, reader: str) -> None:
    totals = Totals(LINES - 4, {"ok": LINES - 4}, {200: LINES - 4})
    fewer = "UPDATE segments SET rows = rows - 4"
    edit_journal(out, "DELETE FROM batches WHERE id = 2", fewer, totals=totals)
    with pytest.raises(DamageError, match="says that the job is complete, with 20 URL lines, but"):
        READERS[reader](out)


EDITS: dict[str, Callable[[dict[str, Any]], object]] = {
    "batch_size is 4": lambda text: text.update(batch_size=4),
    "job is another": lambda text: text.update(job="another"),
    "output is not": lambda text: text["output"].update(bodies="files"),
    "input is not": lambda text: text["input"].update(bytes=1),
    "share is not": lambda text: text.update(share={"index": 0, "of": 2}),
    "settings is not": lambda text: text.update(settings={"a": {"b": 1}}),
    "selection is not": lambda text: text.update(
        selection={
            "parent": "/p",
            "parent_job": "j",
            "wanted": {"outcomes": ["dns"], "statuses": []},
            "lines": 3,
            "sha256": "0",
        }
    ),
    "input.url_lines is 19": lambda text: text["input"].update(url_lines=19),
    "input.sha256 is 0": lambda text: text["input"].update(sha256="0"),
}


@pytest.mark.parametrize("said", EDITS)
@every_reader
def test_an_edited_manifest_is_damage_in_one_line(out: Path, reader: str, said: str) -> None:
    edit_manifest(out, EDITS[said])
    with pytest.raises(DamageError, match=said) as caught:
        READERS[reader](out)
    assert "\n" not in str(caught.value)


def test_the_lines_of_a_share_are_not_counted_by_the_manifest_alone(out: Path) -> None:
    with closing(Journal(out / "journal.sqlite")) as journal:
        journal.share_counted(LINES)
    edit_manifest(out, lambda text: text.update(share_url_lines=19))
    with pytest.raises(DamageError, match="share_url_lines is 19, and"):
        rows.read_part(out)


@pytest.mark.parametrize("state", ["done", ""])
def test_a_state_that_there_is_not_is_damage(out: Path, state: str) -> None:
    edit_manifest(out, lambda text: text.update(state=state))
    with pytest.raises(DamageError, match="cannot be read as a manifest"):
        rows.read_part(out)


def test_rows_without_a_manifest_are_not_given_to_another_job(out: Path) -> None:
    (out / "manifest.json").unlink()
    with pytest.raises(DamageError, match=r"manifest\.json is missing"):
        OutputDirectory(out)


# -- segments --------------------------------------------------------------------------------


def end_of_row(out: Path, rows_back: int) -> int:
    lengths = [len(row) for row in part(out).read_bytes().splitlines(keepends=True)]
    return sum(lengths[: len(lengths) - rows_back])


@pytest.mark.parametrize("back", ["a row", "some bytes"])
def test_nothing_is_cut_off_a_segment_whose_length_was_lowered(out: Path, back: str) -> None:
    length = end_of_row(out, 1) if back == "a row" else part(out).stat().st_size - 5
    before = part(out).read_bytes()
    edit_journal(out, f"UPDATE segments SET bytes = {length}")
    with pytest.raises(DamageError, match="are not those that were committed"):
        resume(out)
    assert part(out).read_bytes() == before


@pytest.mark.parametrize("reader", ["export", "report"])
def test_readers_miss_the_row_that_a_lowered_length_hides(out: Path, reader: str) -> None:
    edit_journal(out, f"UPDATE segments SET bytes = {end_of_row(out, 1)}")
    with pytest.raises(DamageError, match="has 19 rows, and 20 were committed"):
        READERS[reader](out)


@pytest.mark.parametrize("reader", ["export", "report"])
def test_readers_do_not_give_out_flipped_bytes_in_silence(out: Path, reader: str) -> None:
    part(out).write_bytes(part(out).read_bytes().replace(b'"status":200', b'"status":201', 1))
    with pytest.raises(DamageError, match="its bytes are not those that were committed"):
        READERS[reader](out)


def test_a_full_segment_whose_length_was_lowered_is_damage(tmp_path: Path) -> None:
    out = make(tmp_path, segment_bytes=100)
    assert (out / "results" / "part-00002.jsonl").exists()
    length = end_of_row(out, 1)
    edit_journal(out, f"UPDATE segments SET bytes = {length} WHERE name = 'part-00000.jsonl'")
    with pytest.raises(DamageError, match="are not those that were committed"):
        resume(out)


def test_bytes_appended_to_a_full_segment_do_not_affect_it(tmp_path: Path) -> None:
    out = make(tmp_path, segment_bytes=100)
    with part(out).open("ab") as file:
        file.write(b"garbage")
    resume(out)


def test_segments_that_have_other_rows_than_all_are_damage(out: Path) -> None:
    edit_journal(out, "UPDATE segments SET rows = rows - 1")
    with pytest.raises(DamageError, match="its segments have another number"):
        resume(out)


# -- an OUT of an older version --------------------------------------------------------------


def age(out: Path) -> None:
    """Make it one that was written before there were digests."""
    edit_journal(
        out,
        "CREATE TABLE old (name TEXT PRIMARY KEY, bytes INTEGER NOT NULL) WITHOUT ROWID",
        "INSERT INTO old SELECT name, bytes FROM segments",
        "DROP TABLE segments",
        "ALTER TABLE old RENAME TO segments",
        "DELETE FROM meta WHERE key IN ('manifest', 'share_url_lines', 'key')",
    )
    edit_manifest(out, lambda text: text.update(format=1))


def test_an_out_of_an_older_version_is_read_verified_and_resumed(tmp_path: Path) -> None:
    urls = outs.write_input(tmp_path / "urls.txt", LINES)
    out = tmp_path / "out"
    outs.make_out(out, urls, [outs.row(line) for line in range(1, 12)])
    age(out)
    size = part(out).stat().st_size
    assert Audit([out], None).run().undigested_bytes == size
    with part(out).open("ab") as file:
        file.write(b"torn")
    outs.resume_out(out, urls, [outs.row(line, Outcome.DNS) for line in range(1, LINES + 1)])
    report = Audit([out], None).run()
    assert report.proven
    assert report.undigested_bytes == size == part(out).stat().st_size
    states = rows.read_part(out).view.states
    assert [state.rows for state in states.values()] == [None, LINES - 11]
    assert json.loads((out / "manifest.json").read_text())["format"] == manifest.FORMAT
    edit_manifest(out, EDITS["batch_size is 4"])
    with pytest.raises(DamageError, match="batch_size is 4, and the job was begun with 8"):
        resume(out)


def test_an_older_length_that_ends_no_row_is_damage(out: Path) -> None:
    age(out)
    edit_journal(out, "UPDATE segments SET bytes = bytes - 3")
    with pytest.raises(DamageError, match="do not end with a row"):
        resume(out)


def test_an_unreadable_format_is_refused(out: Path) -> None:
    edit_manifest(out, lambda text: text.update(format=manifest.FORMAT + 1))
    with pytest.raises(Exception, match="made by another version"):
        rows.read_part(out)


# -- while it runs ---------------------------------------------------------------------------


def replace_by_copy(path: Path) -> None:
    copy = path.with_name("copy")
    copy.write_bytes(path.read_bytes())
    copy.rename(path)


LOSSES: dict[str, Callable[[Path], object]] = {
    "a running job needs this file": Path.unlink,
    "is not the file that the job has written": replace_by_copy,
    "only 1 are there": lambda path: path.write_bytes(b"x"),
}


@pytest.mark.parametrize("said", LOSSES)
@pytest.mark.parametrize("number", [0, 1])
def test_a_segment_that_is_not_the_one_that_was_written_is_noticed(
    tmp_path: Path, said: str, number: int
) -> None:
    made = Segments(tmp_path, ".jsonl", 4, {})
    for text in (b"one\n", b"two\n"):
        made.append([text])
        made.sync()
        made.committed(1)
    made.require_all()
    LOSSES[said](tmp_path / f"part-0000{number}.jsonl")
    with pytest.raises(DamageError, match=said):
        made.require_all()
    if number:
        with pytest.raises(DamageError, match=said):
            made.append([b"three\n"])
    made.close()


@pytest.mark.parametrize("said", LOSSES)
@pytest.mark.parametrize("name", ["part-00000.warc.gz", "part-00000.index.jsonl"])
def test_a_warc_file_that_is_not_the_one_that_was_written_is_noticed(
    tmp_path: Path, said: str, name: str
) -> None:
    made = WarcFiles(tmp_path, 1000, {}, None)
    made.append([Kept(1, b"record")])
    made.sync()
    made.committed()
    made.require_all()
    LOSSES[said](tmp_path / "bodies" / name)
    with pytest.raises(DamageError, match=said):
        made.require_all()
    made.close()


@pytest.mark.parametrize(
    "said", ["a running job needs this file", "is not the file that the job has written"]
)
def test_a_journal_that_is_not_the_one_that_was_written_is_noticed(out: Path, said: str) -> None:
    with closing(OutputDirectory(out)) as directory:
        assert directory.manifest is not None
        store = Store(out, directory.manifest, 1 << 20)
        assert list(store.inspect(lambda _: None)) == [None]
        LOSSES[said](out / "journal.sqlite")
        with pytest.raises(DamageError, match=said):
            list(store.inspect(lambda _: None))
        store.segments.close()


def test_a_journal_whose_file_lost_what_was_committed_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    with closing(DirectoryLock(tmp_path)):
        journal = Journal(path)
        journal.require_kept()
        path.with_name("journal.sqlite-wal").unlink()
        path.with_name("journal.sqlite-shm").unlink()
        with pytest.raises(DamageError, match="journal"):
            journal.require_kept()


def test_a_lock_that_was_taken_away_is_noticed(tmp_path: Path) -> None:
    with DirectoryLock(tmp_path) as lock:
        lock.require_held()
        (tmp_path / "lock").unlink()
        with pytest.raises(DamageError, match="lock"):
            lock.require_held()


def test_a_state_of_an_older_version_has_neither_rows_nor_digest() -> None:
    assert SegmentState("part-00000.jsonl", 5)[2:] == (None, None)
