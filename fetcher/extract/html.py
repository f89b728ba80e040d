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
from fetcher.extract.found import Collector, Found, Kind
from fetcher.extract.resolving import Resolver
from fetcher.frontier.links import ASSETS, Via
from fetcher.frontier.rules import CrawlRules
from fetcher.frontier.totals import Refusal

MAX_TITLE_CHARS: Final = 500

_PAGES: Final = "a,area,iframe,frame,link[href],meta[http-equiv],meta[name],base[href]"
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
_A: Final = (Via.A, False)
_AREA: Final = (Via.AREA, False)
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
_BLOCK: Final = 1000  # elements that are read at once
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
    elements = _Elements(tree, f"{_PAGES},{_ASSETS}" if rules.assets else _PAGES)
    is_nofollow = rules.nofollow and (is_nofollow or elements.say_nofollow(agent))
    collector = Collector(
        rules.links_per_page, rules.url_bytes, _FOLLOWED if is_nofollow else _NOTHING
    )
    resolver = Resolver(elements.base(url), _output_encoding(encoding))
    _Reader(elements, resolver, rules, collector).read()
    return Found(
        links=collector.links(),
        left_out=collector.left_out(),
        title=_title(tree) if rules.title else None,
        is_cut=not is_whole,
        is_nofollow=is_nofollow,
        fault="" if is_whole else f"only the first {len(page)} bytes of the page were read",
    )


class _Elements:
    """The elements of a tree that may hold links or say how they are read, in the page's order."""

    def __init__(self, tree: LexborHTMLParser, selector: str) -> None:
        self.nodes = tree.css(selector)
        self.tags = [node.tag for node in self.nodes]

    def base(self, url: str) -> str:
        """The base of the page's links: the first <base href>, if it is an http(s) URL."""
        node = next(self._of("base"), None)
        text = node.attributes.get("href") if node is not None else None
        found = web_urls.resolved(url, text) if text else None
        return found if found is not None and found.startswith(("http://", "https://")) else url

    def say_nofollow(self, agent: str) -> bool:
        """Whether a <meta> asks us not to follow the links of the page."""
        return any(
            robots_tags.is_nofollow(attributes["content"] or "")
            for attributes in (node.attributes for node in self._of("meta"))
            if "content" in attributes
            and robots_tags.is_for_us(attributes.get("name") or "", agent)
        )

    def _of(self, tag: str) -> Iterator[LexborNode]:
        if tag in self.tags:  # a search of the whole list is faster than a look at each
            yield from (
                node for node, name in zip(self.nodes, self.tags, strict=True) if name == tag
            )


class _Reader:
    """Takes the links of one page."""

    def __init__(
        self, elements: _Elements, resolver: Resolver, rules: CrawlRules, collector: Collector
    ) -> None:
        self._elements = elements
        self._resolver = resolver
        self._rules = rules
        self._collector = collector
        self._known: set[str] = set()  # texts of <a> that were read
        # The links of the block that is read: their texts, and the kind of each.
        self._texts: list[str] = []
        self._kinds: list[Kind] = []

    def read(self) -> None:
        """Read all elements, block by block, up to the limit of links."""
        start, count = 0, len(self._elements.nodes)
        while start < count:
            # Without assets an element is one link at most, so that no block passes the limit.
            end = min(count, start + min(_BLOCK, self._collector.room))
            if start == end:
                self._collector.leave_out(Refusal.LINKS_PER_PAGE, count - start)
                return
            self._read_block(start, end)
            start = end

    def _read_block(self, start: int, end: int) -> None:
        has_assets, anchor = self._rules.assets, self.anchor
        nodes, tags = self._elements.nodes[start:end], self._elements.tags[start:end]
        for node, tag in zip(nodes, tags, strict=True):
            if tag == "a":  # most of all
                anchor(node)
            elif tag in _HANDLERS:
                _HANDLERS[tag](self, node)
            if has_assets:
                self._assets(node, tag or "")
        texts, self._texts = self._texts, []
        kinds, self._kinds = self._kinds, []
        self._collector.add_all(self._resolver.urls(texts), kinds)

    def anchor(self, node: LexborNode, kind: Kind = _A) -> None:
        attributes = node.attributes
        text = attributes.get("href")
        if text is None:
            text = attributes.get("xlink:href")
        # Most links of a page are repeated, or lead to a place in the page.
        if not text or text in self._known or text[0] == "#":
            return
        if "rel" in attributes and self._asks_nofollow(attributes["rel"]):
            kind = (kind[0], True)
        else:
            self._known.add(text)
        self._texts.append(text)
        self._kinds.append(kind)

    def _asks_nofollow(self, rel: str | None) -> bool:
        return self._rules.nofollow and "nofollow" in (rel or "").lower().split()

    def area(self, node: LexborNode) -> None:
        self.anchor(node, _AREA)

    def frame(self, node: LexborNode) -> None:
        self._add(node.attributes.get("src"), _FRAMES[node.tag or ""])

    def link(self, node: LexborNode) -> None:
        words = (node.attributes.get("rel") or "").lower().split()
        via = next((via for word, via in _RELS if word in words), None)
        if via is None or (via in ASSETS and not self._rules.assets):
            return
        self._add(node.attributes.get("href"), via)

    def meta(self, node: LexborNode) -> None:
        if (node.attributes.get("http-equiv") or "").strip().lower() != "refresh":
            return
        found = _REFRESH.fullmatch(node.attributes.get("content") or "")
        if found is not None:
            text = found[2].partition(found[1])[0] if found[1] else found[2]
            self._add(text, Via.REFRESH)

    def _assets(self, node: LexborNode, tag: str) -> None:
        attributes = node.attributes
        for name, via in _SOURCES.get(tag, ()):
            self._add(attributes.get(name), via)
        texts = attributes.get(_SETS.get(tag, "srcset")) if tag in _SETS else None
        for text in srcset.urls_of(texts or ""):
            self._add(text, Via.IMAGE)
        self._add(attributes.get("background"), Via.IMAGE)
        styles = node.text() if tag == "style" else attributes.get("style")
        for text in css.urls_of(styles or ""):
            self._add(text, Via.CSS)

    def _add(self, text: str | None, via: Via) -> None:
        # An attribute without a value is None, too; an empty one means the page itself.
        if text and text[0] != "#":
            self._texts.append(text)
            self._kinds.append((via, False))


_HANDLERS: Final[dict[str, Callable[[_Reader, LexborNode], None]]] = {
    "area": _Reader.area,
    "iframe": _Reader.frame,
    "frame": _Reader.frame,
    "link": _Reader.link,
    "meta": _Reader.meta,
}


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


def _output_encoding(encoding: str) -> str:
    """URLs of pages in UTF-16 are in UTF-8."""
    return charset.UTF8 if encoding.startswith("utf-16") else encoding
