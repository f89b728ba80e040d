"""A body in blocks that are large enough to be given back to the system."""

from __future__ import annotations

from fetcher.fetch.body.body_blocks import Blocks


def test_what_has_come_since_the_last_block_becomes_the_next_one() -> None:
    blocks = Blocks()
    blocks.pieces += [b"a", b"b"]
    blocks.join()
    assert blocks.pieces == [b"ab"]
    blocks.pieces += [b"c", b"d", b"e"]
    blocks.join()
    blocks.pieces.append(b"f")
    assert (blocks.pieces, blocks.blocks) == ([b"ab", b"cde", b"f"], 2)
