"""Chunks as messages, and the check of received ones."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from fetcher.errors import WireError
from fetcher.protocol import chunk_frames, messages
from fetcher.protocol.shard import Share
from support.messages import EXAMPLES


def check(rows: bytes = b"{}{ }", **changes: Any) -> None:
    message, _ = EXAMPLES["chunk"]
    assert isinstance(message, messages.ChunkHeader)
    # Batch 1 of 4 lines: lines 5 to 8, of which the mask names 5, 6 and 7.
    changed = msgspec.structs.replace(message, **{"batch": 1, **changes})
    chunk = chunk_frames.check_chunk(changed, rows, 4, 3)
    assert chunk.rows == rows


def test_a_chunk_that_agrees_with_itself_is_taken() -> None:
    check()


@pytest.mark.parametrize("kept", [b"", b"abc"])
def test_body_data_follows_the_rows(kept: bytes) -> None:
    message, rows = EXAMPLES["chunk"]
    assert isinstance(message, messages.ChunkHeader) and rows is not None
    sizes = [0, len(kept)] if kept else []
    message = msgspec.structs.replace(message, batch=1, kept_bytes=sizes)
    chunk = chunk_frames.check_chunk(message, rows + kept, 4, 3)
    assert (chunk.rows, chunk.kept, chunk.kept_bytes) == (rows, kept, sizes)
    assert chunk_frames.chunk_parts(chunk) == (message, rows + kept)


@pytest.mark.parametrize("sizes", [[3], [0, 2], [0, 4], [1, 1, 1], [3, 3], []])
def test_body_data_must_be_as_long_as_the_header_says(sizes: list[int]) -> None:
    message, rows = EXAMPLES["chunk"]
    assert isinstance(message, messages.ChunkHeader) and rows is not None
    message = msgspec.structs.replace(message, batch=1, kept_bytes=sizes)
    with pytest.raises(WireError):
        chunk_frames.check_chunk(message, rows + b"abc", 4, 3)


def test_an_empty_body_is_of_one_of_the_lines() -> None:
    check(empty=[7])
    with pytest.raises(WireError, match="an empty body of a line that it does not have"):
        check(empty=[7, 6])


def test_another_attempt_is_at_one_of_the_lines() -> None:
    check(retried=[7])
    check(unchanged=[7])
    with pytest.raises(WireError, match="unchanged"):
        check(unchanged=[6])
    with pytest.raises(WireError, match="a retried line that it does not have"):
        check(retried=[6])


def test_a_chunk_for_another_sink_is_refused() -> None:
    message, _ = EXAMPLES["chunk"]
    assert isinstance(message, messages.ChunkHeader)
    mine = msgspec.structs.replace(message, batch=1)
    assert chunk_frames.check_chunk(mine, b"{}{ }", 4, 3, Share(1, 2)).batch == 1
    with pytest.raises(WireError, match="is not for sink 1 of 2"):
        chunk_frames.check_chunk(mine, b"{}{ }", 4, 3, Share(0, 2))


@pytest.mark.parametrize(
    "changes",
    [
        {"lines": [5]},
        {"statuses": [200, 404, 404]},
        {"row_bytes": [2, 2]},
        {"lines": [5, 5]},
        {"lines": [5, 8]},
        {"lines": [4, 5]},
        {"lines": [5, 9]},
        {"batch": 0},
        {"batch": 3, "lines": [13, 14]},
        {"batch": 1 << 62, "lines": [(1 << 64) + 1, (1 << 64) + 2]},
        {"batch_mask": b"\x17"},
    ],
)
def test_a_chunk_that_contradicts_itself_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(WireError):
        check(**changes)
