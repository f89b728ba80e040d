"""Converts chunks to a message and its frame, and checks received chunks."""

from __future__ import annotations

from typing import Any, Final

from msgspec import UNSET

from fetcher.errors import WireError
from fetcher.model import Chunk
from fetcher.protocol import links
from fetcher.protocol.messages import ChunkHeader
from fetcher.protocol.shard import WHOLE, Share

_CRAWL_FIELDS: Final = ("depths", "hops", "link_bytes")
_REFRESH_FIELD: Final = "unchanged"
_LIST_FIELDS: Final = tuple(
    name for name in ChunkHeader.__struct_fields__ if name not in (*_CRAWL_FIELDS, _REFRESH_FIELD)
)


def chunk_parts(chunk: Chunk) -> tuple[ChunkHeader, bytes]:
    """Return the message and the frame of a chunk."""
    fields = {name: getattr(chunk, name) for name in _LIST_FIELDS}
    fields[_REFRESH_FIELD] = chunk.unchanged or UNSET
    if not chunk.depths:
        return ChunkHeader(**fields), chunk.rows + chunk.kept
    found: dict[str, Any] = {name: getattr(chunk, name) or UNSET for name in _CRAWL_FIELDS}
    return ChunkHeader(**fields, **found), chunk.rows + chunk.kept + links.packed(chunk.links)


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
    kept_end = rows_end + sum(header.kept_bytes)
    if kept_end > len(frame) or (kept_end < len(frame) and header.depths is UNSET):
        raise WireError("chunk: row lengths do not add up")
    if len(set(header.lines)) != count:
        raise WireError("chunk: it has a line twice")
    if header.empty and not set(header.empty).issubset(header.lines):
        raise WireError("chunk: an empty body of a line that it does not have")
    if not set(header.retried).issubset(header.lines):
        raise WireError("chunk: a retried line that it does not have")
    unchanged = [] if header.unchanged is UNSET else header.unchanged
    if not set(unchanged).issubset(header.lines):
        raise WireError("chunk: an unchanged body of a line that it does not have")
    first = header.batch * batch_size + 1
    mask = int.from_bytes(header.batch_mask, "little")
    if mask.bit_length() > batch_size:
        raise WireError("chunk: mask longer than a batch")
    for line in header.lines:
        if line < first or not mask >> (line - first) & 1:
            raise WireError(f"chunk: line {line} is not of batch {header.batch}")
    fields = {name: getattr(header, name) for name in _LIST_FIELDS}
    found = {} if header.depths is UNSET else _found_of(header, frame[kept_end:])
    return Chunk(
        **fields,
        **found,
        rows=frame[:rows_end],
        kept=frame[rows_end:kept_end],
        unchanged=unchanged,
    )


def _found_of(header: ChunkHeader, packed: bytes) -> dict[str, Any]:
    """The fields of a crawl, checked; `packed`: the links. Raises WireError."""
    given = {name: getattr(header, name) for name in _CRAWL_FIELDS}
    found = {name: value for name, value in given.items() if value is not UNSET}
    if any(len(value) != len(header.lines) for value in found.values()):
        raise WireError("chunk: arrays of unequal length")
    return {**found, "links": links.unpacked(packed, sum(found.get("link_bytes", ())))}
