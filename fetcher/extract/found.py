"""The links and the title of a page, a style sheet or a sitemap: frozen data for the worker."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from fetcher.frontier.links import OneKind, Via
from fetcher.frontier.totals import Refusal

# http(s) URLs in the standard's form, without their fragments, and where each was found.
Links = Mapping[str, Via]
# How links were found, and whether their elements ask robots not to follow them.
Kind = tuple[Via, bool]
_MANY: Final = 4  # links that are added faster at once than one by one


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """All links of one body, each URL once, in the order of the body."""

    links: Links = {}
    left_out: dict[Refusal, int] = {}  # links that are not in `links`, by reason
    title: str | None = None
    is_cut: bool = False  # the end was not read: see `fault`
    is_nofollow: bool = False  # the page asks robots not to follow its links
    fault: str = ""  # why the body was read in part or not at all


class Collector:
    """Gathers links up to the limits of a body; further ones are counted."""

    def __init__(self, max_links: int, max_url_bytes: int, left_out: frozenset[Via]) -> None:
        """Links of the kinds `left_out` are counted as refused for nofollow."""
        self._links: dict[str, Via] = {}
        self._at_once: OneKind | None = None  # all of them
        self.left_out: dict[Refusal, int] = {}
        self._max_links = max_links
        self._max_url_bytes = max_url_bytes
        self._nofollow = left_out

    @property
    def links(self) -> Links:
        """The links, each URL once."""
        return self._links if self._at_once is None else self._at_once

    @property
    def room(self) -> int:
        """How many more links there may be."""
        return self._max_links - len(self.links)

    def add_at_once(self, links: OneKind, most_chars: int) -> bool:
        """Add these links, if they are the first; False: the limits may not let all of them in.

        `most_chars`: no URL is longer.
        """
        is_within = links.count <= self._max_links and most_chars <= self._max_url_bytes
        is_first = not self._links and self._at_once is None
        if not (is_within and is_first) or links.via in self._nofollow:
            return False
        self._at_once = links
        return True

    def add_all(self, urls: Sequence[str | None], kind: Kind) -> None:
        """Add links of one kind; None stands for a text that is not a URL.

        Of several links with one URL, the first stays.
        """
        self._take_apart()
        via, is_nofollow = kind
        is_refused = is_nofollow or via in self._nofollow
        if len(urls) >= _MANY and not is_refused and self._add_new(urls, via):
            return
        for url in filter(None, urls):
            self._add_one(url, via, is_refused=is_refused)

    def _add_new(self, urls: Sequence[str | None], via: Via) -> bool:
        """Add these links at once; False: the limits do not let all of them in."""
        new = dict.fromkeys(filter(None, urls), via)
        for url in new.keys() & self._links.keys():
            del new[url]
        if len(new) > self.room or max(map(len, new), default=0) > self._max_url_bytes:
            return False
        self._links.update(new)
        return True

    def add(self, url: str, via: Via) -> None:
        """Add a link that does not ask for nofollow."""
        self._take_apart()
        self._add_one(url, via, is_refused=via in self._nofollow)

    def leave_out(self, reason: Refusal, count: int = 1) -> None:
        if count:
            self.left_out[reason] = self.left_out.get(reason, 0) + count

    def _take_apart(self) -> None:
        """Make an entry of each link, as others follow."""
        if self._at_once is not None:
            self._links, self._at_once = self._at_once.each, None

    def _add_one(self, url: str, via: Via, *, is_refused: bool) -> None:
        if url in self._links:
            return
        if is_refused:
            self.leave_out(Refusal.NOFOLLOW)
        elif len(url) > self._max_url_bytes:
            self.leave_out(Refusal.URL_BYTES)
        elif len(self._links) >= self._max_links:
            self.leave_out(Refusal.LINKS_PER_PAGE)
        else:
            self._links[url] = via
