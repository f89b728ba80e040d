"""Parses a page and finds its elements; the only file that knows the parser, turbohtml.

The parser builds the tree that a browser without scripts has. <template> holds no elements;
<noscript> does. https://html.spec.whatwg.org/multipage/
"""

from __future__ import annotations

from typing import Final, cast

from turbohtml import Document, Element, IncrementalParser, Namespace, parse

Node = Element

_OF_HEAD: Final = frozenset({"base", "link", "meta"})  # elements that stand in most pages' heads
_LINKS: Final = r"a[href],a[xlink\:href],area,iframe,frame,base,link,meta"
_OTHERS: Final = (*_OF_HEAD, "area", "iframe", "frame", "template")
_MORE_THAN_HREF: Final = r"a[rel],a[xlink\:href]"
_HREFS: Final = "//a/@href"
_MOST_BYTES: Final = 64 * 1024 * 1024  # of the hrefs that are taken at once
_WIDEST: Final = 4  # bytes of each character of a text that has an emoji, or a reference to one
# Half of a page may be one href, and the rest the shortest tags, at each of which the parser copies
# the <a>.
_MOST_COPIED: Final = 1 / (4 * len("<p>"))  # of the square of the page's characters
_PIECE_CHARS: Final = 64 * 1024  # take the parser a few milliseconds
_ASSETS: Final = (
    "img,source,script[src],video,audio[src],track[src],embed[src],object[data],input[src],"
    "image,use,style,[style],[background]"
)


class Elements:
    """The elements of a page that may hold links or say how they are read, in the page's order.

    `nodes` are the elements, `tags` their names. `hrefs` are the links of all <a>, where these are
    plain: they follow all other elements and have no rel; then `nodes` has no <a>. Nearly all links
    of most pages are read so, without an object for each.
    """

    def __init__(self, page: str, *, assets: bool) -> None:
        """`assets`: whether elements that hold only these are wanted, too."""
        self._tree = _tree_of(page)
        self.hrefs: list[str] = []
        if not assets:
            self.nodes = list(self._tree.iter_elements(_OTHERS))
            self.tags = [node.tag for node in self.nodes]
            if self._are_plain() and (hrefs := self._hrefs(page)) is not None:
                self.hrefs = hrefs
                return
        self.nodes = self._outside_templates(f"{_LINKS},{_ASSETS}" if assets else _LINKS)
        self.tags = [node.tag for node in self.nodes]

    def of(self, tag: str) -> list[Node]:
        """Those with this tag, but for <a>."""
        if tag not in self.tags:
            return []
        return [node for node, name in zip(self.nodes, self.tags, strict=True) if name == tag]

    def title(self) -> str | None:
        """The text of the first <title>; one in <svg> is a tool tip."""
        titles = self._outside_templates("title")
        return next((node.text for node in titles if is_html(node)), None)

    def _are_plain(self) -> bool:
        """Whether the <a> are plain; `nodes` are the other elements."""
        return (
            _OF_HEAD.issuperset(self.tags)
            and (not self.nodes or _is_in_head(self.nodes[-1]))
            and self._tree.select_one(_MORE_THAN_HREF) is None
        )

    def _hrefs(self, page: str) -> list[str] | None:
        """The hrefs of all <a>; None if they are longer than the page.

        The parser copies an <a> that is not closed: one long href may be in the tree a thousand
        times.
        """
        char_bytes = 1 if page.isascii() and "&" not in page else _WIDEST
        page_chars = len(page)
        page_bytes = page_chars * char_bytes
        is_short = page_chars * page_bytes * _MOST_COPIED <= _MOST_BYTES
        links = [] if is_short else self._tree.select("a")
        if len(links) * page_bytes <= _MOST_BYTES:
            return cast("list[str]", self._tree.xpath(_HREFS))
        hrefs: list[str] = []
        for link in links:
            href = link.attr("href")
            if href is not None:
                hrefs.append(href)
                page_chars -= len(href)
                if page_chars < 0:
                    return None
        return hrefs

    def _outside_templates(self, selector: str) -> list[Node]:
        """The elements in the document, but for those in the content of a <template>."""
        nodes = self._tree.select(selector)
        if self._tree.find("template") is None:
            return nodes
        # By template, as a look at the ancestors of each node takes quadratic time.
        inside: set[Node] = set()
        for template in self._tree.select("template"):
            if is_html(template) and template not in inside:
                inside.update(template.select(f"{selector},template"))
        return [node for node in nodes if node not in inside]


def is_html(node: Node) -> bool:
    """Whether this is an element of HTML; <base>, <title> and others in <svg> are not."""
    return node.namespace is Namespace.HTML


def _tree_of(page: str) -> Document:
    if len(page) <= _PIECE_CHARS:
        return parse(page, positions=False)
    # The parser keeps the interpreter's lock: other threads run between two pieces.
    parser = IncrementalParser(positions=False)
    for start in range(0, len(page), _PIECE_CHARS):
        parser.feed(page[start : start + _PIECE_CHARS])
    return parser.close()


def _is_in_head(node: Node) -> bool:
    parent = node.parent
    return isinstance(parent, Element) and parent.tag == "head"
