"""A body in blocks that are large enough to be given back to the system."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fetcher.fetch.body import body_blocks
from fetcher.fetch.body.body_blocks import Blocks


@settings(max_examples=50)
@given(pieces=st.lists(st.binary(max_size=12), max_size=30), block_bytes=st.integers(1, 20))
def test_the_body_is_whole_and_its_blocks_are_large(pieces: list[bytes], block_bytes: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(body_blocks, "_BLOCK_BYTES", block_bytes)
        blocks = Blocks()
        for piece in pieces:
            blocks.append(piece)
    assert b"".join(blocks.pieces) == b"".join(pieces)
    assert all(len(block) >= block_bytes for block in blocks.pieces[: blocks.blocks])
    assert sum(map(len, blocks.pieces[blocks.blocks :])) < block_bytes
