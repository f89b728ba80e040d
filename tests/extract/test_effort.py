"""Hostile markup is cut before the parser would take minutes or gigabytes; real pages are not."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fetcher.extract import effort, html
from fetcher.frontier.rules import CrawlRules

PAGE_BYTES = 1_500_000


def repeated(piece: str) -> bytes:
    return piece.encode() * (PAGE_BYTES // len(piece.encode()))


def numbered(piece: str, count: int) -> bytes:
    return b"".join((piece % number).encode() for number in range(count))


SLOW = {
    "nested": repeated("<div>"),
    "lists": repeated("<ul><li>"),
    "formatting": numbered("<font color=%d>", 100_000),
    "copies": numbered("<i id=%d>", 3000) + b"</p>" + repeated("<p>x</p>"),
    "attributes": b"<a " + numbered("a%d='>' ", 200_000) + b">",
    "root attributes": numbered("<body a%d>", 150_000),
    "attributes of many tags": (b"<x " + numbered("a%d ", 700) + b">") * 700,
    "attributes of many short tags": (b"<x " + numbered("%x ", 400) + b">") * 3000,
    "attributes behind some ends": b"<a " + (numbered("a%d ", 650) + b"a='>' ") * 30 + b">",
    "attributes of many roots": b"".join(
        b"<body %s>" % numbered(f"a{tag}_%d ", 300) for tag in range(300)
    ),
    "roots that are closed": b"".join(
        b"<body %s>x</body>" % numbered(f"a{tag}_%d ", 300) for tag in range(300)
    ),
    "opened in comments": repeated("<div><!--x</div>-->"),
    "closed in values": repeated("<div title='</div>'>"),
    "closed in a value without quotes": repeated('<div x=a"b c="d>t</div>">'),
    "closed once the others are out": repeated("<div><<b>x</b>/div>"),
    "groups": repeated("<optgroup><option>"),
    "ruby": repeated("<rt>"),
    "capitals": repeated("<DIV>"),
    "links in blocks": repeated("<div><a href=x>"),
    "end tags": b"<div>" * 100_000 + repeated("</p>"),
    "tags": repeated("<p>") + repeated("<a>"),
}
LONG = {
    "less than": repeated("<"),
    "open comments": repeated("<!--"),
    "open tags": repeated("<a "),
    "text": repeated("x"),
    "references": repeated("&a"),
    "nul": repeated("\0"),
    "selected": b"<select><button><selectedcontent></selectedcontent></button>"
    + repeated("<option selected>"),
    "styles": repeated("<p style='url('>"),
    "scripts": repeated("<script><!--"),
}
FINE = {
    "deep rows": repeated("<div><p><b><i><u>x</u></i></b></p><span a=b c>y</span ></div>"),
    "items": repeated("<li><p>x<br><a href=x>"),
    "rows": b"<table>" + repeated("<tr class=x><td>1<td>2"),
    "closed": repeated("<div class='a b'><span>x</span></div>"),
    "same formatting": b"<font color=red>" * 30 + b"<p>x" * 200_000,
    "script": b"<script>" + repeated("'<div>'") + b"</script>",
    "comment": b"<!--" + repeated("<div>") + b"-->",
    "attribute": b"<a title='" + repeated("<div>") + b"'>",
    "long value": b"<p data-x='" + repeated("a b=c ") + b"'>",
    "long values": (b"<p class=a data-x='" + b"a b=c " * 200 + b"'>") * 1200,
    "plaintext": b"<plaintext>" + repeated("<div>"),
}


@pytest.mark.parametrize("page", SLOW.values(), ids=SLOW)
def test_a_page_that_would_be_slow_is_cut(page: bytes) -> None:
    safe = effort.safe_bytes(page)
    assert safe < len(page)
    assert effort.safe_bytes(page[:safe]) == safe


@pytest.mark.parametrize("page", FINE.values(), ids=FINE)
def test_a_big_page_is_read_whole(page: bytes) -> None:
    assert effort.safe_bytes(page) == len(page)


def test_a_large_page_is_not_counted_tag_by_tag(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(effort, "_Counter")
    row = b"<tr class=x><td><a href='/p'>name</a></td><td title=\"a b\"><span>text</span></td></tr>"
    page = b"<html><body><table>" + row * 20_000 + b"</table>"
    assert effort.safe_bytes(page) == len(page)


@pytest.mark.parametrize("page", (SLOW | LONG).values(), ids=SLOW | LONG)
def test_hostile_pages_are_read_in_bounded_time(page: bytes) -> None:
    begun = time.process_time()
    html.read(page, "http://h/", CrawlRules(assets=True, title=True))
    assert time.process_time() - begun < 60  # seconds; without the limits, minutes to hours


_PIECES = st.sampled_from(
    ["<", ">", "<b", "<div>", "</b>", "<a href=", "'", '"', "<!--", "-->", "<script>", "</script",
     "<svg>", "<table>", "<td>", "x", " ", "/", "=", "<base href=", "<meta ", "charset=", "&#0;",
     "<template>", "<select>", "<style>", "url(", "<plaintext>", "\0", "\u00e4"]
)  # fmt: skip


@settings(deadline=None)
@given(st.lists(_PIECES, max_size=40).map("".join), st.binary(max_size=20))
def test_any_markup_is_read(text: str, tail: bytes) -> None:
    page = text.encode() + tail
    found = html.read(page, "http://h/", CrawlRules(assets=True, title=True))
    assert not found.is_cut
    assert effort._Counter(page).count() == len(page)
    assert all(url.startswith(("http://", "https://")) for url, _ in found.links)
