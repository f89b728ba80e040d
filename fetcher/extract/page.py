"""Chooses the reader for a fetched body: HTML, CSS, or sitemap and feed.

Other bodies are not parsed. A body without a content type is HTML if it begins like HTML, as in
browsers. A body is read as a sitemap or a feed if the link to it said so.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Final

from fetcher.extract import charset, css, html, robots_tags, sitemaps
from fetcher.extract.found import Collector, Found
from fetcher.extract.resolving import Resolver
from fetcher.frontier.links import Via
from fetcher.frontier.rules import CrawlRules
from fetcher.model import Result

_USUAL: Final = "text/html"
_HTML: Final = frozenset({_USUAL, "application/xhtml+xml"})
_FEEDS: Final = frozenset({"application/rss+xml", "application/atom+xml", "application/rdf+xml"})
_SEED: Final = frozenset({Via.SEED, Via.REDIRECT})
# A seed of such a type, or with such a path, is read as a sitemap or a feed.
_XML: Final = re.compile(r"(?:application|text)/(?:xml|(?:rss|atom|rdf)\+xml)\b", re.IGNORECASE)
_XML_PATH: Final = re.compile(r"[^?#]*\.xml(?:\.gz)?(?:[?#].*)?", re.IGNORECASE)
# https://mimesniff.spec.whatwg.org/#identifying-a-resource-with-an-unknown-mime-type
_LIKE_HTML: Final = re.compile(
    rb"(?:\xef\xbb\xbf)?[\t\n\f\r ]*<(?:!doctype html|html|head|script|iframe|h1|div|font|table|a|"
    rb"style|title|b|body|br|p)[ >]",
    re.IGNORECASE,
)


def is_read(content_type: str | None, via: str, rules: CrawlRules) -> bool:
    """Whether a body of this type may hold links, so that it has to be kept until it is read."""
    kind = _kind(content_type)
    is_sheet = kind == "text/css" and rules.assets
    is_feed = rules.sitemaps and kind in _FEEDS
    return not kind or kind in _HTML or is_sheet or is_feed or via == Via.SITEMAP


def read_as(via: str, content_type: str | None, url: str) -> str:
    """The kind of link that led to the page; SITEMAP for a seed that is a sitemap or a feed."""
    if via not in _SEED:
        return via
    kind = content_type or ""
    is_xml = _XML.match(kind) or (_XML_PATH.fullmatch(url) and "html" not in kind)
    return Via.SITEMAP if is_xml else via


def read_answer(result: Result, body: bytes, rules: CrawlRules, *, via: str, agent: str) -> Found:
    """The links of the body of this result, as `read`."""
    return read(
        body,
        result.final_url or result.url,
        rules,
        content_type=result.content_type,
        headers=result.headers,
        via=via,
        agent=agent,
    )


def read(
    body: bytes,
    url: str,
    rules: CrawlRules,
    *,
    content_type: str | None = None,
    headers: Collection[tuple[str, str]] = (),
    via: str = Via.A,
    agent: str = "",
) -> Found:
    """The links of this body, from this http(s) URL in the standard's form.

    `content_type`: as in the row; `headers`: for what they say to robots; `via`: how the crawl came
    to the body; `agent`: our name in robots.txt, for rules that name robots.
    """
    kind = _kind(content_type)
    if via == Via.SITEMAP or (rules.sitemaps and kind in _FEEDS):
        return sitemaps.read((body,), url, rules)
    if kind == "text/css":
        return _sheet(body, url, rules, content_type) if rules.assets else Found()
    if kind in _HTML or (not kind and _LIKE_HTML.match(body)):
        return html.read(
            body,
            url,
            rules,
            content_type=content_type,
            is_nofollow=robots_tags.headers_say_nofollow(headers, agent),
            agent=agent,
        )
    return Found()


def _kind(content_type: str | None) -> str:
    if content_type == _USUAL:  # of most bodies that are read
        return _USUAL
    return (content_type or "").partition(";")[0].partition(",")[0].strip().lower()


def _sheet(body: bytes, url: str, rules: CrawlRules, content_type: str | None) -> Found:
    part = body[: rules.parse_bytes]
    is_cut = len(part) < len(body)
    encoding = charset.encoding_of_sheet(part, content_type)
    collector = Collector(rules.links_per_page, rules.url_bytes, frozenset())
    resolver = Resolver(url)
    for text in css.urls_of(charset.decoded(part, encoding), is_whole=not is_cut):
        link = resolver.url(text) if text and text[0] != "#" else None
        if link is not None:
            collector.add(link, Via.CSS)
    return Found(
        links=collector.links,
        left_out=collector.left_out,
        is_cut=is_cut,
        fault=f"only the first {len(part)} bytes of the style sheet were read" if is_cut else "",
    )
