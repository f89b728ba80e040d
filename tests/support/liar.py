"""A worker that claims batches and sends false rows to the sink."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import zmq
from msgspec.structs import replace

from fetcher import bitset
from fetcher.model import Chunk, Outcome, Result
from fetcher.protocol import chunk_frames, codec, messages
from fetcher.roles.worker.lease_buffer import LeaseBuffer
from fetcher.rows.forms import CODECS
from fetcher.security import curve
from fetcher.security.policy import NO_KEYS
from fetcher.transport.sockets import Channel, open_socket, receive, send

# What it makes of an honest chunk: rows glued, doubled and cut, wrong masks, lines beyond the file.
LIES: Final[tuple[Callable[[Chunk], Chunk], ...]] = (
    lambda c: _with_rows(c, c.rows[:-1] + b"garbage\n"),
    lambda c: _with_rows(c, b"garbage" + c.rows),
    lambda c: _with_rows(c, c.rows + c.rows),
    lambda c: _with_rows(c, c.rows[: len(c.rows) // 2]),
    lambda c: _with_rows(c, c.rows.replace(b"test.invalid", b"evil.invalid")),
    lambda c: replace(c, lines=[line + 1 for line in c.lines]),
    lambda c: replace(c, batch_mask=bitset.pack(1)),
    lambda c: replace(c, batch_mask=b"\xff" * 2),
    lambda c: replace(c, batch=c.batch + 1, lines=[line + 10 for line in c.lines]),
    lambda c: replace(c, batch=9_999, lines=[line + 99_990 for line in c.lines]),
    lambda c: replace(c, tags=bytes(len(c.tags))),
    lambda c: replace(c, outcomes=[1] * len(c.outcomes)),
    lambda c: replace(c, statuses=[500] * len(c.statuses)),
    lambda c: replace(c, body_bytes=[1 << 60] * len(c.body_bytes)),
)


def _with_rows(chunk: Chunk, rows: bytes) -> Chunk:
    last = len(rows) - sum(chunk.row_bytes[:-1])
    if last < 0:
        return replace(chunk, rows=rows, row_bytes=[len(rows), *[0] * (len(chunk.lines) - 1)])
    return replace(chunk, rows=rows, row_bytes=[*chunk.row_bytes[:-1], last])


class Liar:
    """Connects as a worker of this name; `keys`: its folder of keys, or "" for none."""

    def __init__(self, name: str, ventilator: int, sink: int, keys: str = "") -> None:
        self.name = name
        self._context: zmq.Context[Any] = zmq.Context()
        self._security = curve.of_worker(keys) if keys else NO_KEYS
        host = "tcp://127.0.0.1"
        self._tasks = self._open(zmq.PULL, Channel.TASKS, f"{host}:{ventilator}")
        self._events = self._open(zmq.PUSH, Channel.EVENTS, f"{host}:{ventilator + 1}")
        self._results = self._open(zmq.PUSH, Channel.RESULTS, f"{host}:{sink}")

    def _open(self, kind: int, channel: Channel, address: str) -> Any:
        return open_socket(self._context, kind, channel, address, security=self._security)

    def lie(self, within_s: float) -> int:
        """Take lines until each lie was sent about some of them. Returns the number of lies."""
        sent = 0
        for lease, honest in self._leases(within_s):
            for lie in LIES[sent : sent + 2]:
                self._send(lie(honest))
                sent += 1
            send(self._events, messages.Finished(worker=self.name, lease=lease))
            if sent == len(LIES):
                break
        self._leave()
        return sent

    def be_honest(self, leases: int, within_s: float) -> list[list[bytes]]:
        """Do so many leases as they should be done; what was sent to the sink."""
        sent = []
        for lease, honest in self._leases(within_s):
            self._send(honest)
            sent.append(codec.encode(*chunk_frames.chunk_parts(honest)))
            send(self._events, messages.Finished(worker=self.name, lease=lease))
            if len(sent) == leases:
                break
        self._leave()
        return sent

    def _leave(self) -> None:
        self._tasks.close(0)  # or it would be handed more
        send(self._events, messages.Bye(worker=self.name))

    def _leases(self, within_s: float) -> Iterator[tuple[int, Chunk]]:
        """Each lease that comes, with what an honest worker would send."""
        until = time.monotonic() + within_s
        while time.monotonic() < until:
            self._tasks.poll(100)
            received = receive(self._tasks)
            if received is not None and isinstance(received[0], messages.Assignment):
                yield received[0].lease, self._honest(received[0], received[1])

    def _honest(self, tasks: messages.Assignment, urls: bytes) -> Chunk:
        send(self._events, messages.Claim(worker=self.name, lease=tasks.lease))
        held = LeaseBuffer(tasks, urls, self.name, 0)
        for task in held.tasks():
            result = Result(task.line, task.url, Outcome.OK, 200, worker=self.name)
            held.finish(result, CODECS[tasks.output.rows].encode(result))
        honest = held.take_chunk()
        assert honest is not None
        return honest

    def _send(self, chunk: Chunk) -> None:
        self._send_frames(codec.encode(*chunk_frames.chunk_parts(chunk)))

    def _send_frames(self, frames: list[bytes]) -> None:
        assert self._results.poll(60_000, zmq.POLLOUT), "the sink takes nothing any more"
        self._results.send_multipart(frames)

    def replay(self, chunks: list[list[bytes]]) -> None:
        """Send these again, as they were."""
        for frames in chunks:
            self._send_frames(frames)

    def close(self) -> None:
        self._security.close()
        self._context.destroy(linger=1000)


def name_under(keys: Path | None) -> str:
    """A worker's name, as the owner of these keys may call itself."""
    return f"{keys.name}-1-0123456789-1" if keys else "liar-1-0123456789-1"
