"""The links in a chunk: packed by the worker, unpacked by the sink within bounds."""

from __future__ import annotations

import msgpack
import pytest
import zstandard
from msgspec import UNSET
from msgspec.structs import replace

from fetcher.errors import WireError
from fetcher.frontier.links import Link, LinkRequest, OneKind, Via
from fetcher.frontier.totals import Refusal
from fetcher.model import Chunk
from fetcher.protocol import chunk_frames, links, messages
from support.messages import EXAMPLES

LINKS = links.PageLinks(
    (
        Link("http://a.test/b"),
        Link("http://a.test/c#d", "image", "http://a.test/c", 3),
        Link("http://a.test/", "handler", request=LinkRequest("POST", "r", (("A", "b"),), b"x", 7)),
    ),
    left_out={Refusal.NOFOLLOW: 4},
)
MESSAGE, FRAME = EXAMPLES["chunk_of_a_crawl"]


def check(header: messages.AnyMessage = MESSAGE, frame: bytes | None = FRAME) -> Chunk:
    assert isinstance(header, messages.ChunkHeader) and frame is not None
    return chunk_frames.check_chunk(header, frame, 4, 1)


def changed(**changes: object) -> messages.AnyMessage:
    return replace(MESSAGE, **changes)


def test_links_are_read_as_they_were_written() -> None:
    assert links.decode(links.encode(LINKS)) == LINKS


def test_a_chunk_of_a_crawl_is_read_as_it_was_written() -> None:
    chunk = check()
    found = links.decode(chunk.links)
    assert found.links == (Link("http://a/b"), Link("http://a/c#d", "image", "http://a/c"))
    assert (chunk.depths, chunk.hops, chunk.rows) == ([0, 1], [0, 2], b"{}{ }")
    header, frame = chunk_frames.chunk_parts(chunk)
    assert (header, frame) == EXAMPLES["chunk_of_a_crawl"]


def test_a_chunk_of_a_crawl_may_have_no_links() -> None:
    chunk = check(changed(link_bytes=UNSET, hops=UNSET), b"{}{ }")
    assert (chunk.depths, chunk.hops, chunk.links, chunk.link_bytes) == ([0, 1], [], b"", [])


@pytest.mark.parametrize(
    ("header", "frame"),
    [
        (changed(depths=[0]), FRAME),
        (changed(hops=[0, 0, 0]), FRAME),
        (changed(link_bytes=[1]), FRAME),
        (changed(link_bytes=[1, 1]), FRAME),
        (changed(link_bytes=[1 << 40, 0]), FRAME),
        (changed(link_bytes=UNSET), FRAME),
        (changed(depths=UNSET), FRAME),
        (MESSAGE, FRAME and FRAME + b"x"),
        (MESSAGE, FRAME and FRAME[:-1]),
        (MESSAGE, b"{}{ }"),
        (MESSAGE, b"{}{ }" + b"x" * 20),
    ],
)
def test_links_that_do_not_agree_with_the_header_are_refused(
    header: messages.AnyMessage, frame: bytes
) -> None:
    with pytest.raises(WireError):
        check(header, frame)


def test_links_cannot_unpack_to_more_than_they_say() -> None:
    bomb = zstandard.ZstdCompressor(write_content_size=False).compress(b"a" * 1_000_000)
    for data in (bomb, links.packed(b"a" * 1_000_000)):
        with pytest.raises(WireError):
            links.unpacked(data, 1_000)
    with pytest.raises(WireError, match="bytes of links"):
        links.unpacked(bomb, links.MAX_LINK_BYTES + 1)


def packed(text: bytes, kinds: bytes, rest: dict[int, list[str]] | None = None) -> bytes:
    """The links of a row as they travel."""
    return bytes(msgpack.packb([text, kinds, rest or {}, {}]))


@pytest.mark.parametrize(
    "data",
    [
        *(b"", b"\x01", b"\x90", b"\x91\xc0", links.encode(LINKS) + b"x"),
        packed(b"http://a/", b"\x06"),  # without the line feed at its end
        packed(b"http://a/\n", b""),
        packed(b"http://a/\n", b"\x06\x06"),
        packed(b"http://a/\n", b"\x00"),  # no kind that is known
        packed(b"", b"\x06"),
        packed(b"http://\xe9/\n", b"\x06"),  # not UTF-8
        packed(b"http://a/\n", b"\x06", {1: ["key"]}),
        packed(b"http://a/\n", b"\x06", {-1: ["key"]}),
        packed(b"", b"", {0: ["key"]}),
    ],
)
def test_bytes_that_are_not_links_are_refused(data: bytes) -> None:
    with pytest.raises(WireError):
        links.decode(data)


def test_an_empty_page_and_a_link_without_a_text_are_read_as_they_were_written() -> None:
    for page in (links.PageLinks(()), links.PageLinks((Link(""), Link("http://\xe9/", "css")))):
        assert links.decode(links.encode(page)) == page
    assert links.decode(links.encode_plain({}, {})) == links.PageLinks(())


def test_line_feeds_of_a_link_that_is_not_a_url_do_not_make_it_two() -> None:
    page = links.PageLinks((Link("no\nURL\n", "handler"), Link("http://a/")))
    assert [link.url for link in links.decode(links.encode(page)).links] == ["noURL", "http://a/"]


def test_plain_links_are_links_without_the_rest() -> None:
    plain = {"http://a/b": Via.A, "http://a/c": Via.IMAGE}
    left_out = {Refusal.NOFOLLOW: 2}
    assert links.decode(links.encode_plain(plain, left_out)) == links.PageLinks(
        (Link("http://a/b", "a"), Link("http://a/c", "image")), left_out
    )


def test_plain_links_of_one_kind_travel_as_they_are() -> None:
    plain = OneKind("http://a/b\nhttp://a/c\n", 2, Via.FRAME)
    assert links.encode_plain(plain, {}) == links.encode_plain(dict(plain), {})
