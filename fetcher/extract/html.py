"""Reads the links and the title of an HTML page: what the attributes of its elements mean."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from itertools import groupby
from typing import Final, TypeVar

from fetcher import web_urls
from fetcher.extract import charset, css, effort, robots_tags, srcset
from fetcher.extract.elements import Elements, Node, is_html
from fetcher.extract.found import Collector, Found, Kind
from fetcher.extract.resolving import Resolver
from fetcher.frontier.links import ASSETS, OneKind, Via
from fetcher.frontier.rules import CrawlRules
from fetcher.frontier.totals import Refusal

_T = TypeVar("_T")

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
# The parser copies formatting elements that are not closed, with all their attributes. Without
# copies, the attributes of a page are shorter than the page.
_COPIED_CHARS: Final = 1024 * 1024  # of copies' attributes
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
    part = body[: rules.parse_bytes]
    is_whole = len(part) == len(body)
    encoding = charset.encoding_of(part, content_type, is_whole)
    if encoding.startswith("utf-16"):  # the URLs of such pages are in UTF-8
        part, encoding = charset.decoded(part, encoding).encode(), charset.UTF8
    safe = effort.safe_bytes(part)
    if safe < len(part):
        is_whole, part = False, part[:safe]
    page = charset.decoded(part, encoding)
    elements = Elements(page, assets=rules.assets)
    is_nofollow = rules.nofollow and (is_nofollow or _say_nofollow(elements, agent))
    collector = Collector(
        rules.links_per_page, rules.url_bytes, _FOLLOWED if is_nofollow else _NOTHING
    )
    resolver = Resolver(_base_of(elements, url), encoding)
    reader = _Reader(
        elements,
        resolver,
        rules,
        collector,
        is_own_base=resolver.base == url.partition("#")[0],
        is_whole=is_whole,
        max_chars=len(page) + _COPIED_CHARS,
    )
    reader.read()
    fault = "" if is_whole else f"only the first {len(part)} bytes of the page were read"
    if reader.is_cut:
        is_whole, fault = False, "only the first were read: unclosed elements are too long"
    return Found(
        links=collector.links,
        left_out=collector.left_out,
        title=_title_of(elements) if rules.title else None,
        is_cut=not is_whole,
        is_nofollow=is_nofollow,
        fault=fault,
    )


def _base_of(elements: Elements, url: str) -> str:
    """The base of the page's links: the first <base href>, if it is an http(s) URL."""
    for node in elements.of("base"):
        text = node.attr("href") if is_html(node) else None
        if text is not None:
            found = (text and web_urls.resolved(url, text)) or url
            return found if found.startswith(("http://", "https://")) else url
    return url


def _say_nofollow(elements: Elements, agent: str) -> bool:
    """Whether a <meta> asks us not to follow the links of the page."""
    for node in elements.of("meta"):
        name = node.attr("name")
        is_for_us = name is not None and robots_tags.is_for_us(name, agent)
        if is_for_us and robots_tags.is_nofollow(node.attr("content") or ""):
            return True
    return False


def _title_of(elements: Elements) -> str | None:
    title = elements.title()
    return None if title is None else " ".join(title.split())[:MAX_TITLE_CHARS]


