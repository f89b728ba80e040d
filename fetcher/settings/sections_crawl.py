"""The section about crawls: which links are followed, and how far."""

from __future__ import annotations

from typing import Annotated, Final, Literal

from fetcher.settings.value_types import MIB, ParameterNames, Patterns, Section, about

MAX_LINES: Final = 2**32 - 2  # a crawl's line numbers have 32 bits, and 0 stands for none


class Crawl(Section, frozen=True, kw_only=True):
    """A crawl (`fetcher crawl`): set when it begins, and unchanged when it resumes."""

    scope: Annotated[
        Literal["page", "prefix", "host", "domain", "any"],
        about(
            "which links are followed; page: none, but for the seeds' own assets; prefix: those "
            "below the folder of a seed; host: those on the host of a seed, with or without www.; "
            "domain: those in the registered domain of a seed, such as example.co.uk; any: all"
        ),
    ] = "host"
    allow: Annotated[
        Patterns,
        about("only URLs in which one of these is found are followed; none: all in scope"),
    ] = ()
    deny: Annotated[
        Patterns, about("URLs in which one of these is found are not followed, whatever allows it")
    ] = ()
    depth: Annotated[
        int, about("most links from a seed to a page; 0: the seeds alone", ge=0, le=1_000_000)
    ] = 1000
    max_pages: Annotated[
        int,
        about(
            "most lines of the crawl, seeds included; each takes up to 24 bytes of the sink's "
            "memory",
            ge=1,
            le=MAX_LINES,
        ),
    ] = 10_000_000
    max_pages_per_host: Annotated[
        int, about("most lines of one host, seeds included", ge=1, le=MAX_LINES)
    ] = 1_000_000
    assets: Annotated[
        bool,
        about("also follow images, styles, scripts, media and what style sheets refer to"),
    ] = False
    sitemaps: Annotated[
        bool, about("also read the sitemaps of the seeds' hosts: of robots.txt, and /sitemap.xml")
    ] = False
    order: Annotated[
        Literal["levels", "log"],
        about(
            "levels: the pages of a depth are fetched only when all of the depth before are "
            "committed, which gives shortest depths and the same list at each run; log: as found"
        ),
    ] = "log"
    page_links: Annotated[
        bool,
        about(
            "follow the links that pages have; false: only redirects, and the links that "
            "worker.handler returns"
        ),
    ] = True
    nofollow: Annotated[
        bool,
        about("obey rel=nofollow, and nofollow in meta robots and X-Robots-Tag"),
    ] = True
    sort_query: Annotated[
        bool, about("URLs that differ only in the order of their query's parameters are one page")
    ] = False
    drop_params: Annotated[
        ParameterNames,
        about(
            "URLs that differ only in these parameters are one page; @tracking stands for a list "
            "of known ones (utm_*, gclid, fbclid and so on); URLs are requested as they were found"
        ),
    ] = ()
    title: Annotated[bool, about("rows have the title of their HTML page")] = False
    keep_links: Annotated[
        bool, about("keep which line links to which, and refused links, in OUT/links")
    ] = True
    links_per_page: Annotated[
        int, about("so many links of a page are taken; further ones are counted", ge=1, le=100_000)
    ] = 20_000
    parse_bytes: Annotated[
        int, about("longer pages are read for links up to here", ge=1024, le=100 * MIB)
    ] = 10 * MIB
    url_bytes: Annotated[int, about("longer URLs are not followed", ge=16, le=65_536)] = 2048
    path_depth: Annotated[
        int, about("URLs with more segments in their path are not followed", ge=1, le=1000)
    ] = 20
    repeated_segments: Annotated[
        int,
        about(
            "URLs with a segment that occurs more often in their path are not followed",
            ge=1,
            le=1000,
        ),
    ] = 3
