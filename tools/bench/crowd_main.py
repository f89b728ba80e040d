"""`python -m tools.bench.crowd_main VENTILATOR SINK FIRST COUNT HOLD_S`: many workers in a process.

Each has the sockets and sends the messages of a real one: claims, rows in chunks, ends of leases, a
heartbeat a second. It fetches nothing: HOLD_S after a batch came, its rows are sent. It ends when
its standard input is closed.
"""

from __future__ import annotations

import functools
import sys
import time
from typing import Any, Final

import gevent
import gevent.monkey

gevent.monkey.patch_all()

import zmq.green as zmq  # noqa: E402

from fetcher.fetch.null import NullFetcher  # noqa: E402
from fetcher.model import Chunk  # noqa: E402
from fetcher.protocol import chunk_frames, codec, messages  # noqa: E402
from fetcher.roles.worker.lease_buffer import LeaseBuffer  # noqa: E402
from fetcher.rows import jsonl  # noqa: E402
from fetcher.settings.schema import Settings  # noqa: E402
from fetcher.transport.endpoints import Endpoints, endpoints_of  # noqa: E402
from fetcher.transport.sockets import Channel, open_socket, parse, send  # noqa: E402

_SETTINGS: Final = Settings()
_MOST_HELD: Final = 2  # batches at once, as a pool of 256 takes of batches of 200
_MOST_SOCKETS: Final = 60_000


class SimulatedWorker:
    """One of the crowd."""

    def __init__(self, context: Any, name: str, addresses: Endpoints, hold_s: float) -> None:
        opened = functools.partial(open_socket, context)
        self.name = name
        self._hold_s = hold_s
        self._tasks = opened(zmq.PULL, Channel.TASKS, addresses.tasks)
        self._events = opened(zmq.PUSH, Channel.EVENTS, addresses.events)
        self._control = opened(zmq.SUB, Channel.CONTROL, addresses.control)
        self._results = opened(zmq.PUSH, Channel.RESULTS, addresses.sinks[0].results)
        self._fetcher = NullFetcher(_SETTINGS, name)
        self._held: dict[int, float] = {}  # lease -> when it came
        self._rows = 0
        self._room = gevent.lock.BoundedSemaphore(_MOST_HELD)
        self._turn = gevent.lock.BoundedSemaphore()  # only one greenlet may wait for a socket

    def run(self) -> None:
        """Take batches for ever."""
        gevent.spawn(self._listen)
        while True:
            self._room.acquire()
            received = parse(self._tasks.recv_multipart())
            if received is not None and isinstance(received[0], messages.Assignment):
                gevent.spawn(self._work, *received)
            else:
                self._room.release()

    def _listen(self) -> None:
        while True:
            received = parse(self._control.recv_multipart())
            message = received[0] if received else None
            if isinstance(message, messages.RecallAll) and message.worker == self.name:
                owned = messages.Owned(self.name, [], [], [], [], message.ticket)
                send(self._events, owned)

    def _work(self, message: messages.Assignment, urls: bytes) -> None:
        self._held[message.lease] = time.monotonic()
        send(self._events, messages.Claim(self.name, message.lease))
        buffer = LeaseBuffer(message, urls, self.name, 0)
        gevent.sleep(self._hold_s)
        for task in buffer.tasks():
            result = self._fetcher.fetch(task)
            if buffer.finish(result, jsonl.encode(result)) >= _SETTINGS.worker.chunk_rows:
                self._send(buffer.take_chunk())
        self._send(buffer.take_chunk())
        del self._held[message.lease]
        send(self._events, messages.Finished(self.name, message.lease))
        self._room.release()

    def _send(self, chunk: Chunk | None) -> None:
        if chunk is not None:
            self._rows += len(chunk.lines)
            with self._turn:
                self._results.send_multipart(codec.encode(*chunk_frames.chunk_parts(chunk)))

    def beat(self) -> None:
        """Send a heartbeat."""
        now = time.monotonic()
        held = list(self._held)
        beat = messages.Heartbeat(
            worker=self.name,
            slots=_SETTINGS.worker.pool_size,
            in_flight=_SETTINGS.worker.pool_size if held else 0,
            queued=0,
            held=held,
            parked=[],
            longest_s=[now - since for since in self._held.values()],
        )
        send(self._events, beat)
        send(self._events, messages.Progress(self.name, self._rows, 0))


def _beat(workers: list[SimulatedWorker]) -> None:
    """Spread the heartbeats over the second, as those of real workers are."""
    each_s = _SETTINGS.worker.heartbeat_s / len(workers)
    while True:
        for worker in workers:
            worker.beat()
            gevent.sleep(each_s)


def main(ventilator: str, sink: str, first: int, count: int, hold_s: float) -> None:
    """See the module docstring."""
    context = zmq.Context()
    context.max_sockets = _MOST_SOCKETS
    addresses = endpoints_of(ventilator, [sink])
    workers = [
        SimulatedWorker(context, f"crowd-{number}", addresses, hold_s)
        for number in range(first, first + count)
    ]
    for worker in workers:
        gevent.spawn(worker.run)
    gevent.spawn(_beat, workers)
    gevent.os.tp_read(0, 1)
    context.destroy(linger=0)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]), float(sys.argv[5]))
