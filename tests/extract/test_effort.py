"""Hostile markup is cut before the parser would take minutes or gigabytes; real pages are not."""

from __future__ import annotations

import itertools
import string
import subprocess
import sys
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
    "formatting": lambda: numbered("<font color=%d>", 100_000),
    "copies": lambda: numbered("<i id=%d>", 3000) + b"</p>" + repeated("<p>x</p>"),
    "copies after equal ones": lambda: (
        b"<b>" * 100 + numbered("<I ID=%d>", 3000) + b"</i>" * 100 + repeated("<p>x</p>")
    ),
    "root attributes": lambda: numbered("<body a%d>", 150_000),
    "attributes of many roots": lambda: b"".join(
        b"<body %s>" % numbered(f"a{tag}_%d ", 300) for tag in range(300)
    ),
    "attributes of one root": lambda: b"<HtMl\n" + numbered("a%d='>' ", 200_000) + b">",
    "tags": lambda: repeated("<p>") * 3,
}
LONG: dict[str, Callable[[], bytes]] = {
    "less than": lambda: repeated("<"),
    "open tags": lambda: repeated("<a "),
    "nul": lambda: repeated("\0"),
}
FINE: dict[str, Callable[[], bytes]] = {
    "nested": lambda: repeated("<div>"),
    "lists": lambda: repeated("<ul><li>"),
    "attributes": lambda: b"<a " + numbered("a%d='>' ", 200_000) + b">",
    "attributes of many tags": lambda: (b"<x " + numbered("a%d ", 700) + b">") * 700,
    "groups": lambda: b"<select>" + repeated("<optgroup><option>"),
    "ruby": lambda: repeated("<ruby><rt>"),
    "links in blocks": lambda: repeated("<div><a href=x>"),
    "end tags": lambda: b"<div>" * 100_000 + repeated("</p>"),
    "items in blocks": lambda: b"<div>" * 100_000 + repeated("<dd>"),
    "open comments": lambda: repeated("<!--"),
    "text": lambda: repeated("x"),
    "references": lambda: repeated("&a"),
    "selected": lambda: (
        b"<select><button><selectedcontent></selectedcontent></button>"
        + repeated("<option selected>")
    ),
    "styles": lambda: repeated("<p style='url('>"),
    "scripts": lambda: repeated("<script><!--"),
    "deep rows": lambda: repeated("<div><p><b><i><u>x</u></i></b></p><span a=b c>y</span ></div>"),
    "items": lambda: repeated("<li><p>x<br><a href=x>"),
    "rows": lambda: b"<table>" + repeated("<tr class=x><td>1<td>2"),
    "text in rows": lambda: b"<b>" * 1000 + b"<table>" + repeated("x<tr>"),
    "closed": lambda: repeated("<div class='a b'><span>x</span></div>"),
    "closed formatting": lambda: numbered("<p><i id=%d>x</i></p>", 40_000),
    "same formatting": lambda: b"<font color=red>" * 30 + b"<p>x" * 200_000,
    "script": lambda: b"<script>" + repeated("'<div>'") + b"</script>",
    "long value": lambda: b"<p data-x='" + repeated("a b=c ") + b"'>",
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


def test_a_page_is_cut_before_the_first_tag_that_is_too_much(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(effort, "_FEW_TAGS", 0)
    monkeypatch.setattr(effort, "_SHORT_BYTES", 0)
    monkeypatch.setattr(effort, "MAX_COPIES", 6)
    monkeypatch.setattr(effort, "MAX_ROOT_ATTRIBUTES", 2)
    attributes = b"<html a><p><body b='<p>'>"
    assert effort.safe_bytes(attributes + b"<body c>") == len(attributes)
    copied_twice = b"<i a><i b></p>"
    assert effort.safe_bytes(copied_twice + b"<p>" * 9) == len(copied_twice)
    copied_once = b"<i a><i b></i></p><p>"
    assert effort.safe_bytes(copied_once + b"<p>" * 9) == len(copied_once)
    monkeypatch.setattr(effort, "MAX_TAGS", 3)
    assert effort.safe_bytes(b"<p>x</p><a>y" + b"<p>z") == len("<p>x</p><a>y")


def test_a_large_page_is_not_counted_tag_by_tag(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(effort, "_before_copies")
    row = b"<tr class=x><td><a href='/p'>name</a></td><td title=\"a b\"><span>text</span></td></tr>"
    page = b"<html><body><table>" + row * 20_000 + b"</table>"
    assert effort.safe_bytes(page) == len(page)


@pytest.mark.parametrize("made", (SLOW | LONG | FINE).values(), ids=SLOW | LONG | FINE)
def test_hostile_pages_are_read_in_bounded_time(made: Callable[[], bytes]) -> None:
    page = made()
    begun = time.process_time()
    html.read(page, "http://h/", CrawlRules(assets=True, title=True))
    assert time.process_time() - begun < 20  # seconds; without the limits, minutes and gigabytes


def _cpu_s(page: bytes) -> float:
    begun = time.process_time()
    html.read(page, "http://h/", CrawlRules(title=True))
    return time.process_time() - begun


@pytest.mark.parametrize("piece", [b"<link>", b"<title>x</title>"])
def test_a_template_makes_a_deep_page_no_slower(piece: bytes) -> None:
    deep = b"<div>" * 1000 + piece * 5000
    without = min(_cpu_s(b"<p></p>" + deep) for _ in range(3))
    assert _cpu_s(b"<template></template>" + deep) < 10 * without


LONG_TEXT = b"x" * 100_000
COPIED = {
    "href": (b"<a href=%s>" % LONG_TEXT, False),
    "href with assets": (b"<a href=%s>" % LONG_TEXT, True),
    "nofollow": (b"<a href=%s rel=nofollow>" % LONG_TEXT, False),
    "link of svg": (b"<a xlink:href=%s>" % LONG_TEXT, False),
    "style": (b"<b style='%s'>" % (b"url(x);" * 15_000), True),
    "background": (b"<b background=%s>" % LONG_TEXT, True),
}


@pytest.mark.parametrize(("tag", "assets"), COPIED.values(), ids=COPIED)
def test_copies_of_long_attributes_are_read_in_part(tag: bytes, assets: bool) -> None:
    page = b"<p>%s</p>" % tag + b"<p>x</p>" * 1000  # 100 MB in the tree
    found = html.read(page, "http://h/", CrawlRules(assets=assets))
    assert found.is_cut
    assert found.fault == "only the first were read: unclosed elements are too long"


@pytest.mark.parametrize("assets", [False, True])
def test_long_attributes_without_copies_are_read_whole(assets: bool) -> None:
    tags = b"<a href=%s></a><b style=%s></b>" % (LONG_TEXT, LONG_TEXT)
    found = html.read(tags * 50 + b"<a href=last>", "http://h/", CrawlRules(assets=assets))
    assert not found.is_cut
    assert list(found.links) == ["http://h/last"]


@pytest.mark.parametrize(
    ("page", "expected"),
    [
        (b"<p>x" * effort._FEW_TAGS, True),
        (b"<p>x" * (effort._FEW_TAGS + 1), False),
        (b"", True),
    ],
)
def test_few_tags_are_told_from_many(page: bytes, expected: bool) -> None:
    assert effort._has_few_tags(page) is expected


def test_pages_in_utf_16_are_cut_too() -> None:
    page = "\ufeff" + SLOW["copies"]().decode()
    for encoding in ("utf-16-le", "utf-16-be"):
        found = html.read(page.encode(encoding), "http://h/", CrawlRules())
        assert found.is_cut


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
    assert effort._before_copies(page) == effort.safe_bytes(page) == len(page)
    assert all(url.startswith(("http://", "https://")) for url in found.links)


_PEAK = """
import sys
from pathlib import Path
from fetcher.extract import html
from fetcher.frontier.rules import CrawlRules

def peak_kb():
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0])

page = sys.stdin.buffer.read()
html.read(b"<p>", "http://h/", CrawlRules())
before = peak_kb()
html.read(page, "http://h/", CrawlRules())
print((peak_kb() - before) // 1024)
"""


def test_attributes_of_roots_take_bounded_memory_whatever_the_length_of_the_page() -> None:
    # At each of many roots, the parser copies all attributes that it has so far.
    letters = string.ascii_lowercase + string.digits + "-_.:!$%&()*+,;?@[]^`{|}~"
    names = itertools.chain(letters, map("".join, itertools.product(letters, repeat=2)))
    page = f"<body {' '.join(itertools.islice(names, 1200))}>"
    page += "".join(f"<body {name}>" for name in names)
    peaks = []
    for page_bytes in (effort._SHORT_BYTES, len(page)):
        command = [sys.executable, "-c", _PEAK]
        done = subprocess.run(command, input=page[:page_bytes].encode(), stdout=-1, check=True)
        peaks.append(int(done.stdout))
    assert max(peaks) < 110  # MB


@pytest.mark.parametrize("name", effort._FORMATTING)
def test_each_formatting_tag_is_recognised(name: bytes) -> None:
    for tag in (b"<%s" % name, b"<%s x=1" % name.upper(), b"<%s/" % name):
        assert effort._OPENED.findall(b"<p>%s></p>" % tag) == [tag]
        found = effort._FORMATTING_TAG.findall(b"<p>%s>" % tag)
        assert [(end, each.lower()) for end, each in found] == [(b"", name)]
    assert effort._FORMATTING_TAG.findall(b"</%s >" % name) == [(b"/", name)]
    for other in (b"</%sx>", b"<%sx>", b"<x%s>", b"< %s>"):
        assert not effort._OPENED.findall(other % name)
        assert not effort._FORMATTING_TAG.findall(other % name)
