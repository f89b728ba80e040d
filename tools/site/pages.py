"""The pages of the demo: a small web with the faults of a large one.

What `/page/N` is follows from N alone. No page of the mix takes more than a few
seconds, and a redirect always ends at a page that answers.
"""

import gzip
import math
import struct
import zlib
from collections.abc import Callable
from functools import lru_cache
from hashlib import blake2b
from statistics import NormalDist

from tools.site.answers import HTML, Answer, full, moved, page

_WORDS = [
    *("river", "stone", "lamp", "quiet", "harbour", "north", "letter", "glass", "orchard"),
    *("winter", "paper", "signal", "market", "copper", "garden", "bridge", "candle", "morning"),
    *("engine", "window", "salt", "thread", "valley"),
]

_SMALLEST, _MEDIAN, _LARGEST = 512, 5_000, 100_000
"""Bytes of an HTML page."""

_BELL = NormalDist()


def _dice(number: int, what: str) -> float:
    """A number in (0, 1) that depends on the page and the question only."""
    digest = blake2b(f"{what} {number}".encode(), digest_size=6).digest()
    return (int.from_bytes(digest) + 1) / (2**48 + 2)


@lru_cache(maxsize=1)
def _prose() -> str:
    """Twice the largest page of sentences, to be cut at any place."""
    count, sentences, size = 0, [], 0
    while size < 2 * _LARGEST:
        picks = [_WORDS[int(_dice(count * 16 + i, "word") * len(_WORDS))] for i in range(12)]
        sentence = f"{' '.join(picks).capitalize()}. "
        sentences.append(sentence)
        size += len(sentence)
        count += 1
    return "".join(sentences)


def size_of(number: int) -> int:
    """The bytes of an HTML page: log-normal, within the bounds."""
    wanted = _MEDIAN * math.exp(_BELL.inv_cdf(_dice(number, "size")))
    return max(_SMALLEST, min(_LARGEST, int(wanted)))


def html(number: int) -> bytes:
    """The document of a page; exactly `size_of(number)` bytes."""
    links = "".join(f'<a href="/page/{(number * 7 + i) % 3000}">next</a>\n' for i in range(3))
    top = f"<!doctype html>\n<html><head><title>Page {number}</title></head>\n<body>\n"
    top += f"<h1>Page {number}</h1>\n{links}<p>"
    bottom = "</p>\n</body></html>\n"
    start = int(_dice(number, "start") * _LARGEST)
    room = size_of(number) - len(top) - len(bottom)
    return (top + _prose()[start : start + room] + bottom).encode()


def png(number: int) -> bytes:
    """A valid image of 8 by 8 pixels in one colour."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        )

    colour = blake2b(b"colour %d" % number, digest_size=3).digest()
    rows = (b"\x00" + colour * 8) * 8
    size = struct.pack(">IIBBBBB", 8, 8, 8, 2, 0, 0, 0)
    parts = [chunk(b"IHDR", size), chunk(b"IDAT", zlib.compress(rows)), chunk(b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def _good(number: int) -> Answer:
    return page(200, html(number), HTML)


def _packed(number: int) -> Answer:
    body = gzip.compress(html(number), 6, mtime=0)
    return page(200, body, HTML, [("Content-Encoding", "gzip")])


def _late(number: int) -> Answer:
    return Answer(full(200, html(number), HTML), delay=0.02 + 0.38 * _dice(number, "late"))


def _slow(number: int) -> Answer:
    return Answer(full(200, html(number), HTML), delay=1.0 + _dice(number, "slow"))


def _cut(number: int) -> Answer:
    """The right Content-Length, half of the body, and the end of the connection."""
    body = html(number)
    wire = full(200, body, HTML)
    return Answer(wire[: len(wire) - len(body) // 2], close=True)


def _destination(number: int) -> int:
    """The next page that is a plain one."""
    return next(n for n in range(number + 1, number + 10_000) if kind_of(n) is _good)


def _for_good(number: int) -> Answer:
    return moved(b"/page/%d" % _destination(number), 301)


def _for_now(number: int) -> Answer:
    return moved(b"../page/%d" % _destination(number), 302)


def _status(status: int) -> Callable[[int], Answer]:
    return lambda _number: page(status, b"<h1>%d</h1>\n" % status, HTML)


_MIX: list[tuple[int, Callable[[int], Answer]]] = [
    (630, _good),
    (80, _packed),
    (120, _late),
    (30, lambda number: page(200, png(number), "image/png")),
    (30, _for_good),
    (30, _for_now),
    (30, _status(404)),
    (10, _status(410)),
    (12, _status(500)),
    (12, _status(503)),
    (8, _slow),
    (8, _cut),
]
"""Pages in a thousand, by what they are."""

_BY_ROLL = [kind for share, kind in _MIX for _ in range(share)]


def kind_of(number: int) -> Callable[[int], Answer]:
    """A page: the function that renders it."""
    return _BY_ROLL[int(_dice(number, "kind") * len(_BY_ROLL))]


def demo_page(number: int) -> Answer:
    """The answer of `/page/number`."""
    return kind_of(number)(number)
