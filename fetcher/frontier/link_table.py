"""The links of one row by columns: as they travel, and as the frontier reads them.

Most links have only a URL and a kind, and nobody looks at one of them alone: no object is made of
such a link.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import accumulate, chain
from typing import Final, NamedTuple, overload

from fetcher.frontier.links import (
    Link,
    LinkRequest,
    are_kinds,
    encoded,
    packed_kinds,
    unpacked_kinds,
)


class Rest(NamedTuple):
    """What a link may have beyond its URL and its kind; see Link."""

    key: str = ""
    priority: int = 0
    request: LinkRequest | None = None


_NOTHING: Final = Rest()


class LinkTable(Sequence[Link]):
    """A sequence of links that is not changed; it equals each sequence of the same links."""

    __slots__ = ("_urls", "kinds", "rest")

    def __init__(self, urls: list[bytes] | bytes, kinds: bytes, rest: Mapping[int, Rest]) -> None:
        """`urls`: in UTF-8, or as one text with a line feed after each.

        `kinds`: by links.packed_kinds; `rest`: of those links that have more, by their index.
        """
        self._urls = urls
        self.kinds = kinds
        self.rest = rest

    @property
    def urls(self) -> list[bytes]:
        """The URLs in UTF-8. Those of a text are made anew each time: ask once for all links.

        Most are needed once, and those of a hundred rows would not fit into the CPU's caches.
        """
        urls = self._urls
        if isinstance(urls, bytes):
            urls = urls.split(b"\n")
            urls.pop()  # what follows the last line feed
        return urls

    @classmethod
    def of(cls, links: Sequence[Link]) -> LinkTable:
        """These links as a table; an unknown kind becomes ""."""
        if isinstance(links, LinkTable):
            return links
        rest = {
            at: Rest(link.key, link.priority, link.request)
            for at, link in enumerate(links)
            if link.key or link.priority or link.request is not None
        }
        urls = encoded([link.url for link in links])
        return cls(urls, packed_kinds([link.via for link in links]), rest)

    def is_sound(self) -> bool:
        """Whether the columns fit each other, and all kinds are known."""
        kinds, rest, count = self.kinds, self.rest, len(self)
        return (
            (len(kinds) in (1, count) if count else not kinds)
            and are_kinds(kinds)
            and not (rest and (min(rest) < 0 or max(rest) >= count))
        )

    def key_texts(self, text_of: Callable[[Link], str]) -> Iterator[tuple[int, str]]:
        """The key texts that are not those of the URLs as they are, by index.

        `text_of`: says it of a link with a request, lest a POST be taken for its URL's page.
        """
        urls = self.urls if self.rest else []
        for at, rest in self.rest.items():
            if rest.key:
                yield at, rest.key
            elif rest.request is not None:
                yield at, text_of(self._link(at, urls))

    def texts(self) -> list[str]:
        """The URLs as texts."""
        urls = self.urls
        try:
            return list(map(bytes.decode, urls))
        except UnicodeDecodeError:  # half a character
            return [url.decode("utf-8", "surrogatepass") for url in urls]

    def vias(self) -> list[str]:
        """The kind of each link."""
        if len(self.kinds) == 1:
            (via,) = unpacked_kinds(self.kinds, 1)
            return [via or ""] * len(self)
        return [kind or "" for kind in unpacked_kinds(self.kinds, len(self))]

    def has_any(self, kinds: bytes) -> bool:
        """Whether a link is of one of these kinds, which are packed."""
        return len(self.kinds.translate(None, kinds)) < len(self.kinds)

    def chosen(self, indices: Sequence[int]) -> LinkTable:
        """The links with these indices."""
        urls = self.urls
        if len(indices) == len(urls):
            return LinkTable(urls, self.kinds, self.rest)  # with the URLs that are split now
        rest = self.rest and {
            number: self.rest[at] for number, at in enumerate(indices) if at in self.rest
        }
        kinds = self.kinds if len(self.kinds) == 1 else bytes([self.kinds[at] for at in indices])
        return LinkTable([urls[at] for at in indices], kinds if indices else b"", rest)

    def _link(self, at: int, urls: Sequence[bytes]) -> Link:
        place = 0 if len(self.kinds) == 1 else at
        (via,) = unpacked_kinds(self.kinds[place : place + 1], 1)
        url = urls[at].decode("utf-8", "surrogatepass")
        return Link(url, via or "", *self.rest.get(at, _NOTHING))

    def __len__(self) -> int:
        urls = self._urls
        return urls.count(b"\n") if isinstance(urls, bytes) else len(urls)

    @overload
    def __getitem__(self, index: int) -> Link: ...

    @overload
    def __getitem__(self, index: slice) -> list[Link]: ...

    def __getitem__(self, index: int | slice) -> Link | list[Link]:
        urls = self.urls
        places = range(len(urls))[index]
        if isinstance(places, int):
            return self._link(places, urls)
        return [self._link(at, urls) for at in places]

    def __iter__(self) -> Iterator[Link]:
        urls = self.urls
        return (self._link(at, urls) for at in range(len(urls)))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and tuple(self) == tuple(other)

    __hash__ = None  # type: ignore[assignment]  # as of a list


NO_LINKS: Final = LinkTable([], b"", {})


def joined(tables: Sequence[LinkTable]) -> LinkTable:
    """The links of several tables as one."""
    if len(tables) == 1:
        return tables[0]
    urls = list(chain.from_iterable([table.urls for table in tables]))
    rest: dict[int, Rest] = {}
    if any(table.rest for table in tables):
        starts = accumulate(map(len, tables), initial=0)
        for table, start in zip(tables, starts, strict=False):
            rest |= {start + at: more for at, more in table.rest.items()}
    kinds = {table.kinds for table in tables if table.kinds}
    if len(kinds) <= 1 and all(len(each) == 1 for each in kinds):  # as nearly always
        return LinkTable(urls, kinds.pop() if kinds else b"", rest)
    all_kinds = [
        table.kinds * len(table) if len(table.kinds) == 1 else table.kinds for table in tables
    ]
    return LinkTable(urls, b"".join(all_kinds), rest)
