"""`verify` proves kept bodies, and finds each damaged byte of them."""

from __future__ import annotations

import base64
import gzip
import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from msgspec import UNSET
from msgspec.structs import replace

from fetcher.errors import DamageError
from fetcher.fetch.body.capture import Capture
from fetcher.model import Outcome, Result
from fetcher.protocol.output_spec import Bodies, BodyNames, Compression, Output, RowForm
from fetcher.rows import warc
from fetcher.rows.body_names import body_file
from fetcher.rows.inline import inline
from fetcher.verify.audit import Audit, Report
from fetcher.verify.bodies import NO_BODY, NO_ORIGINAL, NO_RECORD, OTHER_INDEX
from support import outs

LINES = 20
HTML = "text/html; charset=iso-8859-1"
CUT = (8, 9, 10)  # lines whose bodies were


def body_of(line: int) -> bytes:
    """Text, text in another charset, binary data, and an empty body."""
    return [b"<p>%d</p>" % line, "é".encode("latin-1") * line, bytes([line, 129]), b""][line % 4]


def answered(line: int) -> Result:
    body = body_of(line)
    if line in CUT:
        row = replace(outs.row(line, Outcome.TIMEOUT, 200), content_type=HTML, truncated=True)
        return replace(row, body_bytes=len(body))
    return replace(
        outs.row(line),
        content_type=HTML if line % 4 < 2 else "image/png; charset=utf-8",
        body_bytes=len(body),
        sha256=hashlib.sha256(body).hexdigest(),
    )


def in_row(line: int) -> tuple[Result, bytes]:
    row = answered(line)
    text, kind = inline(body_of(line), row.content_type)
    return replace(row, body=text, body_is=kind), b""


def name_of(body: bytes, content_type: str | None, names: BodyNames = "typed") -> str:
    return body_file(names, hashlib.sha256(body).hexdigest(), content_type, None)


def in_file(line: int) -> tuple[Result, bytes]:
    row, body = answered(line), body_of(line)
    return replace(row, body_file=name_of(body, row.content_type)), body


def recorded(line: int, body: bytes) -> warc.Records:
    tape = Capture(outs.url_of(line), 1.5)
    tape.head = [b"HTTP/1.1 200 OK\r\n", b"Server: s\r\n"]
    tape.request = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
    tape.pieces = [body]
    tape.is_whole = True
    made = warc.records([tape], Outcome.OK, "<urn:uuid:0>", with_revisits=True)
    assert made is not None
    return made


def in_warc(line: int) -> tuple[Result, bytes]:
    made = recorded(line, body_of(line))
    return replace(answered(line), warc_id=made.first_id), made.data


MAKERS: dict[Bodies, Callable[[int], tuple[Result, bytes]]] = {
    "inline": in_row,
    "files": in_file,
    "warc": in_warc,
}


def make(
    tmp_path: Path,
    bodies: Bodies,
    change: Callable[[Result], Result] = lambda row: row,
    segment_bytes: int = 900,
    names: BodyNames = "typed",
) -> Path:
    """A complete job, in several commits and segments; `change` is made to each of its rows."""
    made = {line: MAKERS[bodies](line) for line in range(1, LINES + 1)}
    return outs.make_out(
        tmp_path / "out",
        outs.write_input(tmp_path / "urls.txt", LINES),
        [change(row) for row, _ in made.values()],
        segment_bytes=segment_bytes,
        output=Output(bodies=bodies, body_names=names),
        kept={line: beside for line, (_, beside) in made.items()},
    )


def verdict(out: Path) -> Report:
    return Audit([out], None).run()


def after(path: Path, place: int, flip: int = 0x01) -> Report:
    """The verdict with this byte damaged, which is mended then."""
    good = path.read_bytes()
    damaged = bytearray(good)
    damaged[place] ^= flip
    path.write_bytes(damaged)
    try:
        return verdict(next(parent for parent in path.parents if parent.name == "out"))
    finally:
        path.write_bytes(good)


@pytest.mark.parametrize("bodies", MAKERS)
def test_a_job_that_keeps_bodies_is_proven(tmp_path: Path, bodies: Bodies) -> None:
    report = verdict(make(tmp_path, bodies))
    assert (report.proven, report.rows) == (True, LINES), report.listed


def test_the_body_in_a_row_must_be_the_one_with_its_digest(tmp_path: Path) -> None:
    out = make(tmp_path, "inline")
    path = out / "results" / "part-00000.jsonl"
    for said in (b"<p>4</p>", base64.b64encode(body_of(2)), '"body":"é'.encode()):
        place = path.read_bytes().index(said) + len(said) - 1
        assert after(path, place).counts, said


