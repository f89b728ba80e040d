"""How far a crawl is, as numbers and in words.

A crawl has no total to compare with: its lines are found while it runs, so that a share or a time
left would be wrong.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import msgspec

from fetcher.frontier.totals import MAX_DEPTHS, CrawlTotals
from fetcher.humanize import counted, number

_MOST_DEPTHS: Final = 10  # of which a text shows the lines
_MOST_REASONS: Final = 6


class CrawlView(msgspec.Struct, frozen=True):
    """The counts of a crawl. The field names are public JSON of `status --json` and the page."""

    found: int  # lines so far, done or not
    links: int  # the seeds, and the links on all pages that are done; repeated ones included
    depths: dict[int, int]  # lines by depth
    refused: dict[str, int]  # links that became no line, by reason; repeated ones are not counted


def view_of(totals: CrawlTotals) -> CrawlView:
    """The view of these totals."""
    return CrawlView(
        found=sum(totals.lines.values()),
        links=totals.links,
        depths=dict(sorted(totals.lines.items())),
        refused=dict(sorted(totals.refused.items(), key=lambda item: -item[1])),
    )


def done(rows: int, crawl: CrawlView) -> str:
    """The text `1,234 lines done, 5,678 found so far`."""
    return f"{counted(rows, 'line')} done, {number(crawl.found)} found so far"


def depths(crawl: CrawlView) -> list[str]:
    """The lines of each depth, deep ones together."""
    shown = dict(list(crawl.depths.items())[:_MOST_DEPTHS])
    parts = [f"{depth}: {number(count)}" for depth, count in shown.items()]
    deeper = sum(crawl.depths.values()) - sum(shown.values())
    if deeper:
        deepest = max(crawl.depths)
        more = " and more" if deepest == MAX_DEPTHS else ""
        parts.append(f"deeper, up to {deepest}{more}: {number(deeper)}")
    return parts


def refusals(refused: Mapping[str, int]) -> list[str]:
    """Why links were not followed, the most frequent reason first."""
    shown = dict(list(refused.items())[:_MOST_REASONS])
    parts = [f"{reason} {number(count)}" for reason, count in shown.items()]
    others = sum(refused.values()) - sum(shown.values())
    return parts + ([f"others {number(others)}"] if others else [])


def links(crawl: CrawlView) -> str:
    """The links that were found, and why some were not followed."""
    why = ", ".join(refusals(crawl.refused))
    return f"{number(crawl.links)}{f'; not followed: {why}' if why else ''}"
