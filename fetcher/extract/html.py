"""Reads the links and the title of an HTML page; the only file that knows the parser, selectolax.

The parser builds the tree that a browser without scripts has. <template> holds no links; <noscript>
does. https://html.spec.whatwg.org/multipage/
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Final

from selectolax.lexbor import LexborDocumentOptions, LexborHTMLParser, LexborNode

from fetcher import web_urls
from fetcher.extract import charset, css, effort, robots_tags, srcset
from fetcher.extract.found import Collector, Found
from fetcher.extract.resolving import Resolver
from fetcher.frontier.links import ASSETS, Via
from fetcher.frontier.rules import CrawlRules
from fetcher.frontier.totals import Refusal

MAX_TITLE_CHARS: Final = 500

_PAGES: Final = "a,area,iframe,frame,link[href],meta[http-equiv],meta[name]"
_ASSETS: Final = (
    "img,source,script[src],video,audio[src],track[src],embed[src],object[data],input[src],"
    "image,use,style,[style],[background]"
)
# By the words of <link rel>; the first that matches decides.
_RELS: Final = (
    ("stylesheet", Via.STYLESHEET),
    ("icon", Via.ICON),
    ("apple-touch-icon", Via.ICON),
    ("mask-icon", Via.ICON),
    ("manifest", Via.ICON),
    ("preload", Via.PRELOAD),
    ("modulepreload", Via.PRELOAD),
    ("prefetch", Via.PRELOAD),
    ("canonical", Via.CANONICAL),
    ("next", Via.NEXT),
    ("prev", Via.PREV),
    ("previous", Via.PREV),
    ("alternate", Via.ALTERNATE),
)
_FRAMES: Final = {"iframe": Via.IFRAME, "frame": Via.FRAME}
# Attributes with one URL, and attributes with several.
_SOURCES: Final = {
    "img": (("src", Via.IMAGE),),
    "source": (("src", Via.MEDIA),),
    "script": (("src", Via.SCRIPT),),
    "video": (("src", Via.MEDIA), ("poster", Via.IMAGE)),
    "audio": (("src", Via.MEDIA),),
    "track": (("src", Via.MEDIA),),
    "embed": (("src", Via.EMBED),),
    "object": (("data", Via.EMBED),),
    "input": (("src", Via.IMAGE),),
    "image": (("href", Via.IMAGE), ("xlink:href", Via.IMAGE)),
    "use": (("href", Via.IMAGE), ("xlink:href", Via.IMAGE)),
}
_SETS: Final = {"img": "srcset", "source": "srcset", "link": "imagesrcset"}
# https://html.spec.whatwg.org/multipage/semantics.html#shared-declarative-refresh-steps
_REFRESH: Final = re.compile(
    r"""\s*+[0-9.]++(?:[0-9.]*+)(?:\s*+[;,]\s*+|\s++)(?:url\s*+=\s*+)?(["']?)(.*)""",
    re.IGNORECASE | re.DOTALL,
)
_NOTHING: Final = frozenset[Via]()
# What a page that asks for nofollow still shows: its assets. A frame is followed, as a link is.
_FOLLOWED: Final = frozenset(Via) - ASSETS


def read(
    body: bytes,
    url: str,
    rules: CrawlRules,
    *,
    content_type: str | None = None,
    is_nofollow: bool = False,
    agent: str = "",
) -> Found:
    """The links of the page at this http(s) URL, within the limits of the rules.

    `is_nofollow`: its headers ask for that; `agent`: our name in <meta name=…>, as in robots.txt.
    """
    page = body[: rules.parse_bytes]
    is_whole = len(page) == len(body)
    encoding = charset.encoding_of(page, content_type, is_whole)
    page = charset.in_utf8(page, encoding)
    safe = effort.safe_bytes(page)
    if safe < len(page):
        is_whole, page = False, page[:safe]
    # Without events, <selectedcontent> does not copy each <option> again.
    tree = LexborHTMLParser(page, options=LexborDocumentOptions.WO_EVENTS)
    is_nofollow = rules.nofollow and (is_nofollow or _meta_says_nofollow(tree, agent))
    collector = Collector(
        rules.links_per_page, rules.url_bytes, _FOLLOWED if is_nofollow else _NOTHING
    )
    base = _base(tree, url)
    _Reader(tree, Resolver(base, _output_encoding(encoding)), rules, collector).read()
    return Found(
        links=collector.links(),
        left_out=collector.left_out(),
        title=_title(tree) if rules.title else None,
        is_cut=not is_whole,
        is_nofollow=is_nofollow,
        fault="" if is_whole else f"only the first {len(page)} bytes of the page were read",
    )


class _Reader:
    """Takes the links of one tree."""

    def __init__(
        self, tree: LexborHTMLParser, resolver: Resolver, rules: CrawlRules, collector: Collector
    ) -> None:
        self._tree = tree
        self._resolver = resolver
        self._rules = rules
        self._collector = collector
        self._texts: set[str] = set()  # texts of <a> that were read

    def read(self) -> None:
        """All elements that may hold links, in the order of the page."""
        has_assets, collector = self._rules.assets, self._collector
        selector = f"{_PAGES},{_ASSETS}" if has_assets else _PAGES
        for number, node in enumerate(nodes := self._tree.css(selector)):
            if collector.is_full:
                collector.leave_out(Refusal.LINKS_PER_PAGE, len(nodes) - number)
                return
            tag = node.tag or ""
            handle = _HANDLERS.get(tag)
            if handle is not None:
                handle(self, node)
            if has_assets:
                self._assets(node, tag)

    def anchor(self, node: LexborNode) -> None:
        attributes = node.attributes
        text = attributes.get("href")
        if text is None:
            text = attributes.get("xlink:href")
        # Most links of a page are repeated, or lead to a place in the page.
        if not text or text in self._texts or text[0] == "#":
            return
        rel = attributes.get("rel")
        is_nofollow = rel is not None and self._rules.nofollow and _has_word(rel, "nofollow")
        if not is_nofollow:
            self._texts.add(text)
        url = self._resolver.url(text)
        if url is not None:
            self._collector.add(url, Via.A if node.tag == "a" else Via.AREA, is_nofollow)

    def frame(self, node: LexborNode) -> None:
        self._add(node.attrs.get("src"), _FRAMES[node.tag or ""])

    def link(self, node: LexborNode) -> None:
        words = (node.attrs.get("rel") or "").lower().split()
        via = next((via for word, via in _RELS if word in words), None)
        if via is None or (via in ASSETS and not self._rules.assets):
            return
        self._add(node.attrs.get("href"), via)

    def meta(self, node: LexborNode) -> None:
        if (node.attrs.get("http-equiv") or "").strip().lower() != "refresh":
            return
        found = _REFRESH.fullmatch(node.attrs.get("content") or "")
        if found is not None:
            text = found[2].partition(found[1])[0] if found[1] else found[2]
            self._add(text, Via.REFRESH)

    def _assets(self, node: LexborNode, tag: str) -> None:
        attributes = node.attrs
        for name, via in _SOURCES.get(tag, ()):
            self._add(attributes.get(name), via)
        texts = attributes.get(_SETS.get(tag, "srcset")) if tag in _SETS else None
        for text in srcset.urls_of(texts or ""):
            self._add(text, Via.IMAGE)
        self._add(attributes.get("background"), Via.IMAGE)
        styles = node.text() if tag == "style" else attributes.get("style")
        for text in css.urls_of(styles or ""):
            self._add(text, Via.CSS)

    def _add(self, text: str | None, via: Via, is_nofollow: bool = False) -> None:
        # An attribute without a value is None, too; an empty one means the page itself.
        if not text or text[0] == "#":
            return
        url = self._resolver.url(text)
        if url is not None:
            self._collector.add(url, via, is_nofollow)


_HANDLERS: Final[dict[str, Callable[[_Reader, LexborNode], None]]] = {
    "a": _Reader.anchor,
    "area": _Reader.anchor,
    "iframe": _Reader.frame,
    "frame": _Reader.frame,
    "link": _Reader.link,
    "meta": _Reader.meta,
}


def _base(tree: LexborHTMLParser, url: str) -> str:
    """The base of the page's links: the first <base href>, if it is an http(s) URL."""
    node = tree.css_first("base[href]")
    text = node.attrs.get("href") if node is not None else None
    found = web_urls.resolved(url, text) if text else None
    return found if found is not None and found.startswith(("http://", "https://")) else url


def _meta_says_nofollow(tree: LexborHTMLParser, agent: str) -> bool:
    return any(
        robots_tags.is_nofollow(node.attrs.get("content") or "")
        for node in tree.css("meta[name][content]")
        if robots_tags.is_for_us(node.attrs.get("name") or "", agent)
    )


def _title(tree: LexborHTMLParser) -> str | None:
    for node in tree.css("title"):
        if not _is_in_drawing(node):
            return " ".join(node.text().split())[:MAX_TITLE_CHARS]
    return None


def _is_in_drawing(node: LexborNode) -> bool:
    """A <title> in <svg> is a tool tip."""
    return any(parent.tag == "svg" for parent in _parents(node))


def _parents(node: LexborNode) -> Iterator[LexborNode]:
    parent = node.parent
    while parent is not None:
        yield parent
        parent = parent.parent


def _has_word(text: str, word: str) -> bool:
    return word in text.lower().split()


def _output_encoding(encoding: str) -> str:
    """URLs of pages in UTF-16 are in UTF-8."""
    return charset.UTF8 if encoding.startswith("utf-16") else encoding
