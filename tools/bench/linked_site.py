"""Writes a site for crawls: pages of 20 KB with 50 links each, all of which can be reached."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Final

PAGE_BYTES: Final = 20_000
LINKS: Final = 50
_CHILDREN: Final = 10
_WORDS: Final = [
    "lorem",
    "ipsum",
    "dolor",
    "sit",
    "amet",
    "consectetur",
    "adipiscing",
    "elit",
    "sed",
    "do",
    "eiusmod",
    "tempor",
]


def path_of(number: int) -> str:
    """The path of a page below the site's folder; the first is the seed."""
    return f"s{number % 37}/page-{number}.html"


def write(folder: Path, count: int) -> None:
    """Write so many pages below this folder."""
    dice = random.Random(count)
    for number in range(count):
        path = folder / path_of(number)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(_page(number, count, dice))


def _page(number: int, count: int, dice: random.Random) -> bytes:
    first = _CHILDREN * number + 1
    linked = list(range(first, min(first + _CHILDREN, count)))
    linked += (dice.randrange(count) for _ in range(LINKS - len(linked)))
    items = [f'<li class="item"><a href="{_href(each)}">Page {each}</a></li>' for each in linked]
    head = '<!DOCTYPE html><html><head><meta charset="utf-8"><title>Page</title></head><body>\n'
    text = f"{head}<ul>{''.join(items)}</ul>\n"
    while len(text) < PAGE_BYTES - 500:
        text += f"<p>{' '.join(dice.choices(_WORDS, k=60))}.</p>\n"
    return text.encode()


def _href(number: int) -> str:
    """Relative, as most links are."""
    return f"../{path_of(number)}"
