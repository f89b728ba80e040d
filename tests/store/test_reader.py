"""Reads an OUT: rows of each format, whole however reads are cut; damage is found."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from fetcher.bitset import IdSet
from fetcher.commit.committer import BatchState, Recovered
from fetcher.errors import ConflictError, DamageError, UsageError
from fetcher.frontier.rules import CrawlRules
from fetcher.input.source_info import SourceInfo
from fetcher.model import Outcome, Result
from fetcher.protocol.output_spec import PLAIN, Compression, Output, RowForm
from fetcher.protocol.shard import Share
from fetcher.protocol.totals import Totals
from fetcher.rows.forms import CODECS
from fetcher.store import reader, zstd
from fetcher.store.digest import Digest
from fetcher.store.journal import JournalView
from fetcher.store.journal_tables import Facts
from fetcher.store.manifest import InputFacts, Manifest
from fetcher.store.reader import Committed, Segment
from fetcher.store.segments import SegmentState
from fetcher.verify.audit import NOT_PARSED, Audit
from support import kinds, outs

FORMS = [Output(form, packing) for form in CODECS for packing in ("none", "zstd")]


def encoded(form: RowForm) -> list[bytes]:
    long = [Result(n, "u", Outcome.OK, body="x" * n * 100, body_is="text") for n in range(7, 20)]
    return [CODECS[form].encode(row) for row in (*kinds.rows(), *long)]


def write(path: Path, of: Output, made: list[bytes]) -> Segment:
    """In commits of three rows."""
    commits = [made[at : at + 3] for at in range(0, len(made), 3)]
    packed = [zstd.packed(c) if of.compression == "zstd" else b"".join(c) for c in commits]
    path.write_bytes(b"".join(packed) + b"torn")
    return Segment(path, sum(map(len, packed)), of)


@pytest.mark.parametrize("of", FORMS, ids=str)
@pytest.mark.parametrize("block_bytes", [1, 2, 3, 7, 100, 4096, 1 << 18])
def test_rows_come_back_in_any_block_size(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, of: Output, block_bytes: int
) -> None:
    monkeypatch.setattr(reader, "_BLOCK_BYTES", block_bytes)
    monkeypatch.setattr(zstd, "_BLOCK_BYTES", block_bytes)
    made = encoded(of.rows)
    assert list(reader.rows(write(tmp_path / "part", of, made))) == made


@pytest.mark.parametrize("form", CODECS)
@given(cuts=st.lists(st.integers(0, 3000), max_size=20))
def test_rows_come_back_whatever_the_blocks_are(form: RowForm, cuts: list[int]) -> None:
    whole = b"".join(encoded(form))
    places = sorted({0, *cuts, len(whole)})
    blocks = [whole[a:b] for a, b in itertools.pairwise(places)]
    assert list(
        reader._lines(blocks) if form == "jsonl" else reader.packed_values(blocks)
    ) == encoded(form)


def test_a_frame_that_breaks_off_is_damage(tmp_path: Path) -> None:
    segment = write(tmp_path / "part", Output("jsonl", "zstd"), encoded("jsonl"))
    for missing in (1, 5, 200):
        short = segment._replace(committed_bytes=segment.committed_bytes - missing)
        with pytest.raises(DamageError, match="middle of a frame"):
            list(reader.rows(short))


def test_a_damaged_frame_is_an_error_unless_its_content_is_the_same(tmp_path: Path) -> None:
    segment = write(tmp_path / "part", Output("jsonl", "zstd"), encoded("jsonl"))
    good, red = segment.path.read_bytes(), 0
    for place in range(0, segment.committed_bytes, 5):
        damaged = bytearray(good)
        damaged[place] ^= 1 << place % 8
        segment.path.write_bytes(damaged)
        try:
            assert list(reader.rows(segment)) == encoded("jsonl"), place
        except DamageError as error:
            red += "part" in str(error)
    assert red > segment.committed_bytes / 5 * 0.9


@pytest.mark.parametrize("compression", ["none", "zstd"])
def test_a_job_of_any_form_is_proven(tmp_path: Path, compression: Compression) -> None:
    out = made_out(tmp_path, Output("msgpack", compression))
    assert Audit([out], None).run().proven


def made_out(tmp_path: Path, output: Output) -> Path:
    urls = outs.write_input(tmp_path / "urls.txt", 40)
    return outs.make_out(
        tmp_path / "out", urls, map(outs.row, range(1, 41)), segment_bytes=900, output=output
    )


def told(out: Path) -> list[tuple[int, str, str]]:
    (part,) = reader.read_all([out])
    found = [row for segment in reader.segments(part) for row in reader.rows(segment)]
    results = map(CODECS["msgpack"].decode, found)
    return [(result.line, result.url, result.outcome) for result in results]


def test_a_damaged_map_is_an_error_unless_only_a_value_has_changed(tmp_path: Path) -> None:
    out = made_out(tmp_path, Output("msgpack"))
    path = out / "results" / "part-00001.msgpack"
    good = path.read_bytes()
    as_told, red = told(out), 0
    for place in range(0, len(good), 7):
        damaged = bytearray(good)
        damaged[place] ^= 1 << place % 8
        path.write_bytes(damaged)
        if Audit([out], None).run().proven:
            assert told(out) == as_told, place
        else:
            red += 1
    assert red > len(good) / 7 / 2, "most bytes are of keys"
    path.write_bytes(b"\xc1" + good[1:])
    assert Audit([out], None).run().counts[NOT_PARSED]


# -- which OUT it is -------------------------------------------------------------------------


def test_a_path_without_a_job_is_a_wrong_usage_that_says_why(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for name, said in {
        "file": "is a file; name the OUT of a job",
        "missing": "no such directory",
        ".": r"no job was begun here \(manifest\.json is missing\)",
    }.items():
        with pytest.raises(UsageError, match=said):
            reader.read_part(tmp_path / name)


def test_rows_without_their_journal_cannot_be_proven(tmp_path: Path) -> None:
    out = made_out(tmp_path, Output())
    (out / "journal.sqlite").unlink()
    with pytest.raises(DamageError, match=r"journal\.sqlite: is missing, so the rows cannot be"):
        reader.read_part(out)


def part_of(index: int, of: int, *, counted: bool = True, job: str = "job") -> reader.Part:
    facts = InputFacts("urls.txt", "/urls.txt", 9)
    share = Share(index, of)
    url_lines = 10 + index if counted else None
    found = Manifest(job, "now", facts, 8, {}, {}, share=share, share_url_lines=url_lines)
    nothing = Recovered(IdSet(), {}, Totals())
    no_facts = Facts(Totals(), SourceInfo(), None, None)
    view = JournalView(nothing, {}, SourceInfo(), [], None, None, no_facts)
    return reader.Part(Path(f"/out{index}"), found, view)


def shared(tmp_path: Path, name: str, share: Share, job: str = "") -> Path:
    urls = tmp_path / "urls.txt"
    if not urls.exists():
        outs.write_input(urls, 20)
    return outs.make_out(tmp_path / name, urls, [], share=share, job=job)


def test_the_parts_of_a_job_are_read_together_and_others_are_refused(tmp_path: Path) -> None:
    first = shared(tmp_path, "a", Share(0, 3), "one")
    second = shared(tmp_path, "b", Share(1, 3), "one")
    other = shared(tmp_path, "c", Share(2, 3), "another")
    parts = reader.read_all([first, second])
    assert [part.out for part in parts] == [first, second]
    assert reader.missing_sinks(parts) == [str(Share(2, 3))]
    with pytest.raises(ConflictError, match=r"c belongs to another job than .*a$"):
        reader.read_all([first, second, other])
    with pytest.raises(UsageError, match="a: this sink is named twice"):
        reader.read_all([first, second, first])


def test_the_lines_of_a_job_are_known_when_each_sink_knows_its_share() -> None:
    assert reader.url_lines_of([part_of(0, 2), part_of(1, 2)]) == 21
    assert reader.url_lines_of([part_of(0, 2), part_of(1, 2, counted=False)]) is None
    assert reader.missing_sinks([part_of(0, 1)]) == []


def test_the_only_sink_knows_its_share_when_the_file_is_counted() -> None:
    part = part_of(0, 1, counted=False)
    counted = SourceInfo(9, "", 5, at_end=True, fraction=1.0)
    known = part._replace(view=replace(part.view, source=counted))
    assert reader.url_lines_of([known]) == 5
    half = part._replace(view=replace(part.view, source=replace(counted, at_end=False)))
    assert reader.url_lines_of([half]) is None
    crawl = known._replace(manifest=replace(known.manifest, crawl=CrawlRules()))
    assert reader.url_lines_of([crawl]) is None, "the file has the seeds alone"
    of_two = part_of(0, 2, counted=False)._replace(view=known.view)
    assert reader.url_lines_of([of_two]) is None


def test_the_files_of_rows_are_listed_oldest_first_without_other_files() -> None:
    states = {
        name: SegmentState(name, length, length * 2, bytes([length]))
        for length, name in enumerate(
            ("part-00000.jsonl", "part-100000.jsonl", "part-00009.jsonl", "bodies/part-00000.warc")
        )
    }
    found = reader.segments_in(Path("/out"), states, PLAIN)
    assert found == [
        Segment(Path("/out/results/part-00000.jsonl"), 0, PLAIN, 0, b"\x00"),
        Segment(Path("/out/results/part-00009.jsonl"), 2, PLAIN, 4, b"\x02"),
        Segment(Path("/out/results/part-100000.jsonl"), 1, PLAIN, 2, b"\x01"),
    ]


@pytest.mark.parametrize(
    ("done", "partial", "highest"), [((), (), 0), ((2,), (), 64), ((2,), (9,), 80), ((), (0,), 8)]
)
def test_no_committed_line_is_above_the_bound(
    done: tuple[int, ...], partial: tuple[int, ...], highest: int
) -> None:
    ids = IdSet()
    for batch in done:
        ids.add(batch)
    recovered = Recovered(ids, {batch: BatchState(1, 3) for batch in partial}, Totals())
    part = part_of(0, 1)
    part = part._replace(view=replace(part.view, recovered=recovered))
    assert reader.highest_line(part) == highest


def test_the_input_is_found_in_a_moved_out_or_at_its_old_path(tmp_path: Path) -> None:
    facts = InputFacts("-", "/old/out/input.urls", 9)
    job = Manifest("job", "now", facts, 8, {}, {})
    assert reader.find_input(tmp_path, job) is None
    (tmp_path / "input.urls").touch()
    assert reader.find_input(tmp_path, job) == tmp_path / "input.urls"
    (tmp_path / "urls.txt").touch()
    job.input.path = str(tmp_path / "urls.txt")
    assert reader.find_input(tmp_path / "gone", job) == tmp_path / "urls.txt"


# -- committed bytes -------------------------------------------------------------------------


def test_no_byte_beyond_the_committed_length_is_returned(tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(b"0123456789")
    with Committed(tmp_path / "f", 6) as file:
        assert (file.read(4), file.read(4), file.read(4)) == (b"0123", b"45", b"")
    with Committed(tmp_path / "f", 6, start=2) as file:
        assert (file.read(), file.read()) == (b"2345", b"")


def test_the_digest_is_of_all_committed_bytes_whatever_was_read(tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(b"0123456789")
    digest = Digest()
    digest.update(b"012345")
    for size in (0, 3, 6):
        with Committed(tmp_path / "f", 6) as file:
            file.read(size)
            assert file.is_as(digest.value())
    with Committed(tmp_path / "f", 7) as file:
        assert not file.is_as(digest.value())
        assert file.is_as(None), "an older version stored no digest"


def test_a_file_that_is_too_short_or_missing_is_damage(tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(b"012")
    with pytest.raises(DamageError, match="4 bytes were committed, but only 3 are there"):
        Committed(tmp_path / "f", 4).__enter__()
    with pytest.raises(DamageError, match="g: No such file or directory, and rows of it were"):
        Committed(tmp_path / "g", 4).__enter__()
    with (
        Committed(tmp_path / "f", 3) as file,
        pytest.raises(DamageError, match="became shorter while it was read"),
    ):
        (tmp_path / "f").write_bytes(b"")
        file.read()


def segment_of(path: Path, *lines: bytes, more: int = 0) -> Segment:
    digest = Digest()
    digest.update(b"".join(lines))
    path.write_bytes(b"".join(lines))
    return Segment(path, path.stat().st_size, PLAIN, len(lines) + more, digest.value())


def test_rows_are_counted_and_their_bytes_compared_after_the_last(tmp_path: Path) -> None:
    good = segment_of(tmp_path / "good", b"1\n", b"2\n")
    assert list(reader.rows(good)) == [b"1\n", b"2\n"]
    with pytest.raises(DamageError, match="has 2 rows, and 3 were committed"):
        list(reader.rows(good._replace(rows=3)))
    (tmp_path / "good").write_bytes(b"1\n3\n")
    found = reader.rows(good)
    assert [next(found), next(found)] == [b"1\n", b"3\n"]
    with pytest.raises(DamageError, match="its bytes are not those that were committed"):
        next(found)


def test_rows_from_the_end_of_a_commit_on_are_not_checked(tmp_path: Path) -> None:
    good = segment_of(tmp_path / "good", b"1\n", b"2\n")
    assert list(reader.rows(good._replace(rows=7), start=2)) == [b"2\n"]
    assert list(reader.rows(good._replace(rows=7), start=4)) == []


# -- a running job ---------------------------------------------------------------------------


def test_a_follower_returns_each_row_once_over_several_segments(tmp_path: Path) -> None:
    urls = outs.write_input(tmp_path / "urls.txt", 40)
    out = tmp_path / "out"
    follower = reader.Follower(out)
    assert list(follower.new()) == [], "the job has not begun"
    outs.make_out(out, urls, map(outs.row, range(1, 17)), segment_bytes=900)
    first = list(follower.new())
    assert follower.output == PLAIN
    assert list(follower.new()) == []
    outs.resume_out(out, urls, map(outs.row, range(17, 41)))
    decode = CODECS["jsonl"].decode
    lines = [decode(row).line for row in (*first, *follower.new())]
    assert (len(first), lines) == (16, list(range(1, 41)))
