"""Bodies are found in the WARC files of a job by their lines."""

from __future__ import annotations

import contextlib
import gzip
import sqlite3
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from msgspec import UNSET
from msgspec.structs import replace

from fetcher.errors import DamageError
from fetcher.export.warc_bodies import WarcBodies
from fetcher.model import Outcome, Result
from fetcher.protocol.output_spec import Output
from fetcher.rows import jsonl
from fetcher.store.reader import read_part
from support import bodied, outs

TEXT = b"".join(b"line %d\n" % n for n in range(200))


def answered(line: int, body: bytes = TEXT) -> Result:
    return bodied.answered(outs.row(line), body, "text/plain")


def make(
    tmp_path: Path, bodies: Sequence[bytes], *, once: bool = False
) -> tuple[Path, list[Result]]:
    """An OUT of these bodies, from line 1 on, and its rows. `once`: equal ones are stored once."""
    rows = [(answered(line, body), body) for line, body in enumerate(bodies, 1)]
    out = bodied.make_out(tmp_path, rows, output=Output(bodies="warc", warc_dedupe=once))
    lines = b"".join(path.read_bytes() for path in sorted((out / "results").iterdir()))
    return out, [jsonl.decode(line) for line in lines.splitlines(keepends=True)]


@contextlib.contextmanager
def bodies_of(out: Path) -> Iterator[WarcBodies]:
    with contextlib.closing(WarcBodies(read_part(out))) as found:
        yield found


def test_bodies_of_several_files_are_found_in_any_order(tmp_path: Path) -> None:
    bodies = [gzip.compress(b"%d" % n * 400, 0) for n in range(12)]
    out, rows = make(tmp_path, bodies)
    assert len(list((out / "bodies").glob("*.warc.gz"))) > 1
    with bodies_of(out) as found:
        for row in (*rows[::-1], rows[3], rows[3]):
            assert found.body_of(row) == bodies[row.line - 1]


def test_a_body_that_is_stored_once_is_found_for_each_of_its_lines(tmp_path: Path) -> None:
    out, rows = make(tmp_path, [TEXT, b"other", TEXT, TEXT], once=True)
    warcs = b"".join(gzip.decompress(p.read_bytes()) for p in (out / "bodies").glob("*.warc.gz"))
    assert warcs.count(b"WARC-Type: revisit") == 2
    with bodies_of(out) as found:
        assert [found.body_of(row) for row in rows] == [TEXT, b"other", TEXT, TEXT]


def test_a_row_without_a_response_has_no_body(tmp_path: Path) -> None:
    out, rows = make(tmp_path, [TEXT])
    with bodies_of(out) as found:
        assert found.body_of(outs.row(1, Outcome.DNS)) is None
        assert found.body_of(replace(rows[0], warc_id=UNSET)) is None
        assert found.body_of(replace(rows[0], body_bytes=None)) is None


def test_a_body_is_cut_to_the_length_in_its_row(tmp_path: Path) -> None:
    out, rows = make(tmp_path, [TEXT])
    with bodies_of(out) as found:
        assert found.body_of(replace(rows[0], body_bytes=10)) == TEXT[:10]
        assert found.body_of(replace(rows[0], body_bytes=0)) == b""


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"line": 9}, "the record of line 9 is not there"),
        ({"warc_id": "<urn:uuid:other>"}, "the record of line 1 is not there"),
    ],
)
def test_a_row_whose_record_is_missing_is_damage(
    tmp_path: Path, changed: dict[str, object], said: str
) -> None:
    out, rows = make(tmp_path, [TEXT])
    with bodies_of(out) as found, pytest.raises(DamageError, match=said):
        found.body_of(replace(rows[0], **changed))


@pytest.mark.parametrize(
    ("edit", "said"),
    [
        (lambda data: b"x" + data[1:], "part-00000.index.jsonl: line 1 is not valid"),
        (
            lambda data: data.replace(b"part-00000", b"part-00009"),
            r"names 'part-00009.warc.gz', which is not there",
        ),
        (lambda data: data.replace(b'"offset":', b'"offset":1'), "no record at byte"),
    ],
)
def test_a_damaged_index_is_named(tmp_path: Path, edit: object, said: str) -> None:
    out, rows = make(tmp_path, [TEXT])
    path = out / "bodies" / "part-00000.index.jsonl"
    whole = path.read_bytes()
    changed = edit(whole)  # type: ignore[operator]
    path.write_bytes(changed + b" " * (len(whole) - len(changed)))
    with bodies_of(out) as found, pytest.raises(DamageError, match=said):
        found.body_of(rows[0])


def test_a_revisit_of_a_record_that_is_not_there_is_damage(tmp_path: Path) -> None:
    out, rows = make(tmp_path, [TEXT, TEXT], once=True)
    part = read_part(out)
    assert len([name for name in part.view.segments if name.endswith(".warc.gz")]) == 1
    found = WarcBodies(part)
    with contextlib.closing(found), pytest.raises(DamageError, match="line 2 is not there"):
        found._originals = _empty()
        found.body_of(rows[1])


def _empty() -> sqlite3.Connection:
    table = sqlite3.connect("")
    table.execute("CREATE TABLE originals (digest TEXT, file TEXT, offset INTEGER)")
    return table
