"""`python -m tools.bench.feeder ADDRESS JOB TAGS ROWS BATCH_SIZE CHUNK_ROWS KEYS`: rows for a sink.

TAGS is the key of the lines' tags, hexadecimal; KEYS is a worker's folder of keys, or "".

All chunks are made beforehand, by the worker's own means. It prints `ready`, waits for a line, and
then only sends.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator

import zmq

from fetcher import bitset
from fetcher.fetch.null import NullFetcher
from fetcher.input.formats import TEXT
from fetcher.model import Chunk
from fetcher.protocol import chunk_frames, codec, line_tags, messages
from fetcher.roles.worker.lease_buffer import LeaseBuffer
from fetcher.rows import jsonl
from fetcher.security import curve
from fetcher.security.policy import NO_KEYS
from fetcher.settings.schema import Settings
from fetcher.transport.sockets import Channel, open_socket
from tools.bench.lists import url

_SEND_LIMIT_MS = 60_000
WORKER = "bench-1-0123456789-1"  # as a process under a key of the name `bench` is called


def tasks_of(
    job: str, batch: int, batch_size: int, count: int, key: bytes = b""
) -> tuple[messages.Assignment, bytes]:
    """A batch as a ventilator sends it; `count` is the list's length, `key` the tags'."""
    first = batch * batch_size
    numbers = range(first, min(first + batch_size, count))
    mask = bitset.pack((1 << len(numbers)) - 1)
    message = messages.Assignment(
        job=job,
        lease=batch + 1,
        batch=batch,
        batch_mask=mask,
        first_line=first + 1,
        mask=mask,
        format=TEXT,
        tags=line_tags.of_lines(key, batch, mask, ((n + 1, url(n), None) for n in numbers)),
    )
    return message, "\n".join(map(url, numbers)).encode()


def chunks(job: str, key: bytes, count: int, batch_size: int, chunk_rows: int) -> Iterator[Chunk]:
    """The chunks of a whole list, as a worker with the null transport sends them."""
    fetcher = NullFetcher(Settings(), WORKER)
    for batch in range(-(-count // batch_size)):
        message, urls = tasks_of(job, batch, batch_size, count, key)
        held = LeaseBuffer(message, urls, WORKER, 0)
        for task in held.tasks():
            result = fetcher.fetch(task)
            if held.finish(result, jsonl.encode(result)) >= chunk_rows:
                yield from _taken(held)
        yield from _taken(held)


def _taken(held: LeaseBuffer) -> Iterator[Chunk]:
    chunk = held.take_chunk()
    if chunk is not None:
        yield chunk


def main(
    address: str, job: str, key: bytes, count: int, batch_size: int, chunk_rows: int, *, keys: str
) -> None:
    """See the module docstring."""
    messages = [
        codec.encode(*chunk_frames.chunk_parts(chunk))
        for chunk in chunks(job, key, count, batch_size, chunk_rows)
    ]
    context = zmq.Context()
    try:
        security = curve.of_worker(keys) if keys else NO_KEYS
        socket = open_socket(context, zmq.PUSH, Channel.RESULTS, address, security=security)
        socket.setsockopt(zmq.SNDTIMEO, _SEND_LIMIT_MS)
        print("ready", flush=True)
        if sys.stdin.readline():
            for frames in messages:
                socket.send_multipart(frames)
            sys.stdin.readline()  # until everything has arrived
    finally:
        context.destroy(linger=0)


if __name__ == "__main__":
    main(
        sys.argv[1],
        sys.argv[2],
        bytes.fromhex(sys.argv[3]),
        *map(int, sys.argv[4:7]),
        keys=sys.argv[7],
    )
