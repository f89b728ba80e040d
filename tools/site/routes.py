"""Which path gives which answer; every one of them a pure function of the target.

A path that is not in a table here is a 404. What depends on the rest of the
request, or on the counters, is in `server`.
"""

import gzip
from collections.abc import Callable
from urllib.parse import unquote_to_bytes

from tools.site.answers import HTML, NOT_FOUND, TEXT, Answer, head, moved, page, reason
from tools.site.hostile import HOSTILE, bombed, endless_redirect
from tools.site.pages import demo_page

_LINE = b"The quick brown fox jumps over the lazy dog, and back once more.\n"

_STREAM_ABOVE = 1 << 20
"""Bytes: a longer body is made while it is sent, not held."""

_LARGEST = 1 << 30
_LARGEST_HELD = 16 << 20
"""Bytes: the most that one may ask of a route, streamed or held whole."""

_MOST_DIGITS = 10
_CHUNK = 1000


def text(size: int) -> bytes:
    """`size` bytes of plain text."""
    return (_LINE * (size // len(_LINE) + 1))[:size]


def _bytes(size: int) -> Answer:
    if size > _LARGEST:
        return NOT_FOUND
    if size <= _STREAM_ABOVE:
        return page(200, text(size))
    block = text(len(_LINE) * 1000)
    whole, rest = divmod(size, len(block))
    return Answer(
        head(200, [("Content-Type", TEXT), ("Content-Length", str(size))]),
        more=lambda: (block if i < whole else block[:rest] for i in range(whole + 1)),
    )


def _status(status: int) -> Answer:
    """Any status of three digits; without a body where a body is not allowed."""
    if not 100 <= status <= 999:
        return NOT_FOUND
    if status < 200:
        return Answer(head(status, []), close=True)
    if status in (204, 304):
        return Answer(head(status, []))
    return page(status, f"{status} {reason(status)}\n".encode())


def _latency(milliseconds: int) -> Answer:
    return Answer(page(200, b"late\n").wire, delay=milliseconds / 1000)


def _redirect(hops: int) -> Answer:
    if hops == 0:
        return _bytes(1000)
    return moved(b"/redirect/%d" % (hops - 1) if hops > 1 else b"/bytes/1000")


def _gzip(size: int) -> Answer:
    if size > _LARGEST_HELD:
        return NOT_FOUND
    packed = gzip.compress(text(size), 6, mtime=0)
    return page(200, packed, TEXT, [("Content-Encoding", "gzip")])


def _chunked(size: int) -> Answer:
    if size > _LARGEST_HELD:
        return NOT_FOUND
    body = text(size)
    cuts = (body[at : at + _CHUNK] for at in range(0, size, _CHUNK))
    chunks = b"".join(b"%x\r\n%b\r\n" % (len(cut), cut) for cut in cuts)
    lines = [("Content-Type", TEXT), ("Transfer-Encoding", "chunked")]
    return Answer(head(200, lines) + chunks + b"0\r\n\r\n")


def _no_length() -> Answer:
    return Answer(
        head(200, [("Content-Type", TEXT), ("Connection", "close")]) + text(3000), close=True
    )


def _in_charset(charset: str) -> Answer:
    document = "<!doctype html><title>Crème brûlée</title><p>Déjà vu à la carte: ñ ø ß</p>\n"
    return page(200, document.encode(charset), f"text/html; charset={charset}")


def _set_cookies() -> Answer:
    cookies = [("Set-Cookie", "session=abc123; Path=/; HttpOnly"), ("Set-Cookie", "theme=dark")]
    return page(200, b"cookies set\n", headers=cookies)


def _index() -> Answer:
    names = sorted(path.decode() for path in [*FIXED, *(name + b"/N" for name in NUMBERED)])
    items = "".join(f'<li><a href="{name}">{name}</a></li>\n' for name in names)
    return page(200, f"<!doctype html><title>The site</title><ul>\n{items}</ul>\n".encode(), HTML)


def redirect_to(query: bytes) -> Answer:
    """The redirect of `/redirect-to?url=...`: the decoded bytes, whatever they are."""
    found, _, encoded = query.partition(b"url=")
    return NOT_FOUND if found or not encoded else moved(unquote_to_bytes(encoded))


FIXED: dict[bytes, Callable[[], Answer]] = {
    b"/": _index,
    b"/redirect-loop": lambda: moved(b"/redirect-loop"),
    b"/redirect-endless-body": endless_redirect,
    b"/redirect-bomb": lambda: bombed(302, b"/bytes/1000"),
    b"/cookies/set": _set_cookies,
    b"/utf16": lambda: _in_charset("utf-16"),
    b"/latin1": lambda: _in_charset("iso-8859-1"),
    b"/no-length": _no_length,
    **{b"/hostile/" + name: make for name, make in HOSTILE.items()},
}

NUMBERED: dict[bytes, Callable[[int], Answer]] = {
    b"/page": demo_page,
    b"/bytes": _bytes,
    b"/status": _status,
    b"/latency": _latency,
    b"/redirect": _redirect,
    b"/gzip": _gzip,
    b"/chunked": _chunked,
}


def answer_for(path: bytes) -> Answer:
    """The answer of a path without its query."""
    fixed = FIXED.get(path)
    if fixed is not None:
        return fixed()
    name, _, number = path.rpartition(b"/")
    numbered = NUMBERED.get(name)
    if numbered is None or not number.isdigit() or len(number) > _MOST_DIGITS:
        return NOT_FOUND
    return numbered(int(number))


class Shelf:
    """Answers kept once made; emptied when it holds too much."""

    def __init__(self, most_bytes: int = 128 << 20, most_answers: int = 50_000) -> None:
        self._most_bytes = most_bytes
        self._most_answers = most_answers
        self._bytes = 0
        self.kept: dict[bytes, Answer] = {}

    def find(self, target: bytes) -> Answer:
        """The answer of a request target, path and query."""
        path, _, query = target.partition(b"?")
        if path == b"/redirect-to":
            return redirect_to(query)
        answer = self.kept.get(path)
        if answer is None:
            answer = answer_for(path)
            self._keep(path, answer)
        return answer

    def _keep(self, path: bytes, answer: Answer) -> None:
        if self._bytes > self._most_bytes or len(self.kept) >= self._most_answers:
            self.kept.clear()
            self._bytes = 0
        self.kept[path] = answer
        self._bytes += len(answer.wire)