@pytest.mark.parametrize(
    "wrong",
    [{"body": "other"}, {"body_is": UNSET}, {"body": UNSET}, {"body_is": "base64"}],
    ids=str,
)
def test_a_body_in_a_row_says_what_it_is(tmp_path: Path, wrong: dict[str, Any]) -> None:
    out = make(tmp_path, "inline", lambda row: replace(row, **wrong))
    assert verdict(out).counts[NO_BODY] >= LINES // 2


def test_a_cut_body_in_a_row_has_its_length(tmp_path: Path) -> None:
    def change(row: Result) -> Result:
        return replace(row, body_bytes=5) if row.line == 9 else row

    assert verdict(make(tmp_path, "inline", change)).counts == {NO_BODY: 1}


def test_a_body_without_a_digest_says_that_it_is_cut(tmp_path: Path) -> None:
    for bodies in ("inline", "files"):
        (tmp_path / bodies).mkdir()
        out = make(tmp_path / bodies, bodies, lambda row: replace(row, truncated=UNSET))
        assert verdict(out).counts == {NO_BODY: len(CUT)}


def test_a_cut_body_of_another_length_than_its_row_says_is_found(tmp_path: Path) -> None:
    other = name_of(body_of(4), HTML)

    def change(row: Result) -> Result:
        return replace(row, body_file=other) if row.line == 9 else row

    assert verdict(make(tmp_path, "files", change)).counts == {NO_BODY: 1}


