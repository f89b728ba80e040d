"""Rows as zstd frames, one for each commit."""

from __future__ import annotations

import io
import itertools

import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from fetcher.errors import DamageError
from fetcher.store import zstd


def test_each_commit_is_a_frame_that_unpacks_alone_and_knows_its_damage() -> None:
    first, second = zstd.packed([b"one\n", b"two\n"]), zstd.packed([b"three\n"])
    unpack = zstandard.ZstdDecompressor().decompress
    assert (unpack(first), unpack(second)) == (b"one\ntwo\n", b"three\n")
    assert zstandard.get_frame_parameters(first).has_checksum


def test_what_unpacks_to_very_much_comes_in_pieces() -> None:
    packed = zstd.packed([bytes(8_000_000)]) * 20
    assert len(packed) < 20_000
    sizes = [len(piece) for piece in zstd.unpacked(io.BytesIO(packed), "x")]
    assert sum(sizes) == 160_000_000
    assert max(sizes) <= 64 << 20


class Cut:
    """A file whose reads return as much as the sizes say."""

    def __init__(self, data: bytes, sizes: list[int]) -> None:
        self._file = io.BytesIO(data)
        self._sizes = itertools.cycle(sizes)

    def read(self, size: int = -1, /) -> bytes:
        return self._file.read(min(size, next(self._sizes)))


@settings(max_examples=50)
@given(
    commits=st.lists(st.lists(st.binary(max_size=50), max_size=3), max_size=4),
    sizes=st.lists(st.integers(1, 30), min_size=1, max_size=5),
)
def test_frames_come_back_whole_however_reads_are_cut(
    commits: list[list[bytes]], sizes: list[int]
) -> None:
    data = b"".join(map(zstd.packed, commits))
    rows = b"".join(itertools.chain.from_iterable(commits))
    assert b"".join(zstd.unpacked(Cut(data, sizes), "x")) == rows


@pytest.mark.parametrize("kept", range(1, len(zstd.packed([b"0123456789"]))))
def test_a_frame_that_is_cut_anywhere_is_damage(kept: int) -> None:
    whole = zstd.packed([b"one"])
    last = zstd.packed([b"0123456789"])[:kept]
    found = zstd.unpacked(io.BytesIO(whole + last), "part-00000")
    assert next(found) == b"one"
    with pytest.raises(DamageError, match=r"part-00000: ends in the middle of a frame"):
        list(found)


def test_bytes_that_are_not_a_frame_are_damage_that_names_the_file() -> None:
    with pytest.raises(DamageError, match=r"^part-00007: "):
        list(zstd.unpacked(io.BytesIO(b"no frame at all"), "part-00007"))


def test_an_empty_file_has_no_rows() -> None:
    assert list(zstd.unpacked(io.BytesIO(b""), "x")) == []
