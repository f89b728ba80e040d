"""URL files of any length, written fast and a block at a time."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

_BLOCK = 10_000
_TEMPLATE = "http://www.example.com/archive/part-%03d/item-%09d.html\n"


def url(number: int) -> str:
    """The number-th URL: 60 bytes with its line feed."""
    return (_TEMPLATE % (number % 1000, number))[:-1]


def write_list(path: Path, count: int) -> Path:
    """A file of `count` different URLs that are never fetched."""
    with path.open("wb") as file:
        for start in range(0, count, _BLOCK):
            numbers = range(start, min(start + _BLOCK, count))
            file.write("".join([_TEMPLATE % (n % 1000, n) for n in numbers]).encode())
    return path


def write_lines(path: Path, lines: Iterable[str]) -> Path:
    """A file of these lines."""
    path.write_text("".join(f"{line}\n" for line in lines), "utf-8")
    return path
