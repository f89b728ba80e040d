"""Recognises URLs of sites that make up pages without end, by the URL alone.

A relative link that is wrong by a folder gives /a/a/a/…: one more segment at each page. Calendars
and session ids look like any other URL: for those there are the budgets.
"""

from __future__ import annotations

from collections import Counter
from typing import Final

from fetcher import web_urls
from fetcher.frontier.rules import CrawlRules
from fetcher.frontier.totals import Refusal

_ORIGIN_SLASHES: Final = 2  # of http://host


def is_too_long(url: str, rules: CrawlRules) -> bool:
    """Whether the URL has too many bytes; in the standard's form it is ASCII."""
    return len(url) > rules.url_bytes


def usual_slashes(rules: CrawlRules) -> int:
    """A URL with no more slashes than this, in all, is not a trap."""
    return min(rules.repeated_segments, rules.path_depth) + _ORIGIN_SLASHES


def trap(url: str, rules: CrawlRules) -> Refusal | None:
    """Why the path of this http(s) URL, in the standard's form, looks like a trap."""
    if url.count("/") <= usual_slashes(rules):
        return None
    path = web_urls.path_of(url)
    segments = [segment for segment in path.split("/") if segment]
    if len(segments) > rules.path_depth:
        return Refusal.PATH_DEPTH
    # All of them different is the usual case, and found faster than counts.
    if len(set(segments)) == len(segments):
        return None
    if max(Counter(segments).values()) > rules.repeated_segments:
        return Refusal.REPEATED_SEGMENTS
    return None
