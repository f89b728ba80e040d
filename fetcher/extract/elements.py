"""Parses a page and finds its elements; the only file that knows the parser, selectolax.

The parser builds the tree that a browser without scripts has. <template> holds no elements;
<noscript> does. https://html.spec.whatwg.org/multipage/
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from selectolax.lexbor import LexborDocumentOptions, LexborHTMLParser, LexborNode

Node = LexborNode

# One query costs as much as a walk over all elements, or a search for seven names.
_LINKS: Final = "a,area,iframe,frame,link[href],meta[http-equiv],meta[name],base[href]"
_ASSETS: Final = (
    "img,source,script[src],video,audio[src],track[src],embed[src],object[data],input[src],"
    "image,use,style,[style],[background]"
)


class Elements:
    """The elements of a page that may hold links or say how they are read, in the page's order.

    An element may be there more than once.
    """

    def __init__(self, page: bytes, *, assets: bool) -> None:
        """`page`: in UTF-8; `assets`: whether elements that hold only these are wanted, too."""
        # Without events, <selectedcontent> does not copy each <option> again.
        self._tree = LexborHTMLParser(page, options=LexborDocumentOptions.WO_EVENTS)
        self.nodes = self._tree.css(f"{_LINKS},{_ASSETS}" if assets else _LINKS)
        self.tags = [node.tag or "" for node in self.nodes]

    def of(self, tag: str) -> Iterator[Node]:
        """Those with this tag."""
        if tag in self.tags:  # a search of the whole list is faster than a look at each
            yield from (
                node for node, name in zip(self.nodes, self.tags, strict=True) if name == tag
            )

    def title(self) -> str | None:
        """The text of the first <title>; one in <svg> is a tool tip."""
        for node in self._tree.tags("title"):
            if all(parent.tag != "svg" for parent in _parents(node)):
                return node.text()
        return None


def _parents(node: Node) -> Iterator[Node]:
    parent = node.parent
    while parent is not None:
        yield parent
        parent = parent.parent
