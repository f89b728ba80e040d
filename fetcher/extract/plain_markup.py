"""Finds the elements that may hold links in pages of plain markup, without the parser's tree.

In such a page each of these tags is an element of the tree, in the same order. A page with anything
else needs the tree: <template>, <base>, frames, links in a table but outside its cells, tags in
upper case, text that looks like a tag. If formatting elements overlap, the tree has copies of an
<a>, which are the same link once more.
https://html.spec.whatwg.org/multipage/parsing.html
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

_SPACE: Final = r"[\t\n\f\r ]"
_NAME: Final = r"""[^\s"'<>=/]++"""
_VALUE: Final = r"""(?:"[^"<>]*+"|'[^'<>]*+'|[^\s"'<>=`]++)"""
_END: Final = rf"{_SPACE}*+/?+>"
_ATTRIBUTES: Final = rf"(?:{_SPACE}++{_NAME}(?:={_VALUE})?+)*+"
# Attributes that do not change how an <a> is read whose href was found, or is yet to be found.
_AFTER_HREF: Final = rf"(?:{_SPACE}++(?!(?i:rel)){_NAME}(?:={_VALUE})?+)*+"
_BEFORE_HREF: Final = rf"(?:{_SPACE}++(?!(?i:rel|href)){_NAME}(?:={_VALUE})?+)*+"
# A text whose only character reference is &amp;. In an attribute, &name= is none.
_PLAIN_CHARS: Final = r"""(?:[^"<>&\r\0]++|&(?:amp;|[A-Za-z0-9]++=))*+"""
_IS_READ: Final = r"(?:a|area|link|meta)(?=[\s>])"
_IFRAME: Final = rf"<iframe{_ATTRIBUTES}{_SPACE}*+>(?=[^<]*+</iframe>)"
# Elements that are matched below in a way of their own, or not at all.
_SPECIAL: Final = (
    r"a[\s/>]|area|base[\s/>]|col[\s/>]|colgroup|frame|i(?:frame|mage)|link|m(?:ath|eta)"
    r"|no(?:embed|frames)|plaintext|s(?:cript|elect|tyle|vg)"
    r"|t(?:able|body|emplate|extarea|foot|head|itle|r[\s/>])|xmp"
)
# Names in mixed case that drawings have.
_DRAWN: Final = r"(?:clipPath|linearGradient|radialGradient|textPath)"
_TAG: Final = rf"(?:(?!{_SPECIAL})[a-z][a-z0-9-]*+|{_DRAWN}){_ATTRIBUTES}{_END}"
_END_TAG: Final = (
    rf"/(?!(?:caption|colgroup|t(?:body|d|foot|h|head|r))[\s/>])(?:[a-z][a-z0-9-]*+|{_DRAWN})"
    rf"{_SPACE}*+>"
)
_COMMENT: Final = r"!--(?!-?>)(?:[^-]++|-(?!->|-!>))*+-->"
# Of a table, only what is in its cells may hold links: the tree moves all else out of the table.
_IN_TABLE: Final = (
    rf"(?:(?:col|colgroup|t(?:able|body|foot|head|r)){_ATTRIBUTES}{_END}"
    rf"|/(?:caption|colgroup|t(?:body|d|foot|h|head|r)){_SPACE}*+>)(?:{_SPACE}++|<{_COMMENT})*+"
    r"(?=<(?:/table|/?(?:caption|col|colgroup|t(?:body|d|foot|h|head|r)))[\s/>])"
)
_OPTIONS: Final = (
    rf"select{_ATTRIBUTES}{_SPACE}*+>(?:[^<]++|<(?:/(?:option|optgroup){_SPACE}*+>"
    rf"|(?:option|optgroup){_ATTRIBUTES}{_END}))*+</select{_SPACE}*+>"
)
# In a drawing, scripts are read as markup.
_DRAWING: Final = (
    rf"svg{_ATTRIBUTES}{_SPACE}*+>"
    r"(?=(?:[^<]++|<(?!(?i:/?svg|/?script|/?style|desc|foreignobject)))*+</svg>)"
)


def _text_in(name: str) -> str:
    """An element whose content holds no tags."""
    end = rf"(?:[^<]++|<(?!(?i:/?{name})))*+</{name}{_SPACE}*+>"
    return rf"{name}{_ATTRIBUTES}{_SPACE}*+>{end}"


_TEXTS: Final = "|".join(map(_text_in, ("title", "style", "script", "textarea")))
# All up to the next element that is read.
_SKIPPED: Final = (
    rf"[^<]*+(?:<(?:{_END_TAG}|{_TAG}|{_IN_TABLE}|{_TEXTS}|{_COMMENT}|{_OPTIONS}|{_DRAWING})"
    r"[^<]*+)*+"
)
# Then the href of an <a>, or a tag; or the first character of the rest, if the page is not plain.
_ELEMENT: Final = re.compile(
    rf"""{_SKIPPED}(?:<a{_BEFORE_HREF}{_SPACE}++href="({_PLAIN_CHARS})"{_AFTER_HREF}{_END}"""
    rf"|(<{_IS_READ}{_ATTRIBUTES}{_END}|{_IFRAME})|(?s:(.).*+)|\Z)"
)
_BEGIN: Final = re.compile(
    rf"{_SPACE}*+(?:<\?xml[^<>]*+>{_SPACE}*+)?+(?:<{_COMMENT}{_SPACE}*+)*+"
    r"""<!(?i:doctype)(?:[^<>"']++|"[^"<>]*+"|'[^'<>]*+')*+>"""
)
_ATTRIBUTE: Final = re.compile(
    rf"""{_SPACE}++({_NAME})(?:=(?:"([^"<>]*+)"|'([^'<>]*+)'|([^\s"'<>=`]++)))?+"""
)
_TAG_NAME: Final = re.compile(r"[a-z]++")
_PLAIN_TAG: Final = re.compile(r"(?:[^&\r\0]++|&(?:amp;|[A-Za-z0-9]++=))*+")


class Element(NamedTuple):
    """An element that may hold a link, or say how links are read."""

    tag: str
    attributes: dict[str, str | None]  # None: without a value


def elements(page: str) -> list[str | Element] | None:
    """The elements a, area, iframe, link and meta in the tree's order; None: a tree is needed.

    A text stands for an <a> with this href, whose other attributes do not matter.
    """
    begin = _BEGIN.match(page)
    found: list[str | Element] = []
    for href, tag, rest in _ELEMENT.findall(page, begin.end() if begin else 0):
        if href:
            found.append(href.replace("&amp;", "&") if "&" in href else href)
        elif rest or (tag and not _PLAIN_TAG.fullmatch(tag)):
            return None
        elif tag:
            found.append(_element(tag))
    return found


def _element(tag: str) -> Element:
    name = _TAG_NAME.match(tag, 1)
    assert name is not None
    attributes: dict[str, str | None] = {}
    for found in _ATTRIBUTE.finditer(tag, name.end()):
        key, value = found[1], next((each for each in found.groups()[1:] if each is not None), None)
        text = value.replace("&amp;", "&") if value else value
        attributes.setdefault(key.lower() if key.isascii() else key, text)
    return Element(name[0], attributes)
