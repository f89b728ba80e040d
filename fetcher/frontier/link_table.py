"""The links of one row by columns: as they travel, and as the frontier reads them.

Most links have only a URL and a kind, and lead to a line that is known. So a Link is made only of a
link that must be judged.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
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

    __slots__ = ("kinds", "rest", "urls")

    def __init__(self, urls: list[bytes], kinds: bytes, rest: Mapping[int, Rest]) -> None:
        """`urls`: in UTF-8; `kinds`: by links.packed_kinds.

        `rest`: of those links that have more, by their index.
        """
        self.urls = urls
        self.kinds = kinds
        self.rest = rest

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

    @property
    def is_sound(self) -> bool:
        """Whether the columns fit each other, and all kinds are known."""
        count, kinds, rest = len(self.urls), self.kinds, self.rest
        return (
            (len(kinds) in (1, count) if count else not kinds)
            and are_kinds(kinds)
            and not (rest and (min(rest) < 0 or max(rest) >= count))
        )

    def key_texts(self, text_of: Callable[[Link], str]) -> Iterator[tuple[int, str]]:
        """The key texts that are not those of the URLs as they are, by index.

        `text_of`: says it of a link with a request, lest a POST be taken for its URL's page.
        """
        for at, rest in self.rest.items():
            if rest.key:
                yield at, rest.key
            elif rest.request is not None:
                yield at, text_of(self[at])

    def chosen(self, indices: Sequence[int]) -> list[Link]:
        """The links with these indices."""
        urls = [self.urls[at].decode("utf-8", "surrogatepass") for at in indices]
        known = unpacked_kinds(self.kinds, len(self))
        kinds = [known[at] or "" for at in indices]
        if not self.rest:
            return list(map(Link, urls, kinds))
        more = [self.rest.get(at, _NOTHING) for at in indices]
        return [Link(url, via, *rest) for url, via, rest in zip(urls, kinds, more, strict=True)]

    def __len__(self) -> int:
        return len(self.urls)

    @overload
    def __getitem__(self, index: int) -> Link: ...

    @overload
    def __getitem__(self, index: slice) -> list[Link]: ...

    def __getitem__(self, index: int | slice) -> Link | list[Link]:
        places = range(len(self))[index]
        return self.chosen((places,))[0] if isinstance(places, int) else self.chosen(places)

    def __iter__(self) -> Iterator[Link]:
        return iter(self.chosen(range(len(self))))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and tuple(self) == tuple(other)

    __hash__ = None  # type: ignore[assignment]  # as of a list
