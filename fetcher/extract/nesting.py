"""Takes closed elements out of a page without a tree, so that those that may stay open are left.

An element that holds nothing but text is replaced by a space, again and again: little is left of
most pages after a few rounds. Both of its tags stand in text, or both in a comment, a script or a
value, because no < is between them. What is left is never less than what a parser has open.
"""

from __future__ import annotations

import re
from typing import Final

ROUNDS: Final = 6  # elements that are taken out within each other, at most
_VALUE: Final = rb"""(?:"[^"<>]*+"|'[^'<>]*+'|[^\s"'<>=`]++)"""
# Attributes that are read alike everywhere. Those of each <html> and <body> go to one element.
_CLOSED: Final = re.compile(
    rb"<(?!(?i:html|body)[\s/>])([A-Za-z][A-Za-z0-9-]*+)"
    rb"(?:\s++[A-Za-z][\w:.-]*+(?:=%s)?+)*+\s*+>[^<]*+</\1\s*+>" % _VALUE
)
_OPENED: Final = re.compile(rb"<([A-Za-z][^\s/>]*+)")
_FEW: Final = 1000  # one part in so many of the page's bytes


def without_closed(page: bytes) -> bytes:
    """The page without most of the elements that are closed where they should be."""
    for _ in range(ROUNDS):
        page, taken = _CLOSED.subn(b" ", page)
        if taken <= len(page) // _FEW:
            break
    return page


def opened(page: bytes) -> list[bytes]:
    """The names of all elements that this text opens, in lower case."""
    return [name.lower() for name in _OPENED.findall(page)]
