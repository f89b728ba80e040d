"""`python -m fetcher.roles.direct_main`: fetches URLs for fetcher.roles.direct, and ends.

Law: URLs pass through the pool of a worker, which here is the only one: it asks nobody for a
host's turn. Answers leave in the order of the URLs, and few are held back. Nobody imports this
file.
"""

from fetcher.roles.monkeypatch import patch_all

patch_all()

import faulthandler
import os
import sys
from typing import Final

import gevent
import gevent.event
import msgspec
from gevent.os import make_nonblocking, nb_read, nb_write

from fetcher import bitset
from fetcher.errors import ConfigError, Exit
from fetcher.fetch.http.capture import Keep
from fetcher.fetch.interface import HoldsBodies, make_fetcher
from fetcher.input.formats import TEXT
from fetcher.model import Result
from fetcher.protocol import messages
from fetcher.protocol.output_spec import Output
from fetcher.roles import rlimits
from fetcher.roles.direct import LENGTH_BYTES, NAME, Answer, Order, Refusal, encode
from fetcher.roles.spec import LEASH_FD
from fetcher.roles.worker.lease_buffer import LeaseBuffer
from fetcher.roles.worker.line_pool import Line, LinePool
from fetcher.roles.worker.row_builder import RowBuilder
from fetcher.telemetry import logs

_WINDOW: Final = 64  # URLs that are begun beyond the first one without an answer


class Direct:
    """Fetches the URLs of an order. Raises ConfigError."""

    def __init__(self, order: Order, reply_fd: int) -> None:
        settings = order.settings
        self._order = order
        self._reply_fd = reply_fd
        self._keeper = RowBuilder(settings.worker)
        self._fetcher = make_fetcher(settings, NAME)
        self._fetcher.keep = self._keeper.needed(order.bodies)
        if order.wants_bodies:
            self._fetcher.keep |= Keep.BODY
        self._output = Output(bodies=order.bodies)
        self.pool = LinePool(
            settings, self._fetcher, NAME, self._finished, self._has_room, is_owner=True
        )
        held = _held(order)
        self._held = held
        self._tasks = list(held.tasks())
        self._begun = self._told = 0
        self._answers: dict[int, bytes] = {}  # by line, those that wait for their turn
        self._is_telling = False
        self._all_told = gevent.event.Event()

    def run(self) -> None:
        """Return when the last answer has been sent."""
        self._begin_more()
        self._all_told.wait()

    def _has_room(self) -> bool:
        return not isinstance(self._fetcher, HoldsBodies) or self._fetcher.memory.has_room

    def _begin_more(self) -> None:
        until = min(self._told + _WINDOW, len(self._tasks))
        tasks, self._begun = self._tasks[self._begun : until], until
        if tasks:
            self.pool.admit(self._held, tasks)

    def _finished(self, line: Line, result: Result) -> None:
        body = line.fetch.body if self._order.wants_bodies and line.fetch else None
        made = self._keeper.make(self._output, result, line.task, line.fetch)
        if line.fetch is not None:
            line.fetch.let_go()
        self._answers[line.task.line] = encode(Answer(made.row, body))
        if not self._is_telling:
            self._is_telling = True
            self._tell()
            self._is_telling = False

    def _tell(self) -> None:
        """Send what is next, also what becomes so while it is sent."""
        while answer := self._answers.pop(self._order.first_line + self._told, None):
            send(self._reply_fd, answer)
            self._told += 1
            self._begin_more()
            self.pool.start()
        if self._told == len(self._tasks):
            self._all_told.set()

    def watch_loop(self) -> None:
        """A greenlet's whole life: without its sign of life, a native thread ends the process."""
        worker = self._order.settings.worker
        while True:
            faulthandler.dump_traceback_later(worker.watchdog_s, exit=True)
            gevent.sleep(worker.heartbeat_s)


def _held(order: Order) -> LeaseBuffer:
    """All the URLs as if they were leased."""
    mask = bitset.pack((1 << len(order.urls)) - 1)
    tasks = messages.Assignment(
        job="",
        lease=1,
        batch=0,
        batch_mask=mask,
        first_line=order.first_line,
        mask=mask,
        format=TEXT,
    )
    return LeaseBuffer(tasks, "\n".join(order.urls).encode(), NAME, 0)


def send(fd: int, reply: bytes) -> None:
    """Write a reply; other greenlets run meanwhile."""
    left = memoryview(len(reply).to_bytes(LENGTH_BYTES) + reply)
    while left:
        left = left[nb_write(fd, left) :]


def _watch_leash() -> None:
    make_nonblocking(LEASH_FD)
    while nb_read(LEASH_FD, 1):
        pass
    os._exit(Exit.STOPPED)  # whoever asked is gone


def _main() -> Exit:
    reply_fd = os.dup(sys.stdout.fileno())
    make_nonblocking(reply_fd)
    # What the user's modules print is no reply.
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    order = msgspec.json.decode(sys.stdin.buffer.readline(), type=Order)
    logs.start(order.settings.log, "worker", NAME)
    try:
        rlimits.allow(order.settings)
        direct = Direct(order, reply_fd)
    except ConfigError as error:
        send(reply_fd, encode(Refusal(str(error))))
        return Exit.USAGE
    faulthandler.enable(file=sys.stderr)
    for loop in (_watch_leash, direct.watch_loop, direct.pool.watch_the_clock):
        gevent.spawn(loop).link_exception(lambda _: os._exit(Exit.BUG))
    direct.run()
    return Exit.DONE


if __name__ == "__main__":
    # At once: connections need no farewell, and the user's modules may have threads.
    os._exit(_main())
