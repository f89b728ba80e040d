"""The digest of a growing file does not depend on the pieces, and resumes from the last block."""

from __future__ import annotations

import random

import pytest

from fetcher.store.digest import BLOCK_BYTES, Digest, last_block_begin


def value_of(*pieces: bytes) -> bytes:
    digest = Digest()
    for piece in pieces:
        digest.update(piece)
    return digest.value()


@pytest.mark.parametrize("size", [0, 1, BLOCK_BYTES - 1, BLOCK_BYTES, 2 * BLOCK_BYTES + 7])
def test_it_is_of_the_bytes_and_not_of_the_pieces_that_they_came_in(size: int) -> None:
    data = random.Random(size).randbytes(size)
    whole = value_of(data)
    dice = random.Random(1)
    cuts = sorted(dice.randrange(size + 1) for _ in range(20))
    pieces = [data[a:b] for a, b in zip([0, *cuts], [*cuts, size], strict=True)]
    assert value_of(*pieces) == whole


@pytest.mark.parametrize("size", [0, 5, BLOCK_BYTES, BLOCK_BYTES + 1, 3 * BLOCK_BYTES - 1])
def test_it_goes_on_from_its_value_and_the_block_that_is_not_full(size: int) -> None:
    data = random.Random(size).randbytes(size)
    resumed = Digest.resumed(value_of(data), data[last_block_begin(size) :])
    assert resumed is not None
    more = b"more" * 400_000
    resumed.update(more)
    assert resumed.value() == value_of(data, more)


def test_another_last_block_is_not_gone_on_from() -> None:
    data = b"x" * (BLOCK_BYTES + 10)
    assert Digest.resumed(value_of(data), b"x" * 9) is None
    assert Digest.resumed(value_of(data), b"x" * 9 + b"y") is None


def test_a_copy_goes_its_own_way() -> None:
    digest = Digest()
    digest.update(b"one")
    other = digest.copy()
    other.update(b"two")
    assert digest.value() == value_of(b"one")
    assert other.value() == value_of(b"onetwo")


def test_every_flipped_bit_of_a_few_blocks_is_another_digest() -> None:
    data = random.Random(3).randbytes(BLOCK_BYTES + 1000)
    whole = value_of(data)
    dice = random.Random(4)
    for at in [0, BLOCK_BYTES - 1, BLOCK_BYTES, *(dice.randrange(len(data)) for _ in range(30))]:
        flipped = bytearray(data)
        flipped[at] ^= 1 << dice.randrange(8)
        assert value_of(bytes(flipped)) != whole
