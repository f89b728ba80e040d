"""Decides how much of a page may be parsed, so that hostile markup costs bounded time and memory.

The parser builds a browser's tree in time that grows with the page's length, apart from two things
that the HTML standard asks for. Open <b>, <font> … are copied into what follows; and the attributes
of each <html> and <body> are added to one element. This module counts both by tags alone, and cuts
the page where a limit is passed. The limits are far above what real pages have. The count is an
estimate: a page made to evade it can still be slow, and ends its worker as any page does that
hangs.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from typing import Final

import re2

MAX_TAGS: Final = 1_000_000  # of about 100 bytes of the parser's memory
MAX_COPIES: Final = 1_000_000  # of open formatting elements: 50 ms, 40 MB
MAX_ROOT_ATTRIBUTES: Final = 2000  # of all <html> and <body>: 50 ms, 50 MB

_SHORT_BYTES: Final = 20 * 1024  # of attributes of roots alone: 130 ms, 100 MB
_QUICK_BYTES: Final = 128 * 1024  # of the worst markup that was found: 50 to 100 ms
# RE2 jumps from one < to the next: a third of the time of `re`.
_ROOT_TAG: Final = re2.compile(rb"<(?i:html|body)[\s/]")
_ATTRIBUTE: Final = re.compile(
    rb"[\s/]*+(?:=?[^\s/>=]++)(?:\s*+=\s*+(?:\"[^\"]*+\"?|'[^']*+'?|[^\s>\"'][^\s>]*+)?+)?+"
)
# The parser copies <a> and <nobr>, too, but each of these ends the one before.
_FORMATTING: Final = b"b big code em font i s small strike strong tt u".split()
_NAMES: Final = b"|".join(_FORMATTING)
_FORMATTING_TAG: Final = re.compile(rb"<(/?)(%s)(?=[\s/>])[^>]*+" % _NAMES, re.IGNORECASE)
# By first letters, because most tags have others: twice as fast.
_OPENED: Final = re.compile(
    rb"<(?=[bcefistuBCEFISTU])(?:%s)(?=[\s/>])[^>]*+" % _NAMES, re.IGNORECASE
)
_SAME_COPIES: Final = 3  # equal formatting elements of which the parser keeps so many
# So few tags make few copies, whatever they are.
_FEW_TAGS: Final = math.isqrt(MAX_COPIES // _SAME_COPIES)


def is_quick(body: bytes) -> bool:
    """Whether a page, whatever it holds, is parsed within about a tenth of a second."""
    return len(body) <= _QUICK_BYTES


def safe_bytes(page: bytes) -> int:
    """The length of the beginning of this page that may be parsed.

    The page is in an encoding that has ASCII's characters as single bytes.
    """
    if len(page) > _SHORT_BYTES:
        page = page[: _before_root_attributes(page)]
    if _has_few_tags(page):  # as most pages
        return len(page)
    tags = page.count(b"<")
    if tags > MAX_TAGS:
        page, tags = page[: _place_after(MAX_TAGS, page, 0)], MAX_TAGS
    return len(page) if _has_few_copies(page, tags) else _before_copies(page)


def _has_few_tags(page: bytes) -> bool:
    # To take them out is faster than bytes.count, which looks at each byte by itself.
    return len(page) - len(page.replace(b"<", b"", _FEW_TAGS + 1)) <= _FEW_TAGS


def _has_few_copies(page: bytes, tags: int) -> bool:
    """Whether the copies are few even if all formatting elements are open at each tag."""
    most = MAX_COPIES // tags // _SAME_COPIES  # different formatting elements
    return tags - page.count(b"</") <= most or len(set(_OPENED.findall(page))) <= most


def _place_after(tags: int, page: bytes, start: int) -> int:
    """Where the tag begins that follows so many tags, or the end of the page."""
    parts = page[start:].split(b"<", tags + 1)
    return len(page) if len(parts) <= tags + 1 else len(page) - len(parts[-1]) - 1


def _before_root_attributes(page: bytes) -> int:
    """Where the tag begins that adds too many attributes, or the end."""
    room = MAX_ROOT_ATTRIBUTES
    for tag in _ROOT_TAG.finditer(page):
        position = tag.end()
        while room >= 0 and (attribute := _ATTRIBUTE.match(page, position)) is not None:
            position, room = attribute.end(), room - 1
        if room < 0:
            start: int = tag.start()
            return start
    return len(page)


def _before_copies(page: bytes) -> int:
    """Where the parser would have made too many copies, or the end.

    At each tag it may copy all formatting elements that are open.
    """
    opened: dict[bytes, list[bytes]] = {}  # tags by their names
    kept: Counter[bytes] = Counter()  # how often each tag is open
    copied = 0  # the elements that are copied at each tag
    room, position = MAX_COPIES, 0
    for found in _FORMATTING_TAG.finditer(page):
        if copied:
            tags = page.count(b"<", position, found.start())
            if copied * tags > room:
                break
            room -= copied * tags
        position = found.start()
        tag, name = found[0], found[2].lower()
        if not found[1]:
            opened.setdefault(name, []).append(tag)
            kept[tag] += 1
            copied += kept[tag] <= _SAME_COPIES
        elif opened.get(name):
            tag = opened[name].pop()
            copied -= kept[tag] <= _SAME_COPIES
            kept[tag] -= 1
    return _place_after(room // copied, page, position) if copied else len(page)
