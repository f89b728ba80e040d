"""A chunk as a message and its frame, and the check of one that came."""

from __future__ import annotations

from fetcher.errors import WireError
from fetcher.model import Chunk
from fetcher.protocol.messages import ChunkHeader
from fetcher.protocol.shard import WHOLE, Share


def chunk_parts(chunk: Chunk) -> tuple[ChunkHeader, bytes]:
    """A chunk as message and frame."""
    fields = {name: getattr(chunk, name) for name in ChunkHeader.__struct_fields__}
    return ChunkHeader(**fields), chunk.rows + chunk.kept


def check_chunk(
    header: ChunkHeader, frame: bytes, batch_size: int, batches: int, share: Share = WHOLE
) -> Chunk:
    """The chunk, with its arrays, lengths and line ranges checked. Raises WireError.

    `batches`: that the job can have at most; `share`: of the sink that has got it.
    """
    if not 0 <= header.batch < batches:
        raise WireError(f"chunk: batch {header.batch} of at most {batches}")
    # Its rows would be there a second time when the right sink has them, too.
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
