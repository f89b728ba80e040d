"""What a page, a style sheet or a sitemap says: frozen data for the worker."""

from __future__ import annotations

from typing import NamedTuple

import msgspec

from fetcher.frontier.links import Via
from fetcher.frontier.totals import Refusal


class FoundLink(NamedTuple):
    """One link."""

    url: str  # http(s), in the standard's form, without its fragment
    via: Via


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
    def is_full(self) -> bool:
        return len(self._links) >= self._max_links

    def add(self, url: str, via: Via, is_nofollow: bool = False) -> None:
        """A link; the first of a URL stays."""
        if url in self._links:
            return
        if is_nofollow or via in self._nofollow:
            self.leave_out(Refusal.NOFOLLOW)
        elif len(url) > self._max_url_bytes:
            self.leave_out(Refusal.URL_BYTES)
        elif len(self._links) >= self._max_links:
            self.leave_out(Refusal.LINKS_PER_PAGE)
        else:
            self._links[url] = via

    def leave_out(self, reason: Refusal, count: int = 1) -> None:
        if count:
            self._counts[reason] = self._counts.get(reason, 0) + count

    def links(self) -> tuple[FoundLink, ...]:
        return tuple(FoundLink(url, via) for url, via in self._links.items())

    def left_out(self) -> dict[Refusal, int]:
        return self._counts
