"""Hostile markup is cut before the parser would take minutes or gigabytes; real pages are not."""

from __future__ import annotations

import time
from collections.abc import Callable

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


# Made when a test needs them: every process that collects tests imports this module.
SLOW: dict[str, Callable[[], bytes]] = {
    "nested": lambda: repeated("<div>"),
    "lists": lambda: repeated("<ul><li>"),
    "formatting": lambda: numbered("<font color=%d>", 100_000),
    "copies": lambda: numbered("<i id=%d>", 3000) + b"</p>" + repeated("<p>x</p>"),
    "attributes": lambda: b"<a " + numbered("a%d='>' ", 200_000) + b">",
    "root attributes": lambda: numbered("<body a%d>", 150_000),
    "attributes of many tags": lambda: (b"<x " + numbered("a%d ", 700) + b">") * 700,
    "attributes of many short tags": lambda: (b"<x " + numbered("%x ", 400) + b">") * 3000,
    "attributes behind some ends": lambda: b"<a " + (numbered("a%d ", 650) + b"a='>' ") * 30 + b">",
    "attributes of many roots": lambda: b"".join(
        b"<body %s>" % numbered(f"a{tag}_%d ", 300) for tag in range(300)
    ),
    "roots that are closed": lambda: b"".join(
        b"<body %s>x</body>" % numbered(f"a{tag}_%d ", 300) for tag in range(300)
    ),
    "opened in comments": lambda: repeated("<div><!--x</div>-->"),
    "closed in values": lambda: repeated("<div title='</div>'>"),
    "closed in a value without quotes": lambda: repeated('<div x=a"b c="d>t</div>">'),
    "closed once the others are out": lambda: repeated("<div><<b>x</b>/div>"),
    "groups": lambda: repeated("<optgroup><option>"),
    "ruby": lambda: repeated("<rt>"),
    "capitals": lambda: repeated("<DIV>"),
    "links in blocks": lambda: repeated("<div><a href=x>"),
    "end tags": lambda: b"<div>" * 100_000 + repeated("</p>"),
    "tags": lambda: repeated("<p>") + repeated("<a>"),
}
LONG: dict[str, Callable[[], bytes]] = {
    "less than": lambda: repeated("<"),
    "open comments": lambda: repeated("<!--"),
    "open tags": lambda: repeated("<a "),
    "text": lambda: repeated("x"),
    "references": lambda: repeated("&a"),
    "nul": lambda: repeated("\0"),
    "selected": lambda: (
        b"<select><button><selectedcontent></selectedcontent></button>"
        + repeated("<option selected>")
    ),
    "styles": lambda: repeated("<p style='url('>"),
    "scripts": lambda: repeated("<script><!--"),
}
FINE: dict[str, Callable[[], bytes]] = {
    "deep rows": lambda: repeated("<div><p><b><i><u>x</u></i></b></p><span a=b c>y</span ></div>"),
    "items": lambda: repeated("<li><p>x<br><a href=x>"),
    "rows": lambda: b"<table>" + repeated("<tr class=x><td>1<td>2"),
    "closed": lambda: repeated("<div class='a b'><span>x</span></div>"),
    "same formatting": lambda: b"<font color=red>" * 30 + b"<p>x" * 200_000,
    "script": lambda: b"<script>" + repeated("'<div>'") + b"</script>",
    "comment": lambda: b"<!--" + repeated("<div>") + b"-->",
    "attribute": lambda: b"<a title='" + repeated("<div>") + b"'>",
    "long value": lambda: b"<p data-x='" + repeated("a b=c ") + b"'>",
    "long values": lambda: (b"<p class=a data-x='" + b"a b=c " * 200 + b"'>") * 1200,
    "plaintext": lambda: b"<plaintext>" + repeated("<div>"),
}


@pytest.mark.parametrize("made", SLOW.values(), ids=SLOW)
def test_a_page_that_would_be_slow_is_cut(made: Callable[[], bytes]) -> None:
    page = made()
    safe = effort.safe_bytes(page)
    assert safe < len(page)
    assert effort.safe_bytes(page[:safe]) == safe


@pytest.mark.parametrize("made", FINE.values(), ids=FINE)
def test_a_big_page_is_read_whole(made: Callable[[], bytes]) -> None:
    page = made()
    assert effort.safe_bytes(page) == len(page)


def test_a_large_page_is_not_counted_tag_by_tag(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(effort, "_Counter")
    row = b"<tr class=x><td><a href='/p'>name</a></td><td title=\"a b\"><span>text</span></td></tr>"
    page = b"<html><body><table>" + row * 20_000 + b"</table>"
    assert effort.safe_bytes(page) == len(page)


@pytest.mark.parametrize("made", (SLOW | LONG).values(), ids=SLOW | LONG)
def test_hostile_pages_are_read_in_bounded_time(made: Callable[[], bytes]) -> None:
    page = made()
    begun = time.process_time()
    html.read(page, "http://h/", CrawlRules(assets=True, title=True))
    assert time.process_time() - begun < 60  # seconds; without the limits, minutes to hours


@pytest.mark.parametrize("made", (SLOW | LONG | FINE).values(), ids=SLOW | LONG | FINE)
@pytest.mark.parametrize("size", [20_000, 100_000])
def test_what_is_known_of_a_page_does_not_change_how_much_of_it_is_read(
    made: Callable[[], bytes], size: int
) -> None:
    page = made()[:size]
    is_quick = effort.is_quick(page)
    assert effort.safe_bytes(page, is_known_quick=is_quick) == effort.safe_bytes(page)


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
    assert all(url.startswith(("http://", "https://")) for url in found.links)


@pytest.mark.parametrize("name", sorted(effort._FORMATTING))
def test_each_formatting_tag_is_recognised(name: bytes) -> None:
    for tag in (b"<%s>" % name, b"<%s x=1>" % name.upper(), b"<%s/>" % name):
        assert effort._most_formats(b"<p>" + tag + b"</p>") == 3
    for other in (b"</%s>", b"<%sx>", b"<x%s>", b"< %s>"):
        assert effort._most_formats(other % name) == 0


@pytest.mark.parametrize("tags", [0, 1, 2, 3, 50])
def test_few_tags_are_told_from_many(tags: int) -> None:
    page = b"<p>x" * tags + b"y" * 100
    assert effort._has_few(page, 2) is (tags <= 2)
