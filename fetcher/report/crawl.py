"""The report's section on a crawl: pages by depth, and why links were not followed."""

from __future__ import annotations

import msgspec

from fetcher.frontier.totals import MAX_DEPTHS
from fetcher.report.aggregate import Aggregate
from fetcher.watch.crawl_view import CrawlView


class DepthShown(msgspec.Struct, frozen=True):
    """The lines of one depth."""

    depth: int
    is_deepest: bool  # this depth and all deeper ones
    found: int  # lines
    done: int  # rows
    failed: int


class RefusedShown(msgspec.Struct, frozen=True):
    """Links that were not followed for one reason."""

    reason: str
    links: int
    share: float  # of all that were not followed, 0 to 1


class Crawl(msgspec.Struct, frozen=True):
    """How a crawl went."""

    lines: int  # found
    links: int  # on all pages that are done, repeated ones included
    depths: list[DepthShown]
    refused: list[RefusedShown]


def crawl(view: CrawlView, sums: Aggregate) -> Crawl:
    """The section on this crawl."""
    refused = sum(view.refused.values())
    return Crawl(
        lines=view.found,
        links=view.links,
        depths=[
            DepthShown(
                depth,
                depth == MAX_DEPTHS,
                found,
                sums.depths[depth].rows if depth in sums.depths else 0,
                sums.depths[depth].failed if depth in sums.depths else 0,
            )
            for depth, found in view.depths.items()
        ],
        refused=[
            RefusedShown(reason, links, links / refused) for reason, links in view.refused.items()
        ],
    )
