"""Fetches URLs without a job, in a child process that leaves no files.

Each URL gets exactly one answer, in the order of the URLs, whatever happens to the child. The child
fetches as a worker does, so that a row is the one that a job would have.
"""

from __future__ import annotations

import contextlib
import subprocess
import threading
from collections.abc import Generator, Iterator
from typing import IO, Final

import msgspec

from fetcher.error_kinds import ErrorKind
from fetcher.errors import ConfigError, Exit, LoginLostError
from fetcher.model import Outcome, Result
from fetcher.protocol.output_spec import Bodies
from fetcher.roles import interpreter
from fetcher.rows import jsonl
from fetcher.settings.schema import Settings
from fetcher.telemetry import logs

NAME: Final = "get"  # the worker's name in the rows
_MODULE: Final = "fetcher.roles.direct_main"
LENGTH_BYTES: Final = 8  # each reply follows its length, which is big-endian


class Order(msgspec.Struct, frozen=True):
    """The URLs that the child has to fetch, and how.

    It is a line of JSON on the child's standard input, which stays open as its PARENT_FD.
    """

    settings: Settings
    urls: list[str]
    first_line: int = 1
    bodies: Bodies = "none"  # how rows hold them
    wants_bodies: bool = False  # whether answers hold them, apart from their rows
    own_folders: tuple[str, ...] = ()  # see roles.interpreter


class Answer(msgspec.Struct, frozen=True, tag=True):
    """The answer for one URL."""

    row: bytes  # as JSON, with its line feed
    body: bytes | None = None  # None: not wanted, or there was none


class Refusal(msgspec.Struct, frozen=True, tag=True):
    """Nothing more can be fetched: the settings are wrong, or the log-in failed."""

    error: str
    exit_code: int = Exit.USAGE


encode: Final = msgspec.msgpack.Encoder().encode
_decode: Final = msgspec.msgpack.Decoder(Answer | Refusal).decode


def answers(order: Order) -> Generator[Answer]:
    """Yield the answer of each URL. Raises ConfigError, and LoginLostError.

    If the process of several URLs dies, those without an answer are fetched again, each in a
    process of its own, so that a URL that kills its process does not affect the others.
    """
    count = 0
    with _started(order) as child:
        for answer in _replies(child):
            count += 1
            yield answer
        code = child.wait()
    left = order.urls[count:]
    if len(order.urls) == 1 and left:
        yield _crashed(order, code)
        return
    for number, url in enumerate(left, order.first_line + count):
        yield from answers(msgspec.structs.replace(order, urls=[url], first_line=number))


@contextlib.contextmanager
def _started(order: Order) -> Iterator[subprocess.Popen[bytes]]:
    """Start the child; it outlives neither the block nor this process."""
    order = msgspec.structs.replace(order, own_folders=interpreter.own_folders(order.settings))
    child = subprocess.Popen(
        interpreter.command(_MODULE),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    assert child.stdin is not None and child.stderr is not None
    relay = threading.Thread(target=_relay, args=(child.stderr,), daemon=True)
    relay.start()
    try:
        with contextlib.suppress(BrokenPipeError):  # its exit code says why
            child.stdin.write(msgspec.json.encode(order) + b"\n")
            child.stdin.flush()
        yield child
    finally:
        child.kill()
        child.wait()
        relay.join(timeout=1.0)
        for pipe in (child.stdout, child.stderr):
            assert pipe is not None
            pipe.close()
        with contextlib.suppress(BrokenPipeError):
            child.stdin.close()


def _relay(stderr: IO[bytes]) -> None:
    """Pass on the lines that the child logs."""
    for line in stderr:
        text = line.decode("utf-8", "replace").rstrip("\n")
        logs.say(logs.relayed(text, "worker", NAME))


def _replies(child: subprocess.Popen[bytes]) -> Iterator[Answer]:
    assert child.stdout is not None
    while True:
        head = child.stdout.read(LENGTH_BYTES)
        size = int.from_bytes(head)
        frame = child.stdout.read(size) if len(head) == LENGTH_BYTES else b""
        if not frame or len(frame) < size:
            return
        reply = _decode(frame)
        if isinstance(reply, Refusal):
            kind = LoginLostError if reply.exit_code == Exit.STOPPED else ConfigError
            raise kind(reply.error)
        yield reply


def _crashed(order: Order, code: int) -> Answer:
    how = f"signal {-code}" if code < 0 else f"exit code {code}"
    result = Result(
        line=order.first_line,
        url=order.urls[0],
        outcome=Outcome.CRASHED,
        error=f"the process that fetched it ended ({how})",
        error_kind=ErrorKind.CRASHED_DIED.word,
        worker=NAME,
    )
    return Answer(jsonl.encode(result))
