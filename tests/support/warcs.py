"""Reads WARC data with warcio and FastWARC, which must agree on every byte."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import NamedTuple

from fastwarc.warc import ArchiveIterator as FastIterator
from warcio.archiveiterator import ArchiveIterator


class Record(NamedTuple):
    """One record; `block` is all that follows its WARC headers, `payload` what follows HTTP's."""

    kind: str
    offset: int
    headers: dict[str, str]
    http: dict[str, str]  # by lower-case name, the last of each
    block: bytes
    payload: bytes


def read(data: bytes) -> list[Record]:
    """All records; both readers check their digests."""
    mine, theirs = list(_by_warcio(data)), list(_by_fastwarc(data))
    assert len(mine) == len(theirs)
    for record, other in zip(mine, theirs, strict=True):
        assert (record.offset, record.headers, record.block, record.payload) == other
    return mine


def _by_warcio(data: bytes) -> Iterator[Record]:
    blocks = ArchiveIterator(io.BytesIO(data), no_record_parse=True)
    records = ArchiveIterator(io.BytesIO(data), check_digests="raise")
    for whole, record in zip(blocks, records, strict=True):
        http, block = record.http_headers, whole.raw_stream.read()  # before its offset is asked for
        yield Record(
            record.rec_type,
            blocks.get_record_offset(),
            dict(record.rec_headers.headers),
            {name.lower(): value for name, value in http.headers} if http else {},
            block,
            record.raw_stream.read(),
        )


def _by_fastwarc(data: bytes) -> Iterator[tuple[int, dict[str, str], bytes, bytes]]:
    blocks = FastIterator(io.BytesIO(data), parse_http=False)
    records = FastIterator(io.BytesIO(data), parse_http=True, max_header_len=1 << 20)
    for whole, record in zip(blocks, records, strict=True):
        assert whole.verify_block_digest()
        is_revisit = record.headers["WARC-Type"] == "revisit"  # its body is elsewhere
        assert not record.is_http or is_revisit or record.verify_payload_digest()
        place, headers = whole.stream_pos, dict(whole.headers)
        yield place, headers, whole.reader.read(), record.reader.read()
