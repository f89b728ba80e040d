"""The server: one protocol object for each connection, answers sent in their order.

The plain case costs one search, one split, one look-up and one write. Everything
else is a stream of steps driven by one timer, which dies with its connection.
A client may do what it likes: it gets a 400 or is dropped, never an exception.
"""

import asyncio
import itertools
from collections.abc import Iterator
from dataclasses import replace
from typing import cast

from tools.site.answers import BAD_REQUEST, HEAD_TOO_LARGE, NOT_FOUND, Answer, Step, page
from tools.site.heads import body_length, echo_cookie, echo_headers, tagged, wants_close
from tools.site.routes import Shelf
from tools.site.tally import Tally

_MOST_WAITING = 64 * 1024
"""Bytes of an unfinished head, or of requests sent ahead, that a client may leave with us."""

_BURST = 8
"""Steps of one answer between two looks at the other connections."""

_ECHOES = {b"/headers": echo_headers, b"/cookies/show": echo_cookie, b"/tagged": tagged}


class Site:
    """The data that the connections of one site share."""

    def __init__(self, latency: float = 0.0) -> None:
        self.latency = latency
        self.tally = Tally()
        self.shelf = Shelf()
        self.connections: set[Connection] = set()

    def connection(self) -> "Connection":
        """A protocol for a new connection."""
        return Connection(self, asyncio.get_running_loop())

    def drop_all(self) -> None:
        """Cut every connection."""
        for connection in list(self.connections):
            connection.drop()


