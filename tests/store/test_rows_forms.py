"""Rows of each format are read back whole, however reads are cut, and damage is found."""

from __future__ import annotations

import io
import itertools
from pathlib import Path

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from fetcher.errors import DamageError
from fetcher.model import Outcome, Result
from fetcher.protocol.output_spec import Compression, Output, RowForm
from fetcher.rows.forms import CODECS
from fetcher.store import reader, zstd
from fetcher.store.reader import Segment
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


def test_each_commit_is_a_frame_that_unpacks_alone_and_knows_its_damage() -> None:
    first, second = zstd.packed([b"one\n", b"two\n"]), zstd.packed([b"three\n"])
    unpack = zstandard.ZstdDecompressor().decompress
    assert (unpack(first), unpack(second)) == (b"one\ntwo\n", b"three\n")
    assert zstandard.get_frame_parameters(first).has_checksum


def test_a_frame_that_breaks_off_is_damage(tmp_path: Path) -> None:
    segment = write(tmp_path / "part", Output("jsonl", "zstd"), encoded("jsonl"))
    for missing in (1, 5, 200):
        short = segment._replace(committed_bytes=segment.committed_bytes - missing)
        with pytest.raises(DamageError, match="middle of a frame"):
            list(reader.rows(short))


def test_what_unpacks_to_very_much_comes_in_pieces() -> None:
    packed = zstd.packed([bytes(8_000_000)]) * 20
    assert len(packed) < 20_000
    sizes = [len(piece) for piece in zstd.unpacked(io.BytesIO(packed), "x")]
    assert sum(sizes) == 160_000_000
    assert max(sizes) <= 64 << 20


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
