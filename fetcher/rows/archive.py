"""Packs a line's WARC records for the sink, which keeps equal bodies once.

The sink can replace a response by a revisit without reading records: the worker sends both. Packed
records are checked like any message.

    4 bytes: the size of what follows | msgpack: a Member for each record | the records
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Final

import msgspec

from fetcher.errors import WireError

_HEAD_BYTES: Final = 4
_Size = Annotated[int, msgspec.Meta(ge=1, lt=1 << 32)]


class Member(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """Describes a record; `digest`, of its body, is empty if no revisit may replace it.

    `before` and `after` are the uncompressed revisit. The sink puts the lines that name the
    original record between them.
    """

    size: _Size  # bytes of the record as it is written
    digest: str = ""
    url: str = ""
    date: str = ""
    before: bytes = b""
    after: bytes = b""


_encoder: Final = msgspec.msgpack.Encoder()
_decoder: Final = msgspec.msgpack.Decoder(list[Member])


def pack(members: Sequence[Member], records: bytes) -> bytes:
    """Pack records for the sink."""
    about = _encoder.encode(members)
    return b"".join((len(about).to_bytes(_HEAD_BYTES, "big"), about, records))


def unpack(packed: bytes) -> list[tuple[Member, memoryview]]:
    """Return each record with its Member. Raises WireError."""
    view = memoryview(packed)
    place = _HEAD_BYTES + int.from_bytes(view[:_HEAD_BYTES], "big")
    try:
        members = _decoder.decode(view[_HEAD_BYTES:place])
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise WireError(f"chunk: WARC records: {error}") from error
    if place + sum(member.size for member in members) != len(packed):
        raise WireError("chunk: lengths of WARC records do not add up")
    found = []
    for member in members:
        found.append((member, view[place : place + member.size]))
        place += member.size
    return found
