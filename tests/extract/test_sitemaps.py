"""Sitemaps and feeds: what they list, and that no document costs more than its bytes."""

from __future__ import annotations

import gzip
import tracemalloc
import zlib
from collections.abc import Iterator
from itertools import chain

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fetcher.extract import sitemaps
from fetcher.extract.found import Found
from fetcher.frontier.links import LINKS_PER_SITEMAP
from fetcher.frontier.rules import CrawlRules
from fetcher.frontier.totals import Refusal

URL = "http://h/d/sitemap.xml"
URLSET = b"""<?xml version="1.0" encoding="UTF-8"?>
<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9" xmlns:image="i">
<url><loc>
 http://h/a?x=1&amp;y=2 </loc><lastmod>2026-01-01</lastmod>
<image:image><image:loc>http://h/i.png</image:loc></image:image>
<xhtml:link rel="alternate" hreflang="de" href="http://h/de"/></url>
<url><loc><![CDATA[http://h/\xc3\xa4]]></loc></url></urlset>"""


def read(*pieces: bytes) -> Found:
    return sitemaps.read(pieces, URL, CrawlRules())


def links(*pieces: bytes) -> list[tuple[str, str]]:
    return [(via.value, url) for url, via in read(*pieces).links.items()]


URLSET_LINKS = [
    ("listed", "http://h/a?x=1&y=2"),
    ("alternate", "http://h/de"),
    ("listed", "http://h/%C3%A4"),
]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (URLSET, URLSET_LINKS),
        (b"\n " + URLSET, URLSET_LINKS),
        (b"\xef\xbb\xbf" + URLSET, URLSET_LINKS),
        (URLSET.decode().replace("UTF-8", "UTF-16").encode("utf-16"), URLSET_LINKS),
        (gzip.compress(URLSET), URLSET_LINKS),
        (gzip.compress(URLSET[:99]) + gzip.compress(URLSET[99:]) + b"rest", URLSET_LINKS),
        (
            b"<sm:sitemapindex xmlns:sm='s'><sm:sitemap><sm:loc>b.xml.gz</sm:loc></sm:sitemap>"
            b"</sm:sitemapindex>",
            [("sitemap", "http://h/d/b.xml.gz")],
        ),
        (
            b"<rss version='2.0'><channel><link>http://h/</link><image><link>http://h/</link>"
            b"</image><item><title>t</title><link>http://h/1</link></item></channel></rss>",
            [("listed", "http://h/1")],
        ),
        (
            b"<rdf:RDF xmlns:rdf='r'><item rdf:about='x'><link>http://h/1</link></item></rdf:RDF>",
            [("listed", "http://h/1")],
        ),
        (
            b"<feed xmlns='a'><link href='http://h/'/><entry><link href='1'/>"
            b"<link rel='alternate' href='2'/><link rel='edit' href='3'/>"
            b"<content type='xhtml'><div><link href='4'/></div></content></entry></feed>",
            [("listed", "http://h/d/1"), ("listed", "http://h/d/2")],
        ),
        (
            b"http://h/1\r\n# no\nhttps://h/2#x\n\nftp://h/3\nx\nhttp://h/4",
            [("listed", "http://h/1"), ("listed", "https://h/2"), ("listed", "http://h/4")],
        ),
        (b"", []),
        (b"<urlset/>", []),
    ],
)
def test_each_form_is_read_whole_and_in_pieces(
    body: bytes, expected: list[tuple[str, str]]
) -> None:
    assert links(body) == expected
    assert read(body).fault == ""
    assert links(*(body[at : at + 1] for at in range(len(body)))) == expected


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        (
            b"<!DOCTYPE u [<!ENTITY a 'b'>]><urlset/>",
            "it declares entities or elements, which are not read",
        ),
        (
            b"<!DOCTYPE u [<!ENTITY a SYSTEM 'file:///etc/passwd'>]><urlset>&a;</urlset>",
            "it declares entities or elements, which are not read",
        ),
        (
            b"<!DOCTYPE u [<!ATTLIST u a CDATA 'x'>]><u/>",
            "it declares entities or elements, which are not read",
        ),
        (b"<!DOCTYPE html><html>", "neither a sitemap nor a feed: its first element is 'html'"),
        (
            b"<urlset><url><loc>http://h/1</loc></url><url><loc>http://h/?a&b</loc></url>",
            "not well-formed XML: not well-formed (invalid token): line 1, column 63",
        ),
        (b"<urlset>" + b"<a>" * 100, "elements are nested deeper than 64"),
        (b"<?xml version='1.0' encoding='nonsense'?><urlset/>", "not well-formed XML: "),
        (gzip.compress(URLSET)[:-20], "its gzip data is cut"),
        (b"\x1f\x8b" + b"x" * 100, "damaged gzip data: "),
        (b"x" * 100_000, "a line is too long for a URL"),
    ],
)
def test_a_fault_is_said_and_ends_the_reading(body: bytes, fault: str) -> None:
    found = read(body)
    assert found.is_cut
    assert found.fault.startswith(fault)


