"""Bodies are read from rows, files and WARC files, and must be those of their rows."""

from __future__ import annotations

import contextlib
import hashlib
from pathlib import Path

import pytest
from msgspec.structs import replace

from fetcher.errors import DamageError
from fetcher.export.body_source import Body, BodySource
from fetcher.export.merged import Merged
from fetcher.model import Outcome, Result
from fetcher.protocol.output_spec import Bodies
from support import bodied, outs

MODES: tuple[Bodies, ...] = ("inline", "files", "warc")
PAGE = b"<p>one</p>"


def row(line: int, body: bytes = PAGE) -> Result:
    return bodied.answered(outs.row(line), body, "text/html")


def bodies(out: Path) -> dict[int, bytes | None]:
    """The body of each row by its line."""
    merged = Merged([out], partial=True)
    found: dict[int, bytes | None] = {}
    with contextlib.closing(BodySource(merged.parts)) as source:
        for each in merged.rows():
            body = source.body_of(each)
            found[each.result.line] = None if body is None else b"".join(body.blocks())
            if body is not None:
                assert body.sha256 == hashlib.sha256(found[each.result.line] or b"").hexdigest()
    return found


@pytest.mark.parametrize("mode", MODES)
def test_the_body_of_each_row_however_it_is_kept(tmp_path: Path, mode: Bodies) -> None:
    given = [(row(1), PAGE), (row(2, b""), b""), (outs.row(3, Outcome.DNS), None)]
    assert bodies(bodied.make_out(tmp_path, given, mode)) == {1: PAGE, 2: b"", 3: None}


@pytest.mark.parametrize("mode", MODES)
def test_a_cut_body_has_no_digest_to_compare(tmp_path: Path, mode: Bodies) -> None:
    out = bodied.make_out(tmp_path, [(bodied.cut(row(1)), PAGE)], mode)
    assert bodies(out) == {1: PAGE}


def test_a_cut_body_whose_row_has_a_digest_must_fit_it(tmp_path: Path) -> None:
    wrong = replace(bodied.cut(row(1)), sha256="0" * 64)
    out = bodied.make_out(tmp_path, [(wrong, PAGE)], "inline")
    with pytest.raises(DamageError, match="the body of line 1 is not the one"):
        bodies(out)


def test_a_row_without_a_digest_that_is_not_cut_is_damage(tmp_path: Path) -> None:
    out = bodied.make_out(tmp_path, [(replace(row(1), sha256=None), PAGE)], "inline")
    with pytest.raises(DamageError, match=r"out: the body of line 1 is not the one that its row"):
        bodies(out)


def test_a_job_that_keeps_none_has_none(tmp_path: Path) -> None:
    assert bodies(bodied.make_out(tmp_path, [(row(1), PAGE)], "none")) == {1: None}


def test_each_out_has_its_own_bodies(tmp_path: Path) -> None:
    one = bodied.make_out(tmp_path / "a", [(row(1), PAGE)], "inline")
    two = bodied.make_out(tmp_path / "b", [(row(1, b"two"), b"two")], "warc")
    merged = [Merged([out], partial=True) for out in (one, two)]
    with contextlib.closing(BodySource([each.first for each in merged])) as source:
        for number, expected in enumerate((PAGE, b"two")):
            (each,) = merged[number].rows()
            body = source.body_of(each._replace(part=number))
            assert body is not None and body.data == expected


def test_a_large_file_comes_in_blocks(tmp_path: Path) -> None:
    data = bytes(2_500_000)
    (tmp_path / "body").write_bytes(data)
    body = Body(hashlib.sha256(data).hexdigest(), len(data), b"", tmp_path / "body")
    assert [len(block) for block in body.blocks()] == [1 << 20, 1 << 20, 2_500_000 - (2 << 20)]


def test_a_file_with_other_content_is_damage_after_its_last_block(tmp_path: Path) -> None:
    (tmp_path / "body").write_bytes(b"other")
    blocks = Body("00" * 32, 5, b"", tmp_path / "body").blocks()
    assert next(blocks) == b"other"
    with pytest.raises(DamageError, match="body: its content does not fit its name"):
        next(blocks)
    with pytest.raises(DamageError, match="gone: No such file or directory; it is the body of"):
        next(Body("00" * 32, 5, b"", tmp_path / "gone").blocks())
