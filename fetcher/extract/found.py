"""The links and the title of a page, a style sheet or a sitemap: frozen data for the worker."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from fetcher.frontier.links import Via
from fetcher.frontier.totals import Refusal

# A link: its http(s) URL in the standard's form, without its fragment, and where it was found.
FoundLink = tuple[str, Via]
# How a link was found, and whether its element asks robots not to follow it.
Kind = tuple[Via, bool]


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """All links of one body, each URL once, in the order of the body."""

    links: tuple[FoundLink, ...] = ()
    left_out: dict[Refusal, int] = {}  # links that are not in `links`, by reason
    title: str | None = None
    is_cut: bool = False  # the end was not read: see `fault`
    is_nofollow: bool = False  # the page asks robots not to follow its links
    fault: str = ""  # why the body was read in part or not at all


class Collector:
    """Gathers links up to the limits of a body; further ones are counted."""

    def __init__(self, max_links: int, max_url_bytes: int, left_out: frozenset[Via]) -> None:
        """Links of the kinds `left_out` are counted as refused for nofollow."""
        self._max_links = max_links
        self._max_url_bytes = max_url_bytes
        self._nofollow = left_out
        self._links: dict[str, Via] = {}
        self._counts: dict[Refusal, int] = {}

    @property
    def room(self) -> int:
        """How many more links there may be."""
        return self._max_links - len(self._links)

    def add(self, url: str, via: Via) -> None:
        """Add a link; of several links with one URL, the first stays."""
        self.add_all((url,), ((via, False),))

    def add_all(self, urls: Iterable[str | None], kinds: Iterable[Kind]) -> None:
        """Add many links; None stands for a text that is not a URL."""
        links, most, most_bytes = self._links, self._max_links, self._max_url_bytes
        refused = self._nofollow
        for url, (via, is_nofollow) in zip(urls, kinds, strict=True):
            if url is None or url in links:
                continue
            if is_nofollow or (refused and via in refused):
                self.leave_out(Refusal.NOFOLLOW)
            elif len(url) > most_bytes:
                self.leave_out(Refusal.URL_BYTES)
            elif len(links) >= most:
                self.leave_out(Refusal.LINKS_PER_PAGE)
            else:
                links[url] = via

    def leave_out(self, reason: Refusal, count: int = 1) -> None:
        if count:
            self._counts[reason] = self._counts.get(reason, 0) + count

    def links(self) -> tuple[FoundLink, ...]:
        return tuple(self._links.items())

    def left_out(self) -> dict[Refusal, int]:
        return self._counts
