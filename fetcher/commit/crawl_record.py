"""The state of a crawl in the journal of its sink, and the data that a commit appends to files.

Lines of the log are judged once, in the commit of the rows that found them, so that record, files
and rows always agree.
"""

from __future__ import annotations

import msgspec

from fetcher.frontier.totals import CrawlTotals


class Level(msgspec.Struct, frozen=True):
    """How far the end of a level is judged, in a crawl by levels; see commit.levels."""

    number: int = 0
    found_bytes: int = 0  # committed length of the level's file of links
    is_at_links: bool = False  # the links of the level's own depth have been judged
    judged_to: int = 0  # the line up to which the links of pages were judged in this step
    begins_after: int = 0  # the last line of the levels before


class CrawlRecord(msgspec.Struct, frozen=True):
    """The durable state of a crawl."""

    key_seed: int  # of the keys' hash: see frontier.keys
    seeds: int = 0  # lines of the list of seeds that were taken
    has_all_seeds: bool = False
    seed_lines: int = 0  # lines of the log that are seeds: its first ones
    lines: int = 0  # of the log
    ready_lines: int = 0  # those that may be handed out; all, but at the end of a level
    totals: CrawlTotals = msgspec.field(default_factory=CrawlTotals)
    level: Level = Level()


class Appended(msgspec.Struct):
    """What a commit appends: to each file, blocks of whole records."""

    lines: int = 0  # of the log
    log: list[bytes] = msgspec.field(default_factory=list)
    keys: list[bytes] = msgspec.field(default_factory=list)
    edges: list[bytes] = msgspec.field(default_factory=list)
    found: list[bytes] = msgspec.field(default_factory=list)  # see commit.levels
