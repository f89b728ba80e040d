"""Answers that break the protocol, or keep the client waiting.

Each is a row of `HOSTILE`, by the last part of its path. An endless answer
makes its bytes as they are taken, so that a thousand of them cost no memory.
"""

import itertools
from collections.abc import Callable, Iterator

from tools.site import bomb
from tools.site.answers import PIECE, TEXT, Answer, Step, full, head, moved, pieces, repeated

DRIP_SECONDS = 0.25
"""Between two bytes of a dripping answer."""

_OPEN_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"
_UNENDED = head(200, [("Content-Type", TEXT), ("Connection", "close")])
_CHUNKED = head(200, [("Content-Type", TEXT), ("Transfer-Encoding", "chunked")])
_FILLER = (b"all work and no play makes a dull page. " * (PIECE // 40 + 1))[:PIECE]


def _never() -> Iterator[Step]:
    while True:
        yield 3600.0


def _drip() -> Iterator[Step]:
    while True:
        yield b"a"
        yield DRIP_SECONDS


def _numbered_headers() -> Iterator[Step]:
    for start in itertools.count(0, 100):
        yield b"".join(b"X-Flood-%d: %d\r\n" % (i, i) for i in range(start, start + 100))


def _endless(wire: bytes, more: Callable[[], Iterator[Step]]) -> Answer:
    return Answer(wire, more=more, close=True, endless=True)


def _broken(wire: bytes) -> Answer:
    """Exactly these bytes, then the connection is closed."""
    return Answer(wire, close=True)


def _with(lines: bytes, body: bytes) -> Answer:
    return _broken(_OPEN_HEAD + lines + b"\r\n" + body)


def _noise(size: int) -> bytes:
    """Bytes that are not HTTP, nor anything else; always the same ones."""
    return bytes((i * i * 31 + i * 7 + 0x80) & 0xFF | 0x80 for i in range(size))


def bombed(status: int, location: bytes | None = None) -> Answer:
    """A correct answer whose gzip body unpacks to a gigabyte of zeros."""
    body = bomb.packed()
    where = [] if location is None else [("Location", location)]
    lines = [("Content-Encoding", "gzip"), ("Content-Length", str(len(body)))]
    return Answer(head(status, [("Content-Type", TEXT), *lines, *where]), more=lambda: pieces(body))


def endless_redirect() -> Answer:
    """A redirect that points to a good page and has a body without end."""
    lines = [("Location", "/bytes/1000"), ("Connection", "close")]
    return _endless(head(302, lines), repeated(_FILLER))


def _bad_gzip() -> Answer:
    return Answer(full(200, _noise(500), TEXT, [("Content-Encoding", "gzip")]))


def _odd_charset() -> Answer:
    return Answer(full(200, b"caf\xe9 \xff\xfe\n", "text/html; charset=x-klingon-8"))


HOSTILE: dict[bytes, Callable[[], Answer]] = {
    b"never": lambda: _endless(b"", _never),
    b"drip-headers": lambda: _endless(_OPEN_HEAD + b"X-Drip: ", _drip),
    b"drip-body": lambda: _endless(_UNENDED, _drip),
    b"endless": lambda: _endless(_UNENDED, repeated(_FILLER)),
    b"endless-100": lambda: _endless(b"", repeated(b"HTTP/1.1 100 Continue\r\n\r\n" * 100)),
    b"endless-trailers": lambda: _endless(_CHUNKED + b"5\r\nhello\r\n0\r\n", _numbered_headers),
    b"header-flood": lambda: _endless(_OPEN_HEAD, _numbered_headers),
    b"gzip-bomb": lambda: bombed(200),
    b"close-at-once": lambda: _broken(b""),
    b"close-mid-header": lambda: _broken(_OPEN_HEAD + b"Content-Le"),
    b"close-mid-body": lambda: _broken(_CHUNKED + b"3e8\r\n" + _FILLER[:500]),
    b"garbage": lambda: _broken(_noise(2000)),
    b"bad-length": lambda: _with(b"Content-Length: 10000\r\n", _FILLER[:1000]),
    b"negative-length": lambda: _with(b"Content-Length: -5\r\n", b"hello"),
    b"double-length": lambda: _with(b"Content-Length: 10\r\nContent-Length: 20\r\n", _FILLER[:20]),
    b"cl-te": lambda: _with(
        b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", b"5\r\nhello\r\n0\r\n\r\n"
    ),
    b"lf-only": lambda: _broken(b"HTTP/1.1 200 OK\nContent-Length: 5\n\nhello"),
    b"colonless": lambda: _with(b"a header without its colon\r\nContent-Length: 5\r\n", b"hello"),
    b"status-junk": lambda: _broken(b"HTTP/1.1 999999 what\r\nContent-Length: 5\r\n\r\nhello"),
    b"redirect-file": lambda: moved(b"file:///etc/passwd"),
    b"redirect-bad-host": lambda: moved(b"http://[::1"),
    b"redirect-latin1": lambda: moved(b"/bytes/10?caf\xe9"),
    b"bad-gzip": _bad_gzip,
    b"odd-charset": _odd_charset,
}
