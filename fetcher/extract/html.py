"""Reads the links and the title of an HTML page: what the attributes of its elements mean."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from fetcher import web_urls
from fetcher.extract import charset, css, effort, robots_tags, srcset
from fetcher.extract.elements import Elements, Node
from fetcher.extract.found import Collector, Found, Kind
from fetcher.extract.resolving import Resolver
from fetcher.frontier.links import ASSETS, Via
from fetcher.frontier.rules import CrawlRules
from fetcher.frontier.totals import Refusal

MAX_TITLE_CHARS: Final = 500

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
    elements = Elements(page, assets=rules.assets)
    is_nofollow = rules.nofollow and (is_nofollow or _say_nofollow(elements, agent))
    collector = Collector(
        rules.links_per_page, rules.url_bytes, _FOLLOWED if is_nofollow else _NOTHING
    )
    resolver = Resolver(_base_of(elements, url), _output_encoding(encoding))
    _Reader(elements, resolver, rules, collector).read()
    return Found(
        links=collector.links(),
        left_out=collector.left_out(),
        title=_title_of(elements) if rules.title else None,
        is_cut=not is_whole,
        is_nofollow=is_nofollow,
        fault="" if is_whole else f"only the first {len(page)} bytes of the page were read",
    )


def _base_of(elements: Elements, url: str) -> str:
    """The base of the page's links: the first <base href>, if it is an http(s) URL."""
    node = next(elements.of("base"), None)
    text = node.attributes.get("href") if node is not None else None
    found = web_urls.resolved(url, text) if text else None
    return found if found is not None and found.startswith(("http://", "https://")) else url


def _say_nofollow(elements: Elements, agent: str) -> bool:
    """Whether a <meta> asks us not to follow the links of the page."""
    return any(
        robots_tags.is_nofollow(attributes["content"] or "")
        for attributes in (node.attributes for node in elements.of("meta"))
        if "content" in attributes and robots_tags.is_for_us(attributes.get("name") or "", agent)
    )


def _title_of(elements: Elements) -> str | None:
    title = elements.title()
    return None if title is None else " ".join(title.split())[:MAX_TITLE_CHARS]


class _Reader:
    """Takes the links of one page."""

    def __init__(
        self, elements: Elements, resolver: Resolver, rules: CrawlRules, collector: Collector
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
        # Local, because most elements of a page are <a>, and most of these have a plain href.
        texts, kinds, known, has_assets = self._texts, self._kinds, self._known, self._rules.assets
        nodes, tags = self._elements.nodes[start:end], self._elements.tags[start:end]
        for node, tag in zip(nodes, tags, strict=True):
            if tag == "a":
                attributes = node.attributes
                text = attributes.get("href")
                if text is None or "rel" in attributes:
                    self._add_anchor(attributes, _A)
                elif text and text not in known and text[0] != "#":
                    known.add(text)
                    texts.append(text)
                    kinds.append(_A)
            elif tag in _HANDLERS:
                _HANDLERS[tag](self, node)
            if has_assets:
                self._assets(node, tag)
        self._collector.add_all(self._resolver.urls(texts), kinds)
        self._texts, self._kinds = [], []

    def _add_anchor(self, attributes: dict[str, str | None], kind: Kind) -> None:
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

    def area(self, node: Node) -> None:
        self._add_anchor(node.attributes, _AREA)

    def frame(self, node: Node) -> None:
        self._add(node.attributes.get("src"), _FRAMES[node.tag or ""])

    def link(self, node: Node) -> None:
        words = (node.attributes.get("rel") or "").lower().split()
        via = next((via for word, via in _RELS if word in words), None)
        if via is None or (via in ASSETS and not self._rules.assets):
            return
        self._add(node.attributes.get("href"), via)

    def meta(self, node: Node) -> None:
        if (node.attributes.get("http-equiv") or "").strip().lower() != "refresh":
            return
        found = _REFRESH.fullmatch(node.attributes.get("content") or "")
        if found is not None:
            text = found[2].partition(found[1])[0] if found[1] else found[2]
            self._add(text, Via.REFRESH)

    def _assets(self, node: Node, tag: str) -> None:
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


_HANDLERS: Final[dict[str, Callable[[_Reader, Node], None]]] = {
    "area": _Reader.area,
    "iframe": _Reader.frame,
    "frame": _Reader.frame,
    "link": _Reader.link,
    "meta": _Reader.meta,
}


def _output_encoding(encoding: str) -> str:
    """URLs of pages in UTF-16 are in UTF-8."""
    return charset.UTF8 if encoding.startswith("utf-16") else encoding
