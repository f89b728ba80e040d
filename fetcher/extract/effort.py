"""Decides how much of a page may be parsed, so that hostile markup costs bounded time and memory.

The parser builds a browser's tree. Its time grows with the square of the nesting, of the attributes
of one tag and of open <b>, <font> …, which it may also copy without bound. This module counts them
by tags alone, in linear time, and cuts the page where a limit is passed. The limits are far above
what real pages have. The count is an estimate: a page made to evade it can still be slow, and ends
its worker as any page does that hangs.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from itertools import islice
from typing import Final

from fetcher.extract import nesting

MAX_TAGS: Final = 400_000  # of 250 to 400 bytes of the parser's memory
MAX_ATTRIBUTES: Final = 2000  # of one element
MAX_STEPS: Final = 100_000_000  # tags times open elements, pairs of attributes: up to a second
MAX_COPIES: Final = 1_000_000  # of open formatting elements: 200 MB of memory, at worst

# Of a page that may be one tag: the attributes that fit into it take a tenth of a second.
_HARMLESS_BYTES: Final = 32 * 1024
_QUICK_BYTES: Final = 256 * 1024
_QUICK_STEPS: Final = 30_000_000  # up to a tenth of a second
_LONG_TAG_BYTES: Final = 4096
_SHORT_TAG_BYTES: Final = 256  # the attributes of a tag that is not longer are not counted
_LONGER_TAG: Final = re.compile(rb"<[A-Za-z][^>]{%d,}+" % _SHORT_TAG_BYTES)
_LEAST_ATTRIBUTE_BYTES: Final = 2
_LONG_TAG: Final = re.compile(rb"<[A-Za-z][^>]{%d}" % _LONG_TAG_BYTES)
# An attribute whose value holds a >, so that the tag is longer than it looks.
_HIDDEN_END: Final = re.compile(rb"=\s*+(?:\"[^\">]*+>|'[^'>]*+>)")
_MAX_HIDDEN_ENDS: Final = 10
_ATTRIBUTE: Final = (
    rb"[\s/]*+(?:=?[^\s/>=]++)(?:\s*+=\s*+(?:\"[^\"]*+\"?|'[^']*+'?|[^\s>\"'][^\s>]*+)?+)?+"
)
_ATTRIBUTES: Final = re.compile(_ATTRIBUTE)
_TOKEN: Final = re.compile(
    rb"<(?:!--(?:-?>|.*?(?:--!?>|\Z))|(?P<end>/?)(?P<name>[A-Za-z][^\s/>]*+)(?:%s)*+)" % _ATTRIBUTE,
    re.DOTALL,
)
_NO_CONTENT: Final = frozenset(
    b"area base br col embed hr img input link meta param source track wbr".split()
)
# Their end is implied by the next of their kind or by their parent's end.
_IMPLIED: Final = frozenset(
    b"html head body a nobr p li dd dt tr td th thead tbody tfoot option".split()
)
_FORMATTING: Final = frozenset(
    b"b big code em font i s small strike strong tt u".split()
)  # and <a> and <nobr>, which end the one before
# The names by their first letters, because most tags have others: twice as fast.
_FORMATTING_TAG: Final = re.compile(
    rb"<(?=[bcefistu])(?:b(?:ig)?|code|em|font|i|s(?:mall|trike|trong)?|tt|u)(?=[\s/>])[^>]*+",
    re.IGNORECASE,
)
_ROOTS: Final = frozenset({b"html", b"body"})  # each tag adds its attributes to the one element
_ROOT_TAG: Final = re.compile(rb"<(?:html|body)[\s/]", re.IGNORECASE)
_MAX_ROOT_TAGS: Final = 4
# Their content holds no tags.
_RAW_TEXT: Final = {
    name: re.compile(rb"</%s(?=[\s/>])" % name, re.IGNORECASE)
    for name in b"script style textarea title xmp iframe noembed noframes".split()
}
_SAME_COPIES: Final = 3  # equal formatting elements of which the parser keeps so many
# So many tags pass no limit, whatever they are: MAX_COPIES is less than MAX_STEPS.
_FEW_TAGS: Final = math.isqrt(MAX_COPIES // _SAME_COPIES)


def is_quick(body: bytes) -> bool:
    """Whether the page, whatever it holds, is read within about a tenth of a second."""
    if len(body) <= _HARMLESS_BYTES:
        return True
    if len(body) > _QUICK_BYTES or _may_have_costly_tags(body):
        return False
    return _most_steps(body.count(b"<"), body.count(b"</")) <= _QUICK_STEPS


def safe_bytes(page: bytes, *, is_known_quick: bool = False) -> int:
    """The length of the beginning of this page (UTF-8) that may be parsed.

    `is_known_quick`: `is_quick` has said so of this page, so that less must be looked at.
    """
    return len(page) if _is_small(page, is_known_quick) else _Counter(page).count()


def _is_small(page: bytes, is_known_quick: bool) -> bool:
    """Whether the page cannot pass any limit, as most pages; counting costs more than parsing."""
    is_harmless = len(page) <= _HARMLESS_BYTES or is_known_quick
    if not is_harmless and _may_have_costly_tags(page):
        return False
    if _has_few(page, _FEW_TAGS):
        return True
    tags = page.count(b"<")
    if tags > MAX_TAGS:
        return False
    closed = page.count(b"</")
    copies = _SAME_COPIES * (tags - closed) * tags
    if _most_steps(tags, closed) <= MAX_STEPS and (
        copies <= MAX_COPIES or _most_formats(page) * tags <= MAX_COPIES
    ):
        return True
    rest = nesting.without_closed(page)
    # Formatting that was taken out is copied by its own content alone.
    return _most_open(rest) * tags <= MAX_STEPS and _most_formats(rest) * tags <= MAX_COPIES


def _has_few(page: bytes, most: int) -> bool:
    """Whether the page has at most so many tags."""
    # To take them out is faster than bytes.count, which looks at each byte by itself.
    return len(page) - len(page.replace(b"<", b"", most + 1)) <= most


def _most_open(rest: bytes) -> int:
    """How many elements are open at once, if what is left of the page closes none."""
    names = Counter(nesting.opened(rest))
    for name in (*_NO_CONTENT, *_IMPLIED, *_RAW_TEXT):
        del names[name]
    return names.total() + nesting.ROUNDS


def _most_formats(page: bytes) -> int:
    """How many formatting elements the parser may copy at a tag."""
    return _SAME_COPIES * len(set(_FORMATTING_TAG.findall(page)))


def _most_steps(tags: int, closed: int) -> int:
    """The steps where all elements are opened before the first is closed."""
    opened = tags - closed
    return opened * (opened // 2 + closed)


def _may_have_costly_tags(page: bytes) -> bool:
    """Whether the attributes of one tag, or those of all, may cost too much."""
    if _has_long_tag(page) or _may_have_many_attributes(page):
        return True
    if len(_ROOT_TAG.findall(page)) > _MAX_ROOT_TAGS:
        return True
    hidden = islice(_HIDDEN_END.finditer(page), _MAX_HIDDEN_ENDS + 1)
    return sum(1 for _ in hidden) > _MAX_HIDDEN_ENDS


def _has_long_tag(page: bytes) -> bool:
    """Whether a tag has more bytes than usual."""
    step = _LONG_TAG_BYTES // 2
    start = 0
    # If each half of that length has a >, then no tag is so long, which is found without a pattern.
    while start < len(page):
        if page.find(b">", start, start + step) >= 0:
            start += step
            continue
        begin, end = page.rfind(b">", 0, start) + 1, page.find(b">", start)
        end = len(page) if end < 0 else end
        if _LONG_TAG.search(page, begin, end) is not None:
            return True
        start = end
    return False


def _may_have_many_attributes(page: bytes) -> bool:
    """Whether many tags that are not long may have so many attributes that they cost too much."""
    if _pairs(_LONG_TAG_BYTES // _LEAST_ATTRIBUTE_BYTES) * len(page) <= MAX_STEPS * _LONG_TAG_BYTES:
        return False
    tags = _LONGER_TAG.findall(page)
    return sum(_pairs(len(tag) // _LEAST_ATTRIBUTE_BYTES) for tag in tags) > MAX_STEPS


def _pairs(attributes: int) -> int:
    """The steps of the parser for one tag: it compares each attribute with those before."""
    return attributes * attributes // 2


class _Counter:
    def __init__(self, page: bytes) -> None:
        self._page = page
        self._tags = 0
        self._open: dict[bytes, int] = {}
        self._depth = 0  # elements that are open
        self._steps = 0
        self._formats: dict[bytes, list[bytes]] = {}  # open formatting tags by name
        self._kept: dict[bytes, int] = {}  # how often each is open
        self._live = 0  # formatting elements that the parser would copy
        self._copies = 0
        self._root_attributes = 0

    def count(self) -> int:
        """Where a limit is passed, or the end."""
        page, position = self._page, 0
        while (token := _TOKEN.search(page, position)) is not None:
            position = token.end()
            name = token["name"]
            if name is None:
                continue
            name = name.lower()
            if self._has_many_attributes(name, token[0]):
                return token.start()
            if token["end"]:
                self._close(name)
            else:
                self._begin(name, token[0])
                if name in _RAW_TEXT:
                    position = self._after_text(name, position)
                if name == b"plaintext":
                    break
            self._steps += self._depth
            if self._is_passed():
                return token.start()
        return len(page)

    def _is_passed(self) -> bool:
        return self._steps > MAX_STEPS or self._copies > MAX_COPIES or self._tags > MAX_TAGS

    def _has_many_attributes(self, name: bytes, tag: bytes) -> bool:
        is_root = name in _ROOTS
        if len(tag) <= _SHORT_TAG_BYTES and not is_root:
            return False
        count = len(_ATTRIBUTES.findall(tag, 1 + len(name)))
        self._steps += _pairs(count)
        if is_root:
            count = self._root_attributes = self._root_attributes + count
        return count > MAX_ATTRIBUTES

    def _begin(self, name: bytes, tag: bytes) -> None:
        self._tags += 1
        self._copies += self._live
        if name in _NO_CONTENT or name in _IMPLIED or name in _RAW_TEXT:
            return
        self._open[name] = self._open.get(name, 0) + 1
        self._depth += 1
        if name in _FORMATTING:
            self._formats.setdefault(name, []).append(tag)
            kept = self._kept[tag] = self._kept.get(tag, 0) + 1
            self._live += kept <= _SAME_COPIES

    def _close(self, name: bytes) -> None:
        if not self._open.get(name):
            return
        self._open[name] -= 1
        self._depth -= 1
        if name in _FORMATTING:
            tag = self._formats[name].pop()
            self._kept[tag] -= 1
            self._live -= self._kept[tag] < _SAME_COPIES

    def _after_text(self, name: bytes, position: int) -> int:
        found = _RAW_TEXT[name].search(self._page, position)
        return found.end() if found else len(self._page)
