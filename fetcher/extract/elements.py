"""Parses a page and finds its elements; the only file that knows the parser, selectolax.

The parser builds the tree that a browser without scripts has. <template> holds no elements;
<noscript> does. https://html.spec.whatwg.org/multipage/
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from selectolax.lexbor import LexborDocumentOptions, LexborHTMLParser, LexborNode

Node = LexborNode
Attributes = dict[str, str | None]  # of a node; None: an attribute without a value

# Elements that stand in the heads of most pages, and the attributes of which they need one.
_OF_HEAD: Final = {
    "link": frozenset({"href"}),
    "meta": frozenset({"http-equiv", "name"}),
    "base": frozenset({"href"}),
}
_OF_BODY: Final = ("a", "area", "iframe", "frame")  # that no head has
_LINKS: Final = ",".join(
    (*_OF_BODY, *(f"{tag}[{name}]" for tag, names in _OF_HEAD.items() for name in names))
)
# The tree of a longer page is not in the processor's cache when the next search walks it.
_MOST_SEARCHED_BYTES: Final = 32 * 1024
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
        self.nodes: list[Node] = []
        self.tags: list[str] = []  # of the nodes
        if assets:
            self._select(f"{_LINKS},{_ASSETS}")
        elif len(page) > _MOST_SEARCHED_BYTES:
            self._select(_LINKS)
        else:
            self._search()

    def _select(self, query: str) -> None:
        """Add the elements of a query, which tells in which order they are."""
        nodes = self._tree.css(query)
        self.nodes += nodes
        self.tags += [node.tag or "" for node in nodes]

    def _search(self) -> None:
        """As `_select(_LINKS)`, which takes twice as long as to search for each name."""
        tree = self._tree
        of_head = [nodes for tag in _OF_HEAD if (nodes := tree.tags(tag))]
        if not all(_is_in_head(nodes[-1]) for nodes in of_head):
            self._select(_LINKS)
            return
        if of_head and tree.head is not None:
            self._walk(tree.head)
        of_body = {tag: nodes for tag in _OF_BODY if (nodes := tree.tags(tag))}
        if len(of_body) > 1:
            self._select(",".join(of_body))
            return
        for tag, nodes in of_body.items():
            self.nodes += nodes
            self.tags += [tag] * len(nodes)

    def _walk(self, head: Node) -> None:
        """Add what the head of the page has."""
        for node in head.traverse():
            tag = node.tag
            if tag in _OF_HEAD and not _OF_HEAD[tag].isdisjoint(node.attributes):
                self.nodes.append(node)
                self.tags.append(tag)

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


def _is_in_head(node: Node) -> bool:
    return any(parent.tag == "head" for parent in _parents(node))


def _parents(node: Node) -> Iterator[Node]:
    parent = node.parent
    while parent is not None:
        yield parent
        parent = parent.parent