class Connection(asyncio.Protocol):
    """One client: reads requests, and answers them one after the other."""

    __slots__ = (
        "_buffer", "_close", "_control", "_ended", "_endless", "_half_closed", "_kept", "_loop",
        "_paused", "_shelf", "_site", "_skip", "_steps", "_tally", "_timer", "_transport",
    )  # fmt: skip

    _transport: asyncio.Transport

    def __init__(self, site: Site, loop: asyncio.AbstractEventLoop) -> None:
        self._site = site
        self._loop = loop
        self._tally = site.tally
        self._shelf = site.shelf
        self._kept = site.shelf.kept
        self._buffer = b""
        self._skip = 0
        self._steps: Iterator[Step] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._paused = self._close = self._ended = False
        self._endless = self._control = self._half_closed = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin to count."""
        self._transport = cast(asyncio.Transport, transport)
        self._site.connections.add(self)
        self._tally.connections += 1

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget what was still to be sent."""
        self._site.connections.discard(self)
        self._ended = True
        self._buffer = b""
        if self._timer is not None:
            self._timer.cancel()
        if self._steps is not None:
            self._steps = None
            self._tally.closed()

    def drop(self) -> None:
        """Cut the connection now."""
        self._transport.abort()

    def eof_received(self) -> bool:
        """A half close leaves what is under way to be finished, if it can be."""
        self._half_closed = True
        return self._steps is not None and not self._endless

    def data_received(self, data: bytes) -> None:
        """Take bytes; answer what is complete."""
        if self._skip:
            skipped = min(self._skip, len(data))
            self._skip -= skipped
            data = data[skipped:]
        self._buffer = self._buffer + data if self._buffer else data
        if self._steps is None and not self._paused:
            self._serve()
        elif len(self._buffer) > _MOST_WAITING:
            self.drop()

    def _serve(self) -> None:
        """Answer complete requests until one takes its time, or the client is slow to read."""
        while self._buffer and self._steps is None and not self._paused and not self._ended:
            end = self._buffer.find(b"\r\n\r\n")
            if end < 0 or end > _MOST_WAITING:
                self._judge_unfinished()
                return
            head = self._buffer[:end]
            self._buffer = self._buffer[end + 4 :]
            self._request(head)

    def _judge_unfinished(self) -> None:
        """Wait for the rest of a head, unless it is hopeless."""
        if len(self._buffer) > _MOST_WAITING:
            self._send_at_once(HEAD_TOO_LARGE)
        elif not 65 <= self._buffer[0] <= 90:
            # No method begins so: a TLS hello, for one, would wait for us for ever.
            self._send_at_once(BAD_REQUEST)

    def _request(self, head: bytes) -> None:
        """Answer one request, given its head without the empty line."""
        parts = head.partition(b"\r\n")[0].split(b" ")
        if len(parts) != 3 or not parts[2].startswith(b"HTTP/1."):
            self._send_at_once(BAD_REQUEST)
            return
        method, target, version = parts
        lowered = head.lower()
        close = version == b"HTTP/1.0" or (b"close" in lowered and wants_close(lowered))
        if b"\r\ncontent-length" in lowered or b"\r\ntransfer-encoding" in lowered:
            close = not self._skip_body(lowered) or close
        answer = self._kept.get(target) or self._find(target, head)
        if method == b"HEAD":
            answer = _without_body(answer)
        if close and not answer.close:
            answer = _said_to_be_last(answer)
        if target.startswith(b"/_"):
            self._send_at_once(answer)
            return
        self._tally.count(target)
        if answer.delay or answer.more or self._site.latency:
            self._begin(answer)
        else:
            self._send_at_once(answer)

    def _skip_body(self, lowered: bytes) -> bool:
        """Pass over a request's body; False when its end cannot be known."""
        length = body_length(lowered)
        if length is None:
            self._buffer = b""
            return False
        here = min(length, len(self._buffer))
        self._buffer = self._buffer[here:]
        self._skip = length - here
        return True

    def _find(self, target: bytes, head: bytes) -> Answer:
        if target.startswith(b"/_"):
            return self._control_answer(target)
        echo = _ECHOES.get(target.partition(b"?")[0])
        return echo(head) if echo else self._shelf.find(target)

    def _control_answer(self, target: bytes) -> Answer:
        tally = self._tally
        if not self._control:
            self._control = True
            tally.connections = max(0, tally.connections - 1)
        if target == b"/_hits":
            return page(200, tally.hits_json(), "application/json")
        if target == b"/_stats":
            return page(200, tally.stats_json(), "application/json")
        if target == b"/_reset":
            tally.reset()
            return page(200, b"{}", "application/json")
        return NOT_FOUND

    def _send_at_once(self, answer: Answer) -> None:
        self._transport.write(answer.wire)
        if answer.close:
            self._end()

    def _begin(self, answer: Answer) -> None:
        """Send the first step when its time has come; the request is open until the last."""
        self._tally.opened()
        self._close = answer.close
        self._endless = answer.endless
        more = answer.more() if answer.more is not None else ()
        self._steps = itertools.chain((answer.wire,), more)
        self._timer = self._loop.call_later(answer.delay + self._site.latency, self._pump)

    def _end(self) -> None:
        """Close once all is sent; what the client still says is not read."""
        if not self._ended:
            self._ended = True
            self._transport.close()

    def _pump(self) -> None:
        """Send steps until the client is slow, a wait is due, or others must have a turn."""
        self._timer = None
        wait = 0.0
        for _ in range(_BURST):
            if self._steps is None or self._paused or self._transport.is_closing():
                return
            step = next(self._steps, None)
            if step is None:
                self._finish()
                return
            if isinstance(step, float):
                wait = step
                break
            self._transport.write(step)
        self._timer = self._loop.call_later(wait, self._pump)

    def _finish(self) -> None:
        """The answer under way is sent: go on with what the client asked meanwhile."""
        self._steps = None
        self._tally.closed()
        if self._close:
            self._end()
        self._serve()
        if self._half_closed and (self._steps is None or self._endless):
            self._end()

    def pause_writing(self) -> None:
        """The client reads more slowly than we write."""
        self._paused = True

    def resume_writing(self) -> None:
        """The client has caught up."""
        self._paused = False
        if self._steps is None:
            self._serve()
        elif self._timer is None:
            self._pump()


def _without_body(answer: Answer) -> Answer:
    """The answer to HEAD: only the headers, if it has any."""
    top, found, _ = answer.wire.partition(b"\r\n\r\n")
    return Answer(top + found, answer.delay, close=answer.close) if found else answer


def _said_to_be_last(answer: Answer) -> Answer:
    """The same answer, closing the connection and saying so where it is HTTP."""
    wire = answer.wire.replace(b"\r\n", b"\r\nConnection: close\r\n", 1)
    return replace(answer, wire=wire, close=True)
