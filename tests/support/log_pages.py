"""Pages of a crawl's log, and the feed that learns them."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from fetcher import bitset
from fetcher.input import log_lines
from fetcher.input.log_lines import LogLine
from fetcher.leases.crawl_feed import CrawlFeed, SeedPage
from fetcher.protocol import messages
from support.line_texts import LineTexts

SIZE = 4


def text(line: int, host: str = "a") -> bytes:
    return log_lines.encode(LogLine(f"http://{host}.test/{line}"))


def page(first: int, end: int, *lines: int, host: str = "a") -> messages.LogPage:
    """A page of the log with these lines."""
    mask = bitset.pack(bitset.mask_of(line - first for line in lines))
    return messages.LogPage(first, end, mask, b"\n".join(text(line, host) for line in lines))


def state(lines: int, **changes: Any) -> messages.CrawlState:
    return replace(messages.CrawlState(2, True, lines), **changes)


def seeds_from(first: int) -> SeedPage:
    return SeedPage([text(first + 1)], at_end=first == 1)


def feed_of(lines: int = 0) -> CrawlFeed:
    feed = CrawlFeed(seeds_from, LineTexts())
    feed.begin(SIZE, state(lines))
    return feed
