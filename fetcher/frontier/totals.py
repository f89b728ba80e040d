"""Counts of a crawl: what was found, what became a line, what was refused and why.

A CrawlTotals never grows with the crawl: depths beyond MAX_DEPTHS are counted together.
"""

from __future__ import annotations

import enum
from typing import Final

import msgspec

MAX_DEPTHS: Final = 100


class Refusal(enum.StrEnum):
    """Why a link did not become a line; words for users, the manifest and the links' file."""

    INVALID = "invalid"  # not an http(s) URL that can be fetched
    URL_BYTES = "url_bytes"
    SCOPE = "scope"
    DENY = "deny"
    ALLOW = "allow"
    PATH_DEPTH = "path_depth"
    REPEATED_SEGMENTS = "repeated_segments"
    DEPTH = "depth"
    HOPS = "hops"  # too many redirects and assets of assets in a row
    PAGES_PER_HOST = "max_pages_per_host"
    PAGES = "max_pages"
    LINKS_PER_PAGE = "links_per_page"
    NOFOLLOW = "nofollow"  # its page asks robots not to follow it
    DUPLICATE = "duplicate"  # a seed whose key an earlier seed has


class CrawlTotals(msgspec.Struct):
    """Counts of one call, or of a whole crawl; `add` sums them up."""

    links: int = 0  # found, whatever became of them
    lines: dict[int, int] = msgspec.field(default_factory=dict)  # by depth
    refused: dict[str, int] = msgspec.field(default_factory=dict)  # by reason

    def count_lines(self, depth: int, count: int) -> None:
        if count:
            depth = min(depth, MAX_DEPTHS)
            self.lines[depth] = self.lines.get(depth, 0) + count

    def refuse(self, reason: Refusal, count: int = 1) -> None:
        if count:
            self.refused[reason.value] = self.refused.get(reason.value, 0) + count

    def add(self, other: CrawlTotals) -> None:
        self.links += other.links
        for depth, count in other.lines.items():
            self.lines[depth] = self.lines.get(depth, 0) + count
        for reason, count in other.refused.items():
            self.refused[reason] = self.refused.get(reason, 0) + count
