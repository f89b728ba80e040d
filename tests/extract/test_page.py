"""The reader of a body is chosen by its type, and by how the crawl came to it."""

from __future__ import annotations

import pytest

from fetcher.extract import page
from fetcher.frontier.links import Via
from fetcher.frontier.rules import CrawlRules
from fetcher.frontier.totals import Refusal

URL = "http://a.test/d/x"
HTML = b'<html><a href="1">1</a><a href="2" rel=nofollow>2</a></html>'
CSS = b"a { b: url(1.png) } @import '2.css'; c { d: url(#part) }"
SITEMAP = b"<urlset><url><loc>http://a.test/1</loc></url></urlset>"
FEED = b"<rss><channel><item><link>http://a.test/1</link></item></channel></rss>"
ALL = CrawlRules(assets=True, sitemaps=True)


def urls(
    body: bytes, content_type: str | None, rules: CrawlRules = ALL, via: str = Via.A
) -> list[str]:
    found = page.read(body, URL, rules, content_type=content_type, via=via)
    return list(found.links)


@pytest.mark.parametrize(
    ("content_type", "is_read"),
    [
        ("text/html", True),
        ("Text/HTML; charset=utf-8", True),
        ("text/html, text/plain", True),
        ("application/xhtml+xml", True),
        (None, True),
        ("", True),
        ("text/plain", False),
        ("application/pdf", False),
        ("image/svg+xml", False),
    ],
)
def test_html_is_read_by_its_type_or_by_its_beginning(
    content_type: str | None, is_read: bool
) -> None:
    assert urls(HTML, content_type) == (["http://a.test/d/1"] if is_read else [])
    assert page.is_read(content_type, Via.A, CrawlRules()) is is_read


@pytest.mark.parametrize("body", [b"\xef\xbb\xbf \n<!DOCTYPE HTML >", b"<p>", b"<A href=x>"])
def test_a_body_without_a_type_is_html_if_it_begins_like_it(body: bytes) -> None:
    assert urls(body + HTML, None)


@pytest.mark.parametrize("body", [b"text <p>", b"<pre>", b"%PDF-1.4 <html>"])
def test_another_body_without_a_type_is_not_read(body: bytes) -> None:
    assert urls(body + HTML, None) == []


def test_a_style_sheet_is_read_for_its_assets_alone() -> None:
    assert urls(CSS, "text/css") == ["http://a.test/d/1.png", "http://a.test/d/2.css"]
    assert urls(CSS, "text/css", CrawlRules()) == []
    assert page.is_read("text/css", Via.A, ALL)
    assert not page.is_read("text/css", Via.A, CrawlRules())


def test_a_style_sheet_is_read_up_to_its_limit() -> None:
    rules = CrawlRules(assets=True, parse_bytes=1024)
    found = page.read(CSS + b" " * 1024, URL, rules, content_type="text/css")
    assert (found.is_cut, len(found.links)) == (True, 2)
    assert found.fault == "only the first 1024 bytes of the style sheet were read"
    cut = page.read(b" " * 1016 + b"url(/name)", URL, rules, content_type="text/css")
    assert cut.links == {}, "/n would be another URL"


@pytest.mark.parametrize(
    ("content_type", "via", "rules", "is_read"),
    [
        ("text/plain", Via.SITEMAP, CrawlRules(), True),
        ("application/rss+xml", Via.A, ALL, True),
        ("application/rss+xml", Via.A, CrawlRules(), False),
        ("application/xml", Via.A, ALL, False),
    ],
)
def test_a_sitemap_is_one_because_a_link_says_so_and_a_feed_by_its_type(
    content_type: str, via: str, rules: CrawlRules, is_read: bool
) -> None:
    body = FEED if "rss" in content_type else SITEMAP
    assert urls(body, content_type, rules, via) == (["http://a.test/1"] if is_read else [])
    assert page.is_read(content_type, via, rules) is is_read


@pytest.mark.parametrize(
    ("via", "content_type", "url", "expected"),
    [
        (Via.SEED, "application/xml", URL, Via.SITEMAP),
        (Via.SEED, "text/xml; charset=utf-8", URL, Via.SITEMAP),
        (Via.SEED, "application/atom+xml", URL, Via.SITEMAP),
        (Via.REDIRECT, "text/plain", f"{URL}.xml.gz?x", Via.SITEMAP),
        (Via.SEED, None, f"{URL}.XML", Via.SITEMAP),
        (Via.SEED, "text/html", f"{URL}.xml", Via.SEED),
        (Via.SEED, "text/html", URL, Via.SEED),
        (Via.SEED, None, f"{URL}?q=.xml", Via.SEED),
        (Via.A, "application/xml", f"{URL}.xml", Via.A),
    ],
)
def test_a_seed_may_be_a_sitemap(
    via: Via, content_type: str | None, url: str, expected: Via
) -> None:
    assert page.read_as(via, content_type, url) == expected


def test_the_headers_and_the_page_may_ask_not_to_follow() -> None:
    headers = [("Server", "s"), ("X-Robots-TAG", "mybot: nofollow")]
    asked = page.read(HTML, URL, ALL, headers=headers, agent="mybot")
    assert (asked.is_nofollow, asked.links) == (True, {})
    other = page.read(HTML, URL, ALL, headers=headers, agent="other")
    assert (len(other.links), other.left_out) == (1, {Refusal.NOFOLLOW: 1})
