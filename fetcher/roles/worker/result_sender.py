"""A worker's rows on their way to one sink.

Law: a sink that does not take its rows holds up no other sink's; what waits is bounded by the
worker, which begins nothing new while too much does.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import gevent
import gevent.queue
import zmq.green as zmq

from fetcher.model import Chunk
from fetcher.protocol import chunk_frames, codec
from fetcher.security.policy import Security
from fetcher.transport.sockets import Channel, open_socket

_SLICE_S: Final = 1.0  # a safety timeout: a wake-up that zmq.green missed is made up for


class ResultSender:
    """To be run by a greenlet of its own."""

    def __init__(
        self,
        context: Any,
        address: str,
        sent: Callable[[Chunk | None, int | None], None],
        security: Security,
    ) -> None:
        """`sent` is called after each: with it, and the lease that has ended by it, or None."""
        self._socket = open_socket(context, zmq.PUSH, Channel.RESULTS, address, security=security)
        self._sent = sent
        self._queue = gevent.queue.JoinableQueue()

    def put(self, chunk: Chunk | None, ended: int | None) -> None:
        """Rows to send, if any, and the lease that then has ended, if any."""
        self._queue.put((chunk, ended))

    def run(self) -> None:
        """Send for ever."""
        while True:
            chunk, ended = self._queue.get()
            if chunk is not None:
                self._send(codec.encode(*chunk_frames.chunk_parts(chunk)))
            self._sent(chunk, ended)
            self._queue.task_done()

    def _send(self, frames: list[bytes]) -> None:
        sent = False
        while not sent:
            with gevent.Timeout(_SLICE_S, False):
                self._socket.send_multipart(frames)
                sent = True

    def join(self) -> None:
        """Wait until all is sent."""
        self._queue.join()
