"""The requests that a right crawl of the maze makes, computed from the graph alone.

The crawl has scope `host`, the maze's depth, and the limits of `REPEATED` and `SEGMENTS`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Final

from tools.maze import graph
from tools.maze.graph import Size

REPEATED: Final = 3  # equal segments in a path
SEGMENTS: Final = 20  # segments in a path


def requests_of(host: int, size: Size) -> set[str]:
    """The request targets of a host, without /robots.txt and sitemaps."""
    return _reached(graph.seed_of(host), _links(host, size), size.depth)


def _reached(seed: str, links: Callable[[str], list[tuple[str, int]]], depth: int) -> set[str]:
    """All targets within `depth` links of the seed; a redirect costs no depth."""
    depths = {seed: 0}
    level = [seed]
    while level:
        following: list[str] = []
        for target in level:
            for link, cost in links(target):
                deep = depths[target] + cost
                if deep <= depth and depths.get(link, depth + 1) > deep:
                    depths[link] = deep
                    following.append(link)
        level = following
    return set(depths)


def _links(host: int, size: Size) -> Callable[[str], list[tuple[str, int]]]:
    pages = graph.pages_of(host, size)

    def of_page(target: str) -> list[tuple[str, int]]:
        moved = graph.redirect_of(target, pages)
        if moved is not None:
            return [(moved, 0)]
        page = graph.page_of(target)
        if page is None:
            return []  # a page behind a cookie has no links
        return [(link, 1) for link in graph.links_of(page, size, pages)]

    def of_spiral(target: str) -> list[tuple[str, int]]:
        return [(link, 1) for link in graph.spiral_after(target) if not _is_trap(link)]

    match host:
        case graph.CALENDAR:
            return lambda target: [(link, 1) for link in graph.months_around(target)]
        case graph.SESSIONS:
            return lambda target: [(link, 1) for link in graph.sessions_after(target)]
        case graph.SPIRAL:
            return of_spiral
        case _:
            return of_page


def _is_trap(target: str) -> bool:
    segments = [segment for segment in target.partition("?")[0].split("/") if segment]
    repeated = max(Counter(segments).values(), default=0)
    return len(segments) > SEGMENTS or repeated > REPEATED