def test_each_damaged_body_file_is_found(tmp_path: Path) -> None:
    out = make(tmp_path, "files")
    paths = [path for path in (out / "bodies").rglob("*") if path.is_file()]
    (empty,) = [path for path in paths if not path.stat().st_size]
    paths.remove(empty)
    assert len(paths) == LINES * 3 // 4
    for path in paths:
        for place in range(path.stat().st_size):
            assert after(path, place).counts == {NO_BODY: 1}
    paths[0].unlink()
    assert verdict(out).counts == {NO_BODY: 1}
    empty.write_bytes(b"x")
    assert verdict(out).counts == {NO_BODY: 1 + 1}, "a file is read once"
    empty.unlink()
    assert verdict(out).counts == {NO_BODY: 1 + LINES // 4}


def test_a_row_that_names_another_file_is_found_also_where_that_is_there(tmp_path: Path) -> None:
    other = name_of(body_of(1), HTML)

    def change(row: Result) -> Result:
        return replace(row, body_file=other) if row.line in (4, 5) else row

    assert verdict(make(tmp_path, "files", change)).counts == {NO_BODY: 2}


def test_a_body_with_two_types_has_two_files_and_each_is_read(tmp_path: Path) -> None:
    def change(row: Result) -> Result:
        if row.line != 4:
            return row
        return replace(row, content_type="image/png", body_file=name_of(body_of(4), "image/png"))

    out = make(tmp_path, "files", change)
    digest = hashlib.sha256(body_of(4)).hexdigest()
    (path,) = (out / "bodies").rglob(f"{digest}*")
    assert path.suffix == ".png"
    assert verdict(out).proven
    (tmp_path / "second").mkdir()
    both = [in_file(4), (change(in_file(4)[0]), body_of(4))]
    rows = [replace(row, line=line, url=outs.url_of(line)) for line, (row, _) in enumerate(both, 1)]
    urls = outs.write_input(tmp_path / "second" / "urls.txt", 2)
    out = outs.make_out(
        tmp_path / "second" / "out",
        urls,
        rows,
        output=Output(bodies="files", body_names="typed"),
        kept=dict.fromkeys((1, 2), body_of(4)),
    )
    assert verdict(out).proven
    for path in (out / "bodies").rglob(f"{digest}*"):
        assert after(path, 0).counts == {NO_BODY: 1}, path


def test_a_job_of_an_older_version_keeps_its_names_and_is_proven(tmp_path: Path) -> None:
    def change(row: Result) -> Result:
        return replace(row, body_file=name_of(body_of(row.line), None, "sha256"))

    out = make(tmp_path, "files", change, names="sha256")
    assert "body_names" not in (out / "manifest.json").read_text()
    assert verdict(out).proven
    path = next(p for p in (out / "bodies").rglob("*") if p.is_file() and p.stat().st_size)
    assert not path.suffix
    assert after(path, 0).counts == {NO_BODY: 1}
    path.unlink()
    assert verdict(out).counts == {NO_BODY: 1}


@pytest.mark.parametrize(("names", "other"), [("sha256", "typed"), ("typed", "sha256")])
def test_a_row_with_a_name_of_the_other_kind_is_found(
    tmp_path: Path, names: BodyNames, other: BodyNames
) -> None:
    def change(row: Result) -> Result:
        kind = other if row.line == 4 else names
        return replace(row, body_file=name_of(body_of(row.line), row.content_type, kind))

    assert verdict(make(tmp_path, "files", change, names=names)).counts == {NO_BODY: 1}


def test_each_damaged_byte_of_a_warc_file_is_found(tmp_path: Path) -> None:
    out = make(tmp_path, "warc", segment_bytes=4000)
    paths = sorted((out / "bodies").glob("*.warc.gz"))
    assert len(paths) > 1
    data = paths[1].read_bytes()
    heads = [n for n in range(len(data)) if data[n:].startswith(b"\x1f\x8b\x08")]
    assert gzip.decompress(data).count(b"WARC/1.1\r\n") == len(heads) > 4
    # When, how and where a gzip member was made changes no record, and is a committed byte, too.
    says_nothing = {head + n for head in heads[:3] for n in range(3, 10)}
    for place in sorted({*range(0, len(data), 67), *heads[:2], len(data) - 1} | says_nothing):
        report = after(paths[1], place)
        assert report.counts.get(NO_RECORD), place


def test_each_damaged_byte_of_the_index_is_found(tmp_path: Path) -> None:
    out = make(tmp_path, "warc")
    path = out / "bodies" / "part-00000.index.jsonl"
    for place in range(0, path.stat().st_size, 19):
        assert after(path, place).counts.get(NO_RECORD), place


def test_each_damaged_byte_of_the_index_for_replay_is_found(tmp_path: Path) -> None:
    out = make(tmp_path, "warc", segment_bytes=4000)
    path = out / "bodies" / "index.cdxj"
    good = path.read_bytes()
    for place in range(0, len(good), 97):
        assert after(path, place).counts == {OTHER_INDEX: 1}, place
    lines = good.splitlines(keepends=True)
    assert len(lines) == LINES
    for wrong in (lines[:-1], lines[::-1], [*lines, lines[0]], [*lines[1:], lines[0]]):
        path.write_bytes(b"".join(wrong))
        assert verdict(out).counts == {OTHER_INDEX: 1}
    path.unlink()
    assert verdict(out).proven, "it can be made again"


def test_a_revisit_of_what_is_not_there_is_found(tmp_path: Path) -> None:
    def told(name: str, url: str) -> Report:
        made = {line: in_warc(line) for line in range(1, LINES + 1)}
        again = recorded(LINES, body_of(1))
        (member, *_) = again.members
        refers = f"WARC-Refers-To-Target-URI: {url}\r\nWARC-Refers-To-Date: {member.date}\r\n"
        data = gzip.compress(member.before + refers.encode() + member.after)
        made[LINES] = replace(answered(LINES), warc_id=again.first_id), data
        (tmp_path / name).mkdir()
        return verdict(
            outs.make_out(
                tmp_path / name / "out",
                outs.write_input(tmp_path / name / "urls.txt", LINES),
                [row for row, _ in made.values()],
                output=Output(bodies="warc"),
                kept={line: beside for line, (_, beside) in made.items()},
            )
        )

    assert told("there", outs.url_of(1)).proven
    assert told("elsewhere", outs.url_of(2)).counts == {NO_ORIGINAL: 1}


def test_the_index_for_replay_is_not_a_stray_file(tmp_path: Path) -> None:
    assert verdict(make(tmp_path, "warc")).stray_files == []


@pytest.mark.parametrize("compression", ["none", "zstd"])
@pytest.mark.parametrize("rows", ["jsonl", "msgpack"])
def test_each_damaged_byte_of_the_rows_is_found(
    tmp_path: Path, rows: RowForm, compression: Compression
) -> None:
    out = outs.make_out(
        tmp_path / "out",
        outs.write_input(tmp_path / "urls.txt", LINES),
        [in_row(line)[0] for line in range(1, LINES + 1)],
        output=Output(rows=rows, compression=compression, bodies="inline"),
    )
    (path,) = (out / "results").iterdir()
    assert verdict(out).proven
    size = path.stat().st_size
    for place in {*range(0, size, max(size // 150, 1)), size - 1}:
        for flip in (0x01, 0x20):  # the second makes another letter of a letter
            try:
                report = after(path, place, flip)
            except DamageError as error:  # a frame that does not unpack
                assert path.name in str(error)
            else:
                assert not report.proven, place


def test_a_record_that_no_row_names_or_that_is_another_rows_is_found(tmp_path: Path) -> None:
    ids: list[str] = []

    def change(row: Result) -> Result:
        ids.append(str(row.warc_id))
        return replace(row, warc_id=ids[0] if row.line == 2 else row.warc_id)

    assert verdict(make(tmp_path, "warc", change)).counts[NO_RECORD]
    (tmp_path / "second").mkdir()
    lost = make(tmp_path / "second", "warc", lambda row: replace(row, warc_id=UNSET))
    assert verdict(lost).counts[NO_RECORD]
