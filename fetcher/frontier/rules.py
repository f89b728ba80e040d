"""The rules of a crawl, as they go over the wire and into the manifest.

The rules and the log decide everything in this package: no clock, file or network does.
"""

from __future__ import annotations

from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta

from fetcher.patterns import PatternError, Patterns

Scope = Literal["page", "prefix", "host", "domain", "any"]
Order = Literal["levels", "log"]

MAX_LINES: Final = 2**32 - 2  # a line number has 32 bits, and 0 means: unknown
MAX_PATTERNS: Final = 100
MAX_PATTERN_CHARS: Final = 1000

PatternTexts = Annotated[
    tuple[Annotated[str, Meta(min_length=1, max_length=MAX_PATTERN_CHARS)], ...],
    Meta(max_length=MAX_PATTERNS),
]
Names = Annotated[
    tuple[Annotated[str, Meta(min_length=1, max_length=200)], ...], Meta(max_length=1000)
]
_Lines = Annotated[int, Meta(ge=1, le=MAX_LINES)]


class CrawlRules(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True
):
    """What a crawl may fetch and how it reads pages. Raises ValueError for a bad pattern."""

    # Where the seeds are; most users name a site, and expect nothing else to be fetched.
    scope: Scope = "host"
    # A link must match one of `allow`, if there are any, and none of `deny`.
    allow: PatternTexts = ()
    deny: PatternTexts = ()
    # Links away from a seed. Real pagination has some hundred pages; an endless calendar has more.
    depth: Annotated[int, Meta(ge=0, le=1_000_000)] = 1000
    # Ten million lines need 240 MB of memory in the sink.
    max_pages: _Lines = 10_000_000
    # The last guard against a site that makes up pages without end.
    max_pages_per_host: _Lines = 1_000_000
    # Indexes of big manuals have thousands of links: 1 MB of a row. Sitemaps have another limit.
    links_per_page: Annotated[int, Meta(ge=1, le=100_000)] = 20_000
    # As http.max_body_bytes: some manuals have pages of 8 MB. extract.effort bounds the parser.
    parse_bytes: Annotated[int, Meta(ge=1024, le=100 * 1024 * 1024)] = 10 * 1024 * 1024
    # The limit of the sitemap protocol; longer URLs are mostly made by faulty scripts.
    url_bytes: Annotated[int, Meta(ge=16, le=65_536)] = 2048
    # Segments of a path: a faulty relative link adds one at each page, without end.
    path_depth: Annotated[int, Meta(ge=1, le=1000)] = 20
    # How often one segment may occur in a path: /a/b/a/b/a/b is the mark of such a spiral.
    repeated_segments: Annotated[int, Meta(ge=1, le=1000)] = 3
    # Two URLs are one page if they differ in the order of parameters alone. Not true of all sites.
    sort_query: bool = False
    # Parameters that do not count: names, `utm_*`, or `@tracking` for the list key_texts.TRACKING.
    drop_params: Names = ()
    # Fetch images, scripts, style sheets and what else a page shows, too.
    assets: bool = False
    # Fetch sitemaps that robots.txt names, and /sitemap.xml.
    sitemaps: bool = False
    # Obey robots.txt, wherever the workers run.
    robots: bool = True
    # Follow the links that pages have; else only redirects and what the handler returns.
    page_links: bool = True
    # Respect rel=nofollow, <meta name=robots> and X-Robots-Tag.
    nofollow: bool = True
    # `log`: as found, so that no host waits for another. `levels`: depth by depth.
    order: Order = "log"
    # Keep which line links to which.
    keep_links: bool = True
    # Keep the page's title in its row.
    title: bool = False

    def __post_init__(self) -> None:
        compiled("allow", self.allow)
        compiled("deny", self.deny)


def compiled(name: str, patterns: tuple[str, ...]) -> Patterns:
    """The patterns of this rule. Raises ValueError, which names what is wrong."""
    try:
        return Patterns(patterns)
    except PatternError as error:
        raise PatternError(f"{name}: {error}") from None
