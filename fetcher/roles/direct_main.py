"""`python -m fetcher.roles.direct_main`: fetches URLs for fetcher.roles.direct, and ends.

URLs pass through the pool of a worker. As it is the only worker, its gate grants hosts' turns
itself. Answers leave in the order of the URLs, and few are held back. No module imports this file.
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
from gevent.os import make_nonblocking, nb_write

from fetcher import bitset
from fetcher.errors import ConfigError, Exit, FetcherError
from fetcher.fetch.body.capture import Keep
from fetcher.fetch.interface import HoldsBodies, make_fetcher
from fetcher.input.formats import TEXT
from fetcher.model import Result
from fetcher.protocol import messages
from fetcher.protocol.output_spec import Output
from fetcher.roles import lifetime, rlimits
from fetcher.roles.direct import LENGTH_BYTES, NAME, Answer, Order, Refusal, encode
from fetcher.roles.interpreter import search_also
from fetcher.roles.worker.lease_buffer import LeaseBuffer
from fetcher.roles.worker.line_pool import LinePool
from fetcher.roles.worker.lines import Line
from fetcher.roles.worker.lone_login import LoneLogin
from fetcher.roles.worker.parent_pipe import wait_for_parents_end
from fetcher.roles.worker.row_builder import RowBuilder
from fetcher.telemetry import logs

_WINDOW: Final = 64  # URLs that may be in progress beyond the first one without an answer


class Direct:
    """Fetches the URLs of an order. Raises ConfigError."""

    def __init__(self, order: Order, reply_fd: int) -> None:
        settings = order.settings
        self._order = order
        self._reply_fd = reply_fd
        row_builder = RowBuilder(settings.worker)
        self._make_row = row_builder.maker(Output(bodies=order.bodies))
        self._fetcher = make_fetcher(settings, NAME)
        self._fetcher.keep = row_builder.needed(order.bodies)
        if order.wants_bodies:
            self._fetcher.keep |= Keep.BODY
        self._login: LoneLogin | None = None
        if settings.http.login:
            self._login = LoneLogin(NAME, self._fetcher, settings.http)
        self.pool = LinePool(
            settings, self._fetcher, NAME, self._finished, self._has_room, is_owner=True
        )
        self._buffer = _buffer_of(order)
        self._tasks = list(self._buffer.tasks())
        self._begun = self._sent = 0
        self._answers: dict[int, bytes] = {}  # by line, those that wait for an earlier one
        self._is_sending = False
        self._all_sent = gevent.event.Event()

    def run(self) -> None:
        """Return when the last answer has been sent."""
        if self._login is not None:
            self._login.keeper.changed = self.pool.resume
            gevent.spawn(self._log_in, self._login)
        self._begin_more()
        self._all_sent.wait()

    def _log_in(self, login: LoneLogin) -> None:
        """Keep the session valid; if that fails, the process ends, and says why."""
        try:
            login.run()
        except FetcherError as error:
            self.pool.pause(is_paused=True)
            while self._is_sending:
                gevent.sleep(0.01)
            send(self._reply_fd, encode(Refusal(str(error), error.exit_code)))
            os._exit(error.exit_code)

    def _has_room(self) -> bool:
        if self._login is not None and self._login.keeper.is_waiting:
            return False
        return not isinstance(self._fetcher, HoldsBodies) or self._fetcher.memory.has_room()

    def _begin_more(self) -> None:
        until = min(self._sent + _WINDOW, len(self._tasks))
        tasks, self._begun = self._tasks[self._begun : until], until
        if tasks:
            self.pool.admit(self._buffer, tasks)

    def _finished(self, line: Line, result: Result) -> None:
        body = line.fetch.body if self._order.wants_bodies and line.fetch else None
        made = self._make_row(line, result)
        if line.fetch is not None:
            line.fetch.release()
        self._answers[line.task.line] = encode(Answer(made.row, body))
        if not self._is_sending:
            self._is_sending = True
            self._send_answers()
            self._is_sending = False

    def _send_answers(self) -> None:
        """Send the answers that are next, also those that become so meanwhile."""
        while answer := self._answers.pop(self._order.first_line + self._sent, None):
            send(self._reply_fd, answer)
            self._sent += 1
            self._begin_more()
            self.pool.start()
        if self._sent == len(self._tasks):
            self._all_sent.set()

    def watch_loop(self) -> None:
        """Keep the watchdog quiet, a native thread that ends the process if the loop is stuck."""
        worker = self._order.settings.worker
        while True:
            faulthandler.dump_traceback_later(worker.watchdog_s, exit=True)
            gevent.sleep(worker.heartbeat_s)


def _buffer_of(order: Order) -> LeaseBuffer:
    """Return a lease of all the URLs."""
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


def _watch_parent() -> None:
    wait_for_parents_end()
    os._exit(Exit.STOPPED)


def _main() -> Exit:
    reply_fd = os.dup(sys.stdout.fileno())
    make_nonblocking(reply_fd)
    # The user's modules may print: this must not get between the replies.
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    order = msgspec.json.decode(sys.stdin.buffer.readline(), type=Order)
    logs.start(order.settings.log, "worker", NAME)
    search_also(order.own_folders)
    try:
        rlimits.allow(order.settings)
        direct = Direct(order, reply_fd)
    except ConfigError as error:
        send(reply_fd, encode(Refusal(str(error))))
        return Exit.USAGE
    lifetime.imported()
    faulthandler.enable(file=sys.stderr)
    for loop in (_watch_parent, direct.watch_loop, direct.pool.watch_the_clock):
        gevent.spawn(loop).link_exception(lambda _: os._exit(Exit.BUG))
    direct.run()
    return Exit.DONE


if __name__ == "__main__":
    # Exit at once: connections need no closing, and the user's modules may have threads.
    os._exit(_main())