class _Reader:
    """Takes the links of one page; `is_cut`: not all, as there is too much text in attributes."""

    def __init__(
        self,
        elements: Elements,
        resolver: Resolver,
        rules: CrawlRules,
        collector: Collector,
        *,
        is_own_base: bool,
        is_whole: bool,
        max_chars: int,
    ) -> None:
        """`is_own_base`: the page itself is the base; `max_chars`: of attributes to read."""
        self.is_cut = False
        self._is_own_base = is_own_base
        # A page may have been cut within its last <style>: then the text of that ends too early.
        # Attributes need no such care, as the parser makes no element of a tag that was cut.
        styles = [] if is_whole else elements.of("style")
        self._last_style = styles[-1] if styles else None
        self._elements = elements
        self._resolver = resolver
        self._rules = rules
        self._collector = collector
        self._room_chars = max_chars
        self._known: set[str] = set()  # texts of <a> that were read
        self._known_styles: set[str] = set()
        # The links of the block that is read: their texts, and the kind of each.
        self._texts: list[str] = []
        self._kinds: list[Kind] = []

    def read(self) -> None:
        """Read all elements, block by block, up to the limit of links."""
        elements = self._elements
        for block in self._blocks(list(zip(elements.nodes, elements.tags, strict=True))):
            if self.is_cut:
                break
            self._add_elements(block)
            if self._texts:  # none on most pages whose <a> are plain
                urls = self._resolver.urls(self._texts)
                for kind, place in _runs(self._kinds):
                    self._collector.add_all(urls[place], kind)
                self._texts, self._kinds = [], []
        for hrefs in self._blocks(elements.hrefs):
            self._add_hrefs(hrefs)

    def _blocks(self, values: list[_T]) -> Iterable[list[_T]]:
        # Without assets an element is one link at most, so that no block passes the limit.
        if len(values) <= min(_BLOCK, self._collector.room):  # as those of most pages
            return (values,) if values else ()
        return self._parts(values)

    def _parts(self, values: list[_T]) -> Iterator[list[_T]]:
        start, count = 0, len(values)
        while start < count:
            end = min(count, start + min(_BLOCK, self._collector.room))
            if start == end:
                self._collector.leave_out(Refusal.LINKS_PER_PAGE, count - start)
                return
            yield values[start:end]
            start = end

    def _add_hrefs(self, hrefs: list[str]) -> None:
        """Add the links of plain <a>: nearly all links of most pages."""
        texts = list(dict.fromkeys(hrefs))  # many are repeated
        simple = self._resolver.simple_text(texts)
        if simple is not None:
            urls, most_chars = simple
            if self._collector.add_at_once(OneKind(urls, len(texts), Via.A), most_chars):
                return
        # Many lead to a place in the page.
        is_own_base = self._is_own_base
        wanted = [text for text in texts if not is_own_base or (text and text[0] != "#")]
        self._collector.add_all(self._resolver.urls(wanted), _A)

    def _add_elements(self, nodes: list[tuple[Node, str]]) -> None:
        has_assets = self._rules.assets
        for node, tag in nodes:
            if tag in _HANDLERS:
                _HANDLERS[tag](self, node)
            if has_assets:
                self._add_assets(node, tag)
            if self._room_chars < 0:
                self.is_cut = True
                return

    def _value(self, node: Node, name: str) -> str | None:
        text = node.attr(name)
        if text:
            self._room_chars -= len(text)
        return text

    def _add_anchor(self, node: Node, kind: Kind) -> None:
        text = node.attr("href")
        if text is None:
            text = node.attr("xlink:href")
        if text is None:
            return
        self._room_chars -= len(text)
        is_place = self._is_own_base and (not text or text[0] == "#")  # in the page
        if is_place or text in self._known:
            return
        rel = node.attr("rel") if self._rules.nofollow else None
        self._room_chars -= len(rel or "")
        if rel is not None and "nofollow" in rel.lower().split():
            kind = (kind[0], True)
        else:
            self._known.add(text)
        self._texts.append(text)
        self._kinds.append(kind)

    def a(self, node: Node) -> None:
        self._add_anchor(node, _A)

    def area(self, node: Node) -> None:
        self._add_anchor(node, _AREA)

    def iframe(self, node: Node) -> None:
        self._add(self._value(node, "src"), Via.IFRAME)

    def frame(self, node: Node) -> None:
        self._add(self._value(node, "src"), Via.FRAME)

    def link(self, node: Node) -> None:
        words = (self._value(node, "rel") or "").lower().split()
        via = next((via for word, via in _RELS if word in words), None)
        if via is None or (via in ASSETS and not self._rules.assets):
            return
        self._add(self._value(node, "href"), via)

    def meta(self, node: Node) -> None:
        if (self._value(node, "http-equiv") or "").strip().lower() != "refresh":
            return
        found = _REFRESH.fullmatch(self._value(node, "content") or "")
        if found is not None:
            text = found[2].partition(found[1])[0] if found[1] else found[2]
            self._add(text, Via.REFRESH)

    def _add_assets(self, node: Node, tag: str) -> None:
        for name, via in _SOURCES.get(tag, ()):
            self._add(self._value(node, name), via)
        texts = self._value(node, _SETS[tag]) if tag in _SETS else None
        for text in srcset.urls_of(texts or ""):
            self._add(text, Via.IMAGE)
        self._add(self._value(node, "background"), Via.IMAGE)
        styles = node.text if tag == "style" else self._value(node, "style")
        if styles and styles not in self._known_styles:
            self._known_styles.add(styles)
            for text in css.urls_of(styles, is_whole=node is not self._last_style):
                self._add(text, Via.CSS)

    def _add(self, text: str | None, via: Via) -> None:
        # An empty text means the page itself.
        if text and text[0] != "#":
            self._texts.append(text)
            self._kinds.append((via, False))


_HANDLERS: Final[dict[str, Callable[[_Reader, Node], None]]] = {
    "a": _Reader.a,
    "area": _Reader.area,
    "iframe": _Reader.iframe,
    "frame": _Reader.frame,
    "link": _Reader.link,
    "meta": _Reader.meta,
}


def _runs(values: list[_T]) -> Iterator[tuple[_T, slice]]:
    """The values, of equal ones that follow each other only one, and where each of them stands."""
    if values and values.count(values[0]) == len(values):  # as on most pages
        yield values[0], slice(len(values))
        return
    start = 0
    for value, equal in groupby(values):
        end = start + len(list(equal))
        yield value, slice(start, end)
        start = end
