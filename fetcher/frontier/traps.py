"""Recognises URLs of sites that make up pages without end, by the URL alone.

A relative link that is wrong by a folder gives /a/a/a/…: one more segment at each page. Calendars
and session ids look like any other URL: for those there are the budgets.
"""

from __future__ import annotations

from collections import Counter
from typing import Final, NamedTuple

from fetcher import web_urls
from fetcher.frontier.rules import CrawlRules
from fetcher.frontier.totals import Refusal

_ORIGIN_SLASHES: Final = 2  # of http://host
_KNOWN_FOLDERS: Final = 1 << 14  # most links lead to a folder of links before


class _Folder(NamedTuple):
    segments: int
    is_repeated: bool  # whether a segment occurs too often
    full: frozenset[str]  # segments that may not occur once more


class Traps:
    """The limits of URLs in one crawl."""

    def __init__(self, rules: CrawlRules) -> None:
        self._url_bytes = rules.url_bytes
        self._path_depth = rules.path_depth
        self._repeated = rules.repeated_segments
        # A URL with no more slashes than this, in all, has no segment too many.
        self.usual_slashes: Final = min(self._repeated, self._path_depth) + _ORIGIN_SLASHES
        self._folders: dict[str, _Folder] = {}

    def refusal(self, url: str) -> Refusal | None:
        """Why this http(s) URL, in the standard's form and without a fragment, may be a trap."""
        if len(url) > self._url_bytes:  # in the standard's form it is ASCII
            return Refusal.URL_BYTES
        if url.count("/") <= self.usual_slashes:
            return None
        folder, _, page = web_urls.path_of(url).rpartition("/")
        known = self._folders.get(folder) or self._added(folder)
        if known.segments + bool(page) > self._path_depth:
            return Refusal.PATH_DEPTH
        if known.is_repeated or page in known.full:
            return Refusal.REPEATED_SEGMENTS
        return None

    def _added(self, folder: str) -> _Folder:
        counts = Counter(segment for segment in folder.split("/") if segment)
        full = frozenset(name for name, count in counts.items() if count >= self._repeated)
        is_repeated = max(counts.values(), default=0) > self._repeated
        if len(self._folders) >= _KNOWN_FOLDERS:
            self._folders.clear()
        added = self._folders[folder] = _Folder(counts.total(), is_repeated, full)
        return added
