"""Sends a worker's rows to one sink.

A sink that does not take its rows delays no other sink's. The caller bounds what is queued here: a
worker begins no further step while too much is unsent.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import gevent
import gevent.queue

from fetcher.model import Chunk
from fetcher.protocol import chunk_frames, codec

_RETRY_S: Final = 1.0  # zmq.green may miss a wake-up: sending is tried again


class ResultSender:
    """A queue of chunks, sent in order by a greenlet that calls `run`."""

    def __init__(self, socket: Any, sent: Callable[[Chunk | None, int | None], None]) -> None:
        """`sent` is called with what was `put`, once it has been sent."""
        self._socket = socket
        self._sent = sent
        self._queue = gevent.queue.JoinableQueue()

    def put(self, chunk: Chunk | None, ended: int | None) -> None:
        """Queue rows, if any, and the number of the lease that ends with them, if one does."""
        self._queue.put((chunk, ended))

    def run(self) -> None:
        """Send what is queued; runs for ever."""
        while True:
            chunk, ended = self._queue.get()
            if chunk is not None:
                self._send(codec.encode(*chunk_frames.chunk_parts(chunk)))
            self._sent(chunk, ended)
            self._queue.task_done()

    def _send(self, frames: list[bytes]) -> None:
        is_sent = False
        while not is_sent:
            with gevent.Timeout(_RETRY_S, False):
                self._socket.send_multipart(frames)
                is_sent = True

    def join(self) -> None:
        """Wait until everything queued has been sent."""
        self._queue.join()
