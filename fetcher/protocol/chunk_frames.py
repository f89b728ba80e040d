"""Converts chunks to a message and its frame, and checks received chunks."""

from __future__ import annotations

from fetcher.errors import WireError
from fetcher.model import Chunk
from fetcher.protocol.messages import ChunkHeader
from fetcher.protocol.shard import WHOLE, Share


def chunk_parts(chunk: Chunk) -> tuple[ChunkHeader, bytes]:
    """Return the message and the frame of a chunk."""
    fields = {name: getattr(chunk, name) for name in ChunkHeader.__struct_fields__}
    return ChunkHeader(**fields), chunk.rows + chunk.kept


def check_chunk(
    header: ChunkHeader, frame: bytes, batch_size: int, batches: int, share: Share = WHOLE
) -> Chunk:
    """Check arrays, lengths and line ranges of a received chunk, and return it. Raises WireError.

    `batches`: the most batches that the job can have; `share`: the share of the receiving sink.
    """
    if not 0 <= header.batch < batches:
        raise WireError(f"chunk: batch {header.batch} of at most {batches}")
    # If both sinks had its rows, they would be in the output twice.
    if not share.has(header.batch):
        raise WireError(f"chunk: batch {header.batch} is not for {share}")
    count = len(header.lines)
    arrays = (header.row_bytes, header.outcomes, header.statuses, header.body_bytes)
    if any(len(array) != count for array in arrays) or len(header.kept_bytes) not in (0, count):
        raise WireError("chunk: arrays of unequal length")
    rows_end = sum(header.row_bytes)
    if rows_end + sum(header.kept_bytes) != len(frame):
        raise WireError("chunk: row lengths do not add up")
    if len(set(header.lines)) != count:
        raise WireError("chunk: a line twice")
    if header.empty and not set(header.empty).issubset(header.lines):
        raise WireError("chunk: an empty body of no line")
    if not set(header.retried).issubset(header.lines):
        raise WireError("chunk: another attempt at no line")
    first = header.batch * batch_size + 1
    mask = int.from_bytes(header.batch_mask, "little")
    if mask.bit_length() > batch_size:
        raise WireError("chunk: mask longer than a batch")
    for line in header.lines:
        if line < first or not mask >> (line - first) & 1:
            raise WireError(f"chunk: line {line} is not of batch {header.batch}")
    fields = {name: getattr(header, name) for name in ChunkHeader.__struct_fields__}
    return Chunk(**fields, rows=frame[:rows_end], kept=frame[rows_end:])
