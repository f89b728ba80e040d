"""`bootstrap.py fetcher.engines.ray.process PARENT_PID`: Ray's driver for one job.

It is a process of its own, because Ray replaces signal handlers, writes to the terminal, and ends
its process when it has lost its cluster. Requests come by standard input, answers go to standard
output. When the input ends or the parent dies, this process ends, and so does a Ray that it has
started. A Ray that it has not started ends the actors of a driver that has gone.
"""

from __future__ import annotations

import contextlib
import math
import os
import queue
import signal
import socket
import sys
import time
from typing import Any, Final, NoReturn

import msgspec
import ray

from fetcher.engines import leash
from fetcher.engines.ray.actors import RayActors, one_line
from fetcher.engines.ray.messages import Answer, Order, Request, encode
from fetcher.engines.ray.slots import Slots
from fetcher.roles import lifetime

_CONNECT_S: Final = 5.0
_FINISH_S: Final = 1.5  # at the end, for running slots, which have heard that the job is over
_LEAVE_S: Final = 4.0  # once the input has ended
_TURN_S: Final = 0.1
_CLIENT: Final = "ray://"
# Slots keep nothing in Ray's store of objects; less is refused.
_STORE_BYTES: Final = 80 * 1024 * 1024
_QUIET: Final[dict[str, Any]] = {"log_to_driver": False, "logging_level": "ERROR"}


class _Lost(Exception):
    """Ray cannot be used any more; the text says why."""


class _Session:
    """This process's connection to Ray."""

    def __init__(self, order: Order) -> None:
        self._order = order
        try:
            _connect(order)
            self._node = ray.get_runtime_context().get_node_id()
        except Exception as error:  # whatever Ray raises
            raise _Lost(_unreached(order, error)) from error
        self._slots = Slots(RayActors(order.cpus, order.folders), order.slots, order.start_s)

    def answer(self, request: Request) -> Answer:
        """Do what is asked. Raises _Lost."""
        try:
            if request.is_last:
                self._end()
                return Answer()
            self._require_node()
            self._slots.place(request.tickets)
            results = self._slots.turn(time.time())
            return Answer(tuple(dict(result) for result in results), self._slots.count())
        except (ray.exceptions.RayError, RuntimeError, OSError) as error:
            raise _Lost(f"Ray has failed: {one_line(error)}") from error

    def _require_node(self) -> None:
        """Raise _Lost if the node of this process is dead: Ray does nothing for its driver then."""
        for node in ray.nodes():
            if node["NodeID"] == self._node and not node["Alive"]:
                raise _Lost("the node of Ray that this job was connected to has died")

    def _end(self) -> None:
        self._slots.forget_waiting()
        until = time.monotonic() + _FINISH_S
        while self._slots.running() and time.monotonic() < until:
            time.sleep(_TURN_S)
            self._slots.turn(time.time())
        self._slots.end()


def _connect(order: Order) -> None:
    if not order.address:
        ray.init(
            address="local",
            num_cpus=math.ceil(order.slots * order.cpus),
            include_dashboard=False,
            object_store_memory=_STORE_BYTES,
            _temp_dir=order.directory,
            **_QUIET,
        )
        return
    _require_listener(order.address.removeprefix(_CLIENT))
    ray.init(address=order.address, **_QUIET)


def _require_listener(address: str) -> None:
    """Raise OSError if nobody listens: Ray would try for a minute or two."""
    host, _, port = address.rpartition(":")
    if host and port.isdecimal():
        socket.create_connection((host.strip("[]"), int(port)), _CONNECT_S).close()


def _unreached(order: Order, error: Exception) -> str:
    if not order.address:
        return f"a local Ray cannot be started: {one_line(error)}"
    return f"the Ray at {order.address} cannot be used: {one_line(error)}"


class _Lines:
    """The lines of standard input, from the thread that reads it; "": it has ended."""

    def __init__(self) -> None:
        self._lines: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        self._partial = b""

    def hear(self, block: bytes) -> None:
        *lines, self._partial = (self._partial + block).split(b"\n")
        for line in lines:
            self._lines.put(line)

    def close(self) -> None:
        self._lines.put(b"")

    def next(self) -> bytes:
        return self._lines.get()


def _serve(lines: _Lines, stdout: int) -> None:
    session: _Session | None = None
    while line := lines.next():
        try:
            if session is None:
                session = _Session(msgspec.json.decode(line, type=Order))
                answer = Answer()
            else:
                answer = session.answer(msgspec.json.decode(line, type=Request))
        except _Lost as lost:
            answer = Answer(error=str(lost))
        os.write(stdout, encode(answer))
        if answer.error:
            return


def _kill() -> NoReturn:
    """End this process, and all that a Ray of its own has left: that is in its process group."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(os.getpid(), signal.SIGKILL)
    os._exit(1)


def main() -> NoReturn:
    """Answer requests until the input ends."""
    stdout = os.dup(1)
    os.dup2(2, 1)  # Ray prints
    lines = _Lines()

    def hurry() -> None:
        lines.close()
        time.sleep(_LEAVE_S)
        _kill()

    leash.watch_input(int(sys.argv[1]), lines.hear, hurry)
    _serve(lines, stdout)
    with contextlib.suppress(Exception):
        ray.shutdown()
    _kill()


if __name__ == "__main__":
    lifetime.imported()
    main()
