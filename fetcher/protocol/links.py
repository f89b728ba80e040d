"""The links that a worker has found on pages, as they travel with the rows.

The links of one row are a msgpack array: the URLs with a line feed after each, their kinds, what
some links have beyond that by their index, and the counts of further links; see
frontier.link_table. Those of all rows of a chunk are compressed together, because links of one site
are alike.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Final

import msgspec
from msgspec import Meta

from fetcher.errors import WireError
from fetcher.frontier.link_table import LinkTable, Rest
from fetcher.frontier.links import KNOWN_KINDS, Link, OneKind, kind_number, packed_kinds
from fetcher.frontier.msgpack_arrays import array_of
from fetcher.frontier.totals import Refusal

if TYPE_CHECKING:
    import zstandard

MAX_LINK_BYTES: Final = 64 * 1024 * 1024  # of one chunk, before compression
_LEVEL: Final = 1


class PageLinks(msgspec.Struct, frozen=True):
    """The links of one row."""

    links: Sequence[Link]  # absolute, each key once, in the order of the page
    # Further links, which are only counted, by the reason.
    left_out: dict[Refusal, int] = {}


_Packed = tuple[
    bytes,
    bytes,
    dict[int, Rest],
    dict[Refusal, Annotated[int, Meta(ge=0, le=1 << 32)]],
]
_encode: Final = msgspec.msgpack.Encoder().encode
_decode_array: Final = msgspec.msgpack.Decoder(list[_Packed]).decode


def encode(page: PageLinks) -> bytes:
    """The links of one row."""
    table = LinkTable.of(page.links)
    # The standard removes line feeds from URLs, so that a URL means the same without them.
    text = b"".join([b"%b\n" % url.replace(b"\n", b"") for url in table.urls])
    return _encode((text, table.kinds, table.rest, page.left_out))


def encode_plain(links: Mapping[str, str], left_out: dict[Refusal, int]) -> bytes:
    """As `encode`, of links that have only a URL and, as its value, a `via`."""
    if isinstance(links, OneKind):
        text, kinds = links.text, bytes((kind_number(links.via),))
    else:
        text, kinds = "\n".join([*links, ""]), packed_kinds([*links.values()])
    return _encode((text.encode(), kinds, {}, left_out))


def decode(data: bytes) -> PageLinks:
    """The links of one row. Raises WireError."""
    (page,) = decode_rows(data, 1)
    return page


def decode_rows(data: bytes, rows: int) -> list[PageLinks]:
    """The links of so many rows, of which each follows the one before. Raises WireError."""
    try:
        packed_rows = _decode_array(array_of(data, rows))
        for text, _, _, _ in packed_rows:
            if not text.isascii():
                text.decode()  # raises an error
    # As in protocol.codec: whatever the decoder raises, the bytes are wrong.
    except Exception as error:
        raise WireError(f"chunk: links: {type(error).__name__}: {error}"[:200]) from error
    pages = []
    for text, kinds, rest, left_out in packed_rows:
        table = LinkTable(text, kinds, rest)
        # As nearly always, links of one kind, of which none has more than a URL.
        is_plain = text[-1:] == b"\n" and len(kinds) == 1 and kinds in KNOWN_KINDS and not rest
        if not is_plain and (text[-1:] not in b"\n" or not table.is_sound()):
            raise WireError("chunk: links: its columns do not fit each other")
        pages.append(PageLinks(table, left_out))
    return pages


def packed(links: bytes) -> bytes:
    """Compress the joined links of a chunk; b"" if there are none."""
    import zstandard  # noqa: PLC0415  # only crawls need it

    return zstandard.ZstdCompressor(level=_LEVEL).compress(links) if links else b""


def unpacked(data: bytes, link_bytes: int) -> bytes:
    """Decompress links of exactly `link_bytes` bytes. Raises WireError."""
    if not data and not link_bytes:
        return b""
    if not 0 < link_bytes <= MAX_LINK_BYTES:
        raise WireError(f"chunk: {link_bytes} bytes of links")
    import zstandard  # noqa: PLC0415

    try:
        # `max_output_size` of zstandard is ignored where the frame itself gives its size.
        if zstandard.frame_content_size(data) != link_bytes:
            raise WireError("chunk: its links have another size than its header says")
        return _decompressor().decompress(data, allow_extra_data=False)
    except zstandard.ZstdError as error:
        raise WireError(f"chunk: links: {error}"[:200]) from error


@functools.cache
def _decompressor() -> zstandard.ZstdDecompressor:
    """For the only thread of a sink."""
    import zstandard  # noqa: PLC0415

    return zstandard.ZstdDecompressor()