def test_what_comes_before_a_fault_is_kept() -> None:
    body = b"<urlset><url><loc>http://h/1</loc></url><url><loc>http://h/?a&b</loc></url>"
    assert links(body) == [("listed", "http://h/1")]


def test_an_external_document_type_is_not_loaded() -> None:
    body = b"<!DOCTYPE urlset SYSTEM 'http://127.0.0.1:1/x.dtd'><urlset>"
    assert links(body + b"<url><loc>http://h/1</loc></url></urlset>") == [("listed", "http://h/1")]


def test_links_beyond_the_limit_are_counted() -> None:
    lines = b"".join(b"http://h/%d\n" % number for number in range(LINKS_PER_SITEMAP + 7))
    found = read(lines)
    assert len(found.links) == LINKS_PER_SITEMAP
    assert found.left_out == {Refusal.LINKS_PER_PAGE: 7}
    assert found.fault == "only the first 50000 of its URLs were taken"


@pytest.mark.parametrize("begin", [b'<urlset a="', b"<urlset><!--", b"<!DOCTYPE ", b"<urlset><?a "])
def test_a_tag_or_comment_without_end_is_not_read_again_and_again(begin: bytes) -> None:
    found = read(begin, *[b"x" * 65_536] * 700)
    assert found.fault == "a tag or comment is longer than 262144 bytes"


@pytest.mark.parametrize(
    ("begin", "piece", "fault"),
    [
        (b"<urlset>", b"<a/>", "it has more than 2000 elements"),
        (b"<urlset>", b"<url><loc>http://h/1</loc></url>", "it lists more than 200 URLs"),
        (b"", b"http://h/1\n", "it lists more than 200 URLs"),
    ],
)
def test_the_elements_and_urls_that_are_looked_at_are_bounded(
    begin: bytes, piece: bytes, fault: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sitemaps, "MAX_ELEMENTS", 2000)
    monkeypatch.setattr(sitemaps, "MAX_URLS", 200)
    assert read(begin, *[piece] * 2001).fault == fault


@pytest.mark.parametrize("form", [b"<a%d/>", b"<a b%d='c'/>"])
def test_names_without_end_are_not_remembered(form: bytes) -> None:
    names = b"".join(form % number for number in range(2000))
    few = b"".join(form % number for number in range(900))
    fault = "it has more than 1000 names of elements and attributes"
    assert read(b"<urlset>" + names).fault == fault
    assert read(b"<urlset>" + few + b"</urlset>").fault == ""


def test_a_bomb_is_unpacked_up_to_the_limit_and_in_bounded_memory() -> None:
    def bomb() -> Iterator[bytes]:
        packer = zlib.compressobj(9, zlib.DEFLATED, 31)
        yield packer.compress(b"<urlset>")
        for _ in range(70):
            yield packer.compress(b" " * 1024 * 1024)
        yield packer.flush()

    packed = b"".join(bomb())
    tracemalloc.start()
    try:
        found = read(packed)
        _, peak_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert found.fault == f"longer than {sitemaps.MAX_BYTES} bytes"
    assert peak_bytes < 4 * 1024 * 1024


def test_a_text_of_any_length_costs_bounded_memory() -> None:
    tracemalloc.start()
    try:
        begin = (b"<urlset><url><loc>",)
        sitemaps.read(chain(begin, (b"x" * 65_536 for _ in range(200))), URL, CrawlRules())
        _, peak_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak_bytes < 4 * 1024 * 1024


@given(st.binary(max_size=200), st.sampled_from([b"", b"<urlset>", b"\x1f\x8b\x08\0", b"<rss>"]))
def test_any_bytes_are_read(body: bytes, begin: bytes) -> None:
    read(begin + body)
