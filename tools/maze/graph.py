"""The pages of the maze and the links between them, as numbers; a pure function of the size.

Page k links to pages 10 k + 1 … 10 k + 10, so that each page can be reached, and to a few others.
"""

from __future__ import annotations

import re
import zlib
from typing import Final, NamedTuple

MAIN, MIRROR, CALENDAR, SESSIONS, SPIRAL = range(5)
HOSTS: Final = 5
CHILDREN: Final = 10
_CROSS_LINKS: Final = 3
_REDIRECTS: Final = 20  # one page in so many links to a chain of redirects
_BOUNCES: Final = 50  # one page in so many links to a page that asks for a cookie first
# {0} is the number of the page. %E9 is é in windows-1252: it stands raw only in such documents.
_TARGETS: Final = (
    "/p/{0}.html",
    "/d{1}/e{2}/p{0}",
    "/q?id={0}",
    "/q?b=2&id={0}&c=",
    "/caf%C3%A9/{0}",
    "/p/{0};v=1",
    "/P/{0}.HTML",
    "/p%20{0}",
    "/n?name=%E9&id={0}",
)
_PATTERNS: Final = tuple(
    re.compile(re.sub(r"\\{\d\\}", r"(\\d{1,9})", re.escape(target))) for target in _TARGETS
)


class Size(NamedTuple):
    """How large the maze is, and the depth at which a crawl must stop."""

    pages: int
    depth: int


def dice(*parts: object) -> int:
    """A number that looks random, and is the same each time."""
    return zlib.crc32(" ".join(map(str, parts)).encode())


def target_of(page: int) -> str:
    """The path and query of a page, as they are requested."""
    return _TARGETS[page % len(_TARGETS)].format(page, page % 17, page % 5)


def page_of(target: str) -> int | None:
    """The page of a request target, None if there is no such page."""
    for pattern in _PATTERNS:
        if found := pattern.fullmatch(target):
            page = int(found[found.lastindex or 0])
            return page if target_of(page) == target else None
    return None


def is_latin(page: int) -> bool:
    """Whether the page is written in windows-1252 rather than UTF-8."""
    return dice("charset", page) % 4 == 0


def links_of(page: int, size: Size, pages: int) -> list[str]:
    """The request targets that a page links to; `pages`: how many its host has."""
    children = range(CHILDREN * page + 1, min(CHILDREN * page + CHILDREN + 1, pages))
    across = [dice(page, k) % pages for k in range(_CROSS_LINKS)]
    found = [target_of(each) for each in (*children, *across)]
    if page % _REDIRECTS == 7:
        found.append(f"/r/{page}")
    if page % _BOUNCES == 3:
        found.append(f"/bounce/{page}")
    if page == 0:
        found.append("/loop/a")
    return found


def redirect_of(target: str, pages: int) -> str | None:
    """Where a request target of the main site redirects to; None if it does not."""
    name, _, rest = target[1:].partition("/")
    if name == "loop":
        return {"a": "/loop/b", "b": "/loop/a"}.get(rest)
    if not rest.isdigit():
        return None
    if name == "r":
        return f"/r2/{rest}"
    return target_of(int(rest) * 7 % pages) if name == "r2" else None


def pages_of(host: int, size: Size) -> int:
    """How many pages the host has."""
    return max(size.pages // 10, 1) if host == MIRROR else size.pages


def seed_of(host: int) -> str:
    """The request target of the host's seed."""
    return {CALENDAR: "/cal?y=2026&m=11", SESSIONS: "/s?sid=0", SPIRAL: "/deep/"}.get(
        host, target_of(0)
    )


def months_around(target: str) -> list[str]:
    """The month before and the month after that of a calendar's page."""
    year, month = (int(part.partition("=")[2]) for part in target.partition("?")[2].split("&"))
    return [
        f"/cal?y={at // 12}&m={at % 12 + 1}" for at in (year * 12 + month - 2, year * 12 + month)
    ]


def sessions_after(target: str) -> list[str]:
    """The same page under two session ids that nobody has seen yet."""
    return [f"/s?sid={dice(target, k):08x}{dice(k, target):08x}" for k in range(2)]


def spiral_after(target: str) -> list[str]:
    """The pages that wrong relative links lead to."""
    return [f"{target}a/", f"{target}b/"]
