"""An answer is data: the bytes to send, when, and what becomes of the connection.

Answers are built once and shared by every request for the same path, so nothing
here may hold the state of a connection. What is endless is a recipe for an
iterator, started anew for each request.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from http import HTTPStatus

Step = bytes | float
"""One step of a streamed answer: bytes to send, or seconds to wait."""

Header = tuple[str, str | bytes]

PIECE = 64 * 1024
"""Bytes handed to the transport at a time; about one socket buffer."""

HTML = "text/html; charset=utf-8"
TEXT = "text/plain; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Answer:
    """`wire` after `delay` seconds, then the steps of `more`; then keep or `close`.

    `endless` says that `more` never ends: such an answer is dropped as soon as
    its client has closed its side, a finite one is still sent to the end.
    """

    wire: bytes = b""
    delay: float = 0.0
    more: Callable[[], Iterator[Step]] | None = None
    close: bool = False
    endless: bool = False


def reason(status: int) -> str:
    """The usual phrase for a status, or `Unknown`."""
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Unknown"


def head(status: int, headers: Iterable[Header]) -> bytes:
    """A status line and headers, with the empty line; values are sent as given."""
    lines = [f"HTTP/1.1 {status} {reason(status)}".encode()]
    for name, value in headers:
        raw = value if isinstance(value, bytes) else value.encode("latin-1")
        lines.append(name.encode("latin-1") + b": " + raw)
    return b"\r\n".join(lines) + b"\r\n\r\n"


def full(status: int, body: bytes, kind: str = TEXT, headers: Iterable[Header] = ()) -> bytes:
    """The bytes of a whole, correct answer with its Content-Length."""
    usual: list[Header] = [("Content-Type", kind), ("Content-Length", str(len(body)))]
    return head(status, [*usual, *headers]) + body


def page(status: int, body: bytes, kind: str = TEXT, headers: Iterable[Header] = ()) -> Answer:
    """A whole, correct answer, sent at once, on a connection that stays open."""
    return Answer(full(status, body, kind, headers))


def moved(location: bytes, status: int = 302) -> Answer:
    """A redirect with exactly this Location."""
    return page(status, b"moved\n", headers=[("Location", location)])


def pieces(data: bytes) -> Iterator[bytes]:
    """`data` cut into pieces, without copying more than one at a time."""
    for start in range(0, len(data), PIECE):
        yield data[start : start + PIECE]


def repeated(piece: bytes) -> Callable[[], Iterator[Step]]:
    """The same piece for ever."""

    def steps() -> Iterator[Step]:
        while True:
            yield piece

    return steps


NOT_FOUND = page(404, b"no such page\n")
BAD_REQUEST = Answer(full(400, b"bad request\n", headers=[("Connection", "close")]), close=True)
HEAD_TOO_LARGE = Answer(
    full(431, b"too many headers\n", headers=[("Connection", "close")]), close=True
)
