"""A link on its way from a page to the log, and its kind.

A worker sends all http(s) links of a page, each key once, in the order of the page.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

import msgspec

from fetcher.model import Fault


class Via(enum.StrEnum):
    """Where a link was found."""

    SEED = "seed"
    REDIRECT = "redirect"
    SITEMAP = "sitemap"  # the link leads to a sitemap, whether from robots.txt or an index
    LISTED = "listed"  # a page that a sitemap or a feed lists
    HANDLER = "handler"
    A = "a"
    AREA = "area"
    FRAME = "frame"
    IFRAME = "iframe"
    REFRESH = "refresh"
    CANONICAL = "canonical"
    NEXT = "next"
    PREV = "prev"
    ALTERNATE = "alternate"
    # assets
    IMAGE = "image"
    SCRIPT = "script"
    STYLESHEET = "stylesheet"
    ICON = "icon"
    PRELOAD = "preload"
    MEDIA = "media"
    EMBED = "embed"
    CSS = "css"


ASSETS: Final = frozenset(
    {
        Via.IMAGE,
        Via.SCRIPT,
        Via.STYLESHEET,
        Via.ICON,
        Via.PRELOAD,
        Via.MEDIA,
        Via.EMBED,
        Via.CSS,
    }
)
# A redirect stands for its finder, and an asset or a sitemap is part of it: they have its depth.
SAME_DEPTH: Final = ASSETS | {Via.REDIRECT, Via.SITEMAP}
FROM_SITEMAPS: Final = frozenset({Via.SITEMAP, Via.LISTED})
# The limit of the sitemap protocol. A page has its own, CrawlRules.links_per_page.
LINKS_PER_SITEMAP: Final = 50_000

# Of one link, with its headers and its body: a character takes up to 6 bytes of the log, and a line
# of the log must fit into a message.
MAX_LINK_CHARS: Final = 512 * 1024


# The byte of each kind in the links' file, which never changes: new kinds go to the end. 0:
# another kind.
_NUMBERS: Final = {
    str(via): number
    for number, via in enumerate(
        (
            *(Via.SEED, Via.REDIRECT, Via.SITEMAP, Via.LISTED, Via.HANDLER, Via.A, Via.AREA),
            *(Via.FRAME, Via.IFRAME, Via.REFRESH, Via.CANONICAL, Via.NEXT, Via.PREV),
            *(Via.ALTERNATE, Via.IMAGE, Via.SCRIPT, Via.STYLESHEET, Via.ICON, Via.PRELOAD),
            *(Via.MEDIA, Via.EMBED, Via.CSS),
        ),
        start=1,
    )
}
_KINDS: Final = {number: via for via, number in _NUMBERS.items()}
KNOWN_KINDS: Final = bytes(_KINDS)  # a byte of each


def kind_number(kind: str) -> int:
    """The byte of a kind."""
    return _NUMBERS.get(kind, 0)


def packed_kinds(kinds: Sequence[str]) -> bytes:
    """A byte for each of these kinds; one in all if they are the same."""
    if kinds and kinds.count(kinds[0]) == len(kinds):
        kinds = kinds[:1]
    return bytes(map(kind_number, kinds))


def are_kinds(data: bytes) -> bool:
    """Whether each byte is that of a known kind."""
    return not data.translate(None, KNOWN_KINDS)


def unpacked_kinds(data: bytes, count: int) -> list[str | None]:
    """The kinds of so many links; None: unknown, as where nothing was packed.

    Raises ValueError if they are not so many.
    """
    if len(data) not in (0, 1, count):
        raise ValueError(f"{len(data)} kinds of {count} links")
    kinds = [_KINDS.get(number) for number in data or b"\0"]
    return kinds * count if len(kinds) < count else kinds[:count]


class OneKind(Mapping[str, Via]):
    """Links of one kind, and for each of them this kind, as one text.

    So the links of most pages travel: no object is made of each.
    """

    __slots__ = ("_each", "count", "text", "via")

    def __init__(self, text: str, count: int, via: Via) -> None:
        """`text`: the URL of each link, with a line feed after it; all differ."""
        self.text = text
        self.count = count
        self.via = via
        self._each: dict[str, Via] | None = None  # made where somebody looks at one of them

    @property
    def each(self) -> dict[str, Via]:
        """The links one by one."""
        if self._each is None:
            self._each = dict.fromkeys(self.text.split("\n")[:-1], self.via)
        return self._each

    def __len__(self) -> int:
        return self.count

    def __iter__(self) -> Iterator[str]:
        return iter(self.each)

    def __getitem__(self, url: str) -> Via:
        return self.each[url]


class LinkRequest(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """The request that a handler asks for, where it is not a plain GET."""

    method: str = "GET"
    route: str = ""
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes | None = None
    id: str | int | None = None


class FaultyRequest(LinkRequest, frozen=True, array_like=True, gc=False):
    """In place of the request of a seed whose line is wrong: nothing is sent for it."""

    fault: Fault = Fault("", "")


class Link(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A link as a worker sends it. `via` is a Via; text, because a peer may send anything."""

    url: str
    via: str = "a"
    key: str = ""  # its key text where that differs from `url`
    priority: int = 0
    request: LinkRequest | None = None


def encoded(texts: Iterable[str]) -> list[bytes]:
    """URLs or key texts in UTF-8; half a character, which only a faulty worker sends, may pass."""
    return [text.encode("utf-8", "surrogatepass") for text in texts]


def link_chars(link: Link) -> int:
    """The size of a link: the characters of its texts, and the bytes of its body."""
    request = link.request
    if request is None:
        return len(link.url)
    headers = sum(len(name) + len(text) for name, text in request.headers)
    texts = len(link.url) + len(request.route) + len(str(request.id))
    return texts + headers + len(request.body or b"")
