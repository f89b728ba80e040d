"""`verify` finds every kind of damage and names it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from fetcher.commit.committer import Committer
from fetcher.errors import ConflictError, DamageError, UsageError
from fetcher.input.formats import TEXT, LineFormat
from fetcher.input.source import Source
from fetcher.input.source_info import SourceInfo
from fetcher.protocol import messages
from fetcher.store.output_dir import OutputDirectory, Store
from fetcher.verify import audit
from fetcher.verify.audit import Audit, Report
from fetcher.watch import status
from support.chunks import chunk_of_lines, url_of

BATCH = 4
LINES = 12


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """A complete job of twelve lines."""
    return make(tmp_path, LINES)


def make(tmp_path: Path, done: int, text: list[str] | None = None, of: LineFormat = TEXT) -> Path:
    urls = tmp_path / "urls.txt"
    plain = [url_of(line) for line in range(1, LINES + 1)]
    urls.write_text("".join(f"{line}\n" for line in text or plain))
    *_, info = Source(urls, of).census()
    directory = OutputDirectory(tmp_path / "out")
    begun = directory.begin(
        messages.Open(
            session="s",
            input=messages.InputSpec(
                name=urls.name,
                path=str(urls),
                file_bytes=urls.stat().st_size,
                source=info,
                format=of,
            ),
            batch_size=BATCH,
            settings={},
            version="0",
        )
    )
    job = begun.job
    store = Store(tmp_path / "out", begun, 1 << 20)
    intake = Committer(store, store.journal.recover(), job, "epoch")
    for first in range(1, done + 1, BATCH):
        intake.offer(
            chunk_of_lines(
                job, first, BATCH, min(BATCH, done + 1 - first), named=of.kind == "jsonl"
            ),
            BATCH,
        )
        intake.commit()
    store.journal.note(source=info)
    store.close()
    directory.close()
    return tmp_path / "out"


def part(out: Path) -> Path:
    return out / "results" / "part-00000.jsonl"


def change(out: Path, edit: Callable[[list[bytes]], None]) -> Report:
    """The verdict after an edit of the rows that keeps their bytes' number.

    That the bytes are others is found each time, and not told again here.
    """
    before = part(out).stat().st_size
    rows = part(out).read_bytes().splitlines(keepends=True)
    edit(rows)
    part(out).write_bytes(b"".join(rows))
    assert part(out).stat().st_size == before, "the test must keep the length"
    report = Audit([out], None).run()
    assert report.counts.pop(audit.OTHER_BYTES) == 1
    report.listed.remove(f"{part(out).name}: {audit.OTHER_BYTES}")
    return report


def change_freely(out: Path, edit: Callable[[list[bytes]], None]) -> Report:
    """The same for an edit that makes a row shorter or longer: white space makes up for it."""

    def padded(rows: list[bytes]) -> None:
        sizes = [len(row) for row in rows]
        edit(rows)
        for index, (row, size) in enumerate(zip(rows, sizes, strict=True)):
            assert len(row) <= size, "the test must not make a row longer"
            rows[index] = row[:-1].ljust(size - 1) + b"\n"

    return change(out, padded)


def test_a_complete_job_is_proven(out: Path) -> None:
    report = Audit([out], None).run()
    assert report.proven
    assert (report.rows, report.url_lines) == (LINES, LINES)
    assert report.compared_with == out.parent / "urls.txt"


def test_rows_after_the_committed_length_do_not_count(out: Path) -> None:
    with part(out).open("ab") as file:
        file.write(b'{"torn')
    assert Audit([out], None).run().proven


def complete(out: Path) -> None:
    text = json.loads((out / "manifest.json").read_text())
    ended = {"state": "complete", "share_url_lines": LINES}
    (out / "manifest.json").write_text(json.dumps({**text, **ended}))


def test_stray_files_of_a_complete_job_are_reported_and_do_not_affect_the_proof(
    out: Path,
) -> None:
    size = part(out).stat().st_size
    copy = part(out).with_name("part-00001.jsonl")
    copy.write_bytes(part(out).read_bytes())
    part(out).with_name("part-00002.jsonl").touch()
    with part(out).open("ab") as file:
        file.write(b'{"torn')
    assert Audit([out], None).run().stray_files == [], "normal, until the job is complete"
    complete(out)
    report = Audit([out], None).run()
    assert report.proven
    ours, theirs = report.stray_files
    assert ours.startswith(f"{part(out)}: has 6 bytes after its last row, not of the job")
    assert f"truncate -s {size} " in ours
    assert theirs.startswith(f"{copy}: does not belong to the job; remove it")
    copy.unlink()
    part(out).write_bytes(part(out).read_bytes()[:size])
    assert Audit([out], None).run().stray_files == []


def test_a_job_that_runs_still_is_not_said_to_be_given_up(tmp_path: Path) -> None:
    out = make(tmp_path, LINES)
    assert not Audit([out], None).run().is_running
    lock = OutputDirectory(out)
    assert Audit([out], None).run().is_running
    complete(out)
    assert not Audit([out], None).run().is_running, "its sink is about to leave"
    lock.close()


def test_directories_of_several_jobs_are_a_conflict(tmp_path: Path) -> None:
    outs = []
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        outs.append(make(tmp_path / name, LINES))
    for look in (status.look, lambda outs: Audit(outs, None)):
        with pytest.raises(ConflictError, match="belongs to another job than"):
            look(outs)


def test_a_row_in_place_of_another_is_a_line_twice_and_a_line_without(out: Path) -> None:
    def edit(rows: list[bytes]) -> None:
        rows[2] = rows[3]

    report = change(out, edit)
    assert report.listed == ["line 4: more than one row", "line 3: no row"]


def test_another_url_is_named_by_its_line(out: Path) -> None:
    def edit(rows: list[bytes]) -> None:
        rows[6] = rows[6].replace(b"test.invalid/7", b"test.invalid/X")

    report = change(out, edit)
    assert report.listed == ["line 7: the row has another URL than the line"]


def test_two_swapped_urls_are_found_too(out: Path) -> None:
    def edit(rows: list[bytes]) -> None:
        rows[0] = rows[0].replace(b"invalid/1", b"invalid/2")
        rows[1] = rows[1].replace(b"invalid/2", b"invalid/1")

    assert len(change(out, edit).listed) == 2


def test_another_id_is_named_by_its_line(tmp_path: Path) -> None:
    urls = [f'{{"url": "{url_of(line)}", "id": {line}}}' for line in range(1, LINES + 1)]
    out = make(tmp_path, LINES, urls, LineFormat("jsonl"))

    def edit(rows: list[bytes]) -> None:
        rows[6] = rows[6].replace(b'"id":7', b'"id":8')
        rows[7] = rows[7].replace(b'"id":8', b'"id":7')

    assert Audit([out], None).run().proven
    assert change(out, edit).listed == [
        "line 7: the row has another id than the line",
        "line 8: the row has another id than the line",
    ]


def test_a_file_is_read_in_the_format_that_the_job_was_begun_with(tmp_path: Path) -> None:
    lines = ["url", *(url_of(line) for line in range(2, LINES + 1))]
    out = make(tmp_path, 4, lines, LineFormat("csv", ",", ("url",), "url"))
    report = Audit([out], None).run()
    assert report.url_lines == LINES - 1
    assert "line 1: a row, but no such URL line" in report.listed


def test_a_garbled_row_is_named_by_its_place(out: Path) -> None:
    def edit(rows: list[bytes]) -> None:
        rows[0] = b"#" * (len(rows[0]) - 1) + b"\n"

    report = change(out, edit)
    assert report.listed[0].startswith("part-00000.jsonl, byte 0")
    assert "line 1: no row" in report.listed
    assert report.counts["differs from the journal"] >= 1


def test_a_row_with_a_damaged_key_is_named(out: Path) -> None:
    def edit(rows: list[bytes]) -> None:
        rows[2] = rows[2].replace(b'"headers":', b'"heAders":')

    report = change(out, edit)
    assert report.counts == {"not a row as fetcher writes it": 1}
    assert "(line 3)" in report.listed[0]


def test_a_row_of_no_line_is_named(out: Path) -> None:
    def edit(rows: list[bytes]) -> None:
        rows[9] = rows[9].replace(b'"line":10', b'"line":99')

    report = change(out, edit)
    assert "line 99: a row that the journal does not have" in report.listed
    assert "line 10: no row" in report.listed


@pytest.mark.parametrize("line", [b'0,"url":"', b'-3,"url":"', b'999999999999999,"url":"'])
def test_a_row_of_an_impossible_line_costs_no_memory_and_hides_no_other(
    out: Path, line: bytes
) -> None:
    def edit(rows: list[bytes]) -> None:
        rows[4] = rows[4].replace(b'"line":5,"url":"http://test.invalid/5', b'"line":' + line)

    report = change_freely(out, edit)
    number = int(line.partition(b",")[0])
    assert f"line {number}: a row that the journal does not have" in report.listed
    assert "line 5: no row" in report.listed
    assert report.counts["no row"] == 1


def test_a_row_of_a_blank_or_comment_line_is_named(tmp_path: Path) -> None:
    out = make(tmp_path, LINES)
    urls = tmp_path / "urls.txt"
    urls.write_text(urls.read_text().replace("http://test.invalid/6\n", "#ttp://test.invalid/6\n"))
    report = Audit([out], None).run()
    assert report.listed == ["line 6: a row, but no such URL line"]


def test_a_row_that_is_committed_but_not_in_the_journal_is_named(tmp_path: Path) -> None:
    out = make(tmp_path, 10)

    def edit(rows: list[bytes]) -> None:
        rows[9] = rows[9].replace(b'"line":10', b'"line":12').replace(b"lid/10", b"lid/12")

    report = change(out, edit)
    assert report.listed == [
        "line 12: a row that the journal does not have",
        "line 10: no row",
        "line 11: no row",
    ]


def test_totals_that_differ_are_reported(out: Path) -> None:
    def edit(rows: list[bytes]) -> None:
        rows[0] = rows[0].replace(b'"ok"', b'"tls"').replace(b"200", b"20")

    report = change_freely(out, edit)
    assert report.listed == ["the count of outcomes: differs from the journal"]


def test_a_row_that_is_valid_json_and_no_result_is_named(out: Path) -> None:
    def edit(rows: list[bytes]) -> None:
        rows[1] = rows[1].replace(b'"line"', b'"lime"')

    report = change(out, edit)
    assert report.listed[0].startswith("part-00000.jsonl, byte ")
    assert "line 2: no row" in report.listed


def test_an_unfinished_job_is_not_proven_and_its_lines_are_named(tmp_path: Path) -> None:
    out = make(tmp_path, 10)
    report = Audit([out], None).run()
    assert report.listed == ["line 11: no row", "line 12: no row"]
    assert set(report.counts) == {"no row"}


def test_without_the_url_file_the_counts_must_agree(tmp_path: Path) -> None:
    out = make(tmp_path, LINES)
    (tmp_path / "urls.txt").unlink()
    report = Audit([out], None).run()
    assert report.proven and report.compared_with is None
    (tmp_path / "more").mkdir()
    unfinished = make(tmp_path / "more", 10)
    (tmp_path / "more" / "urls.txt").unlink()
    assert Audit([unfinished], None).run().listed == ["2 lines: no row"]


def test_another_url_file_is_refused(out: Path, tmp_path: Path) -> None:
    (tmp_path / "other.txt").write_text("http://other.invalid/\n")
    with pytest.raises(ConflictError, match="not the file"):
        Audit([out], tmp_path / "other.txt").run()


@pytest.mark.parametrize("loss", ["shorter", "gone"])
def test_missing_bytes_are_damage(out: Path, loss: str) -> None:
    if loss == "gone":
        part(out).unlink()
    else:
        part(out).write_bytes(part(out).read_bytes()[:-1])
    with pytest.raises(DamageError):
        Audit([out], None).run()


def test_another_list_of_the_same_size_is_reported_in_blocks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = make(tmp_path, LINES)
    urls = tmp_path / "urls.txt"
    urls.write_bytes(urls.read_bytes().replace(b"http", b"hppt"))
    monkeypatch.setattr(audit, "_BLOCK_LINES", 4)
    monkeypatch.setattr(audit, "_MAX_BLOCKS", 1)
    report = Audit([out], None).run()
    assert report.counts == {
        "the row has another URL than the line": 3,  # of the first block, lines 1 to 3
        "rows differ from these lines": 3,
    }


def test_where_no_job_is_there_is_nothing_to_verify(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no job was begun here"):
        Audit([tmp_path], None)


def test_many_findings_are_counted_and_the_first_are_listed(tmp_path: Path) -> None:
    out = make(tmp_path, 4)
    urls = tmp_path / "urls.txt"
    size = urls.stat().st_size
    urls.write_text("h\n" * (size // 2) + "h" * (size % 2))
    report = Audit([out], None).run()
    assert report.counts["no row"] > 20
    assert sum(told.endswith("no row") for told in report.listed) == 20


def test_the_status_of_a_job_is_read_from_its_files(tmp_path: Path) -> None:
    out = make(tmp_path, 10)
    found = status.look([out])
    assert (found.state, found.rows, found.url_lines, found.url_lines_exact) == (
        "stopped",
        10,
        LINES,
        True,
    )
    assert found.totals.outcomes == {"ok": 10}
    lock = OutputDirectory(out)
    assert status.look([out]).state == "running"
    lock.close()
    (tmp_path / "all").mkdir()
    whole = make(tmp_path / "all", LINES)
    complete(whole)
    assert status.look([whole]).state == "complete"


def test_without_a_count_the_total_is_not_known() -> None:
    assert SourceInfo().total() == (None, False)
