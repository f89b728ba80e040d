"""The bounded pool that fetches a worker's lines, and the gate in which they wait for their hosts.

At most `pool_size` greenlets exist. Each takes one step after another, so that a line does not cost
a greenlet. A line that must wait, for its host's turn or before a retry, waits outside the pool.
The lines of all leases share the pool and nothing else.
"""

from __future__ import annotations

import functools
import logging
import operator
import os
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable
from typing import Final

import gevent
import gevent.event
import gevent.pool
from gevent.lock import Semaphore
from msgspec import UNSET

from fetcher.error_kinds import ErrorKind
from fetcher.errors import Exit
from fetcher.fetch.interface import Fetch, Fetcher, KnowsTurns, with_kind
from fetcher.fetch.urls import host_key
from fetcher.model import Outcome, Result, Task
from fetcher.politeness.gate import Gate
from fetcher.politeness.host_state import FREE, Experience, Report, Rules
from fetcher.protocol.samples import Load, shown_host_of
from fetcher.roles.worker.cpu_share import CpuShare
from fetcher.roles.worker.lease_buffer import LeaseBuffer
from fetcher.roles.worker.lines import Line, RunningLines
from fetcher.settings.schema import Polite, Settings

log = logging.getLogger(__name__)

_CLOCK_S: Final = 0.01  # how exactly waits end
_IDLE_S: Final = 1.0
_MAX_QUEUED: Final = 512  # lines, above which no other batch is taken
_OK: Final = Outcome.OK  # read for each line, and looked up slowly in an enum
_NOTHING_LEARNT: Final = Report()


class LinePool:
    """The pool of a worker process.

    `room` is set when there may be room for another batch, `host_news` when the gate may have
    something to tell the host broker.
    """

    def __init__(
        self,
        settings: Settings,
        fetcher: Fetcher,
        worker: str,
        done: Callable[[Line, Result], None],
        may_begin: Callable[[], bool],
        *,
        is_owner: bool = False,
    ) -> None:
        """`done` takes each line's result, in a greenlet of the pool, where it may wait.

        No step begins while `may_begin` returns False. `is_owner`: see politeness.host_state.Rules.
        """
        self.gate: Gate[Line] = Gate(_rules(settings.polite, is_owner=is_owner))
        self._is_owner = is_owner
        self.cpu_share = CpuShare()
        self.room = gevent.event.Event()
        self.host_news = gevent.event.Event()
        self.running = RunningLines()
        self.exchanges = self.retries = 0  # so far
        self._fetcher = fetcher
        self._worker = worker
        self._done = done
        self._may_begin = may_begin
        self._max_parked = settings.worker.max_parked
        self._size = settings.worker.pool_size
        self._pool = gevent.pool.Pool(self._size)
        self._busy = 0  # its greenlets
        self._waiting = 0  # lines that wait for a turn that few need
        # Fetches end in bursts: with fewer lines queued, the pool would run dry after one.
        self._low = min(self._size, _MAX_QUEUED)
        self._queue: deque[Line] = deque()  # lines that may go on without the turn of a host
        self._is_starting = False  # a greenlet was spawned and has not run yet
        self._is_paused = False
        # `null` sends nothing. For any other transport, politeness goes by the URL's host.
        self._is_polite = settings.polite.enabled and settings.worker.transport != "null"
        by_host = functools.partial(host_key, max_bytes=settings.http.max_url_bytes)
        self._turn_of = fetcher.turn_of if isinstance(fetcher, KnowsTurns) else by_host

    # -- lines come --------------------------------------------------------------------------

    @property
    def has_room(self) -> bool:
        """Whether another batch should be taken."""
        # Lines whose hosts are ready are as good as queued: others may as well fetch the next ones.
        is_low = len(self._queue) + len(self.gate.ready) <= self._low
        return is_low and self.gate.parked <= self._max_parked

    def admit(self, buffer: LeaseBuffer, tasks: Iterable[Task]) -> None:
        """Fetch these lines of a lease."""
        if not self._is_polite:
            lines = [Line(buffer, task, FREE) for task in tasks]
            buffer.active += len(lines)
            self._queue.extend(lines)
            self.start()
            return
        now = time.monotonic()
        for task in tasks:
            host = FREE if task.fault else self._turn_of(task.url)
            self.gate.arrive(host, Line(buffer, task, host), now)
        self.take_turns()

    def take_turns(self) -> None:
        """Begin lines whose host has a free turn, and pass on what the gate has to tell."""
        if self._is_paused:
            return
        self.gate.ripen(time.monotonic())
        self._hear_gate()
        self.start()

    def _hear_gate(self) -> None:
        gate = self.gate
        while gate.given_up:
            self._give_up(*gate.given_up.popleft())
        if gate.has_news:
            self.host_news.set()

    def watch_the_clock(self) -> None:
        """End the waits that time ends; runs for ever, in a greenlet of its own."""
        while True:
            at = self.gate.next_at()
            now = time.monotonic()
            if self._is_owner:  # else HostTurns does this
                self.gate.give_unused_back(now)
            if at is None or at > now + _IDLE_S or self._is_paused:
                gevent.sleep(_CLOCK_S if self.gate.parked else _IDLE_S / 10)
                continue
            gevent.sleep(max(at - now, _CLOCK_S))
            self.take_turns()

    # -- the pool ----------------------------------------------------------------------------

    def start(self) -> None:
        """Spawn a greenlet for the next line, if there is one and a slot of the pool is free."""
        # Each greenlet spawns the next one only as it takes a line: fetches that do not block are
        # done by one greenlet, and a thousand that do are in flight at once.
        if not self._is_starting and self._busy < self._size and self._has_work():
            self._is_starting = True
            self._busy += 1
            # A worker that lives would keep a line whose row cannot be made for ever.
            self._pool.spawn(self._work).link_exception(lambda _: os._exit(Exit.BUG))

    def _has_work(self) -> bool:
        # While the sink does not take rows, no new step begins, so that rows do not pile up here.
        return bool(self._queue or self.gate.ready) and not self._is_paused and self._may_begin()

    def _next(self) -> Line | None:
        """The next line to make a step of; None: there is none now."""
        if self._is_paused or not self._may_begin():
            return None
        if self._queue:
            return self._queue.popleft()
        gate = self.gate
        if not (self._is_polite or gate.ready):
            return None
        line = gate.take(time.monotonic())
        if line is not None:
            line.buffer.active += 1
        if gate.given_up or gate.has_news:
            self._hear_gate()
        return line

    def _work(self) -> None:
        self._is_starting = False
        try:
            self._take_lines()
        finally:
            self._busy -= 1
        # Lines that need no host's turn may have found all slots taken; no clock ends their wait.
        if self._is_polite:
            self.take_turns()

    def _take_lines(self) -> None:
        while (line := self._next()) is not None:
            if self._busy < self._size:
                self.start()
            if len(self._queue) <= self._low and self.has_room:
                self.room.set()
            if self._is_polite and not line.host and self._needs_turn(line):
                line.buffer.active -= 1
                self.gate.arrive(line.host, line, time.monotonic())
                self.take_turns()
            else:
                self._step(line)

    def _needs_turn(self, line: Line) -> bool:
        """Return whether a line that needed no host's turn needs one now.

        The rules by which it needed none may have expired meanwhile.
        """
        if line.task.fault:
            return False
        if line.fetch is None or line.fetch.result is None:
            line.host = self._turn_of(line.url)
        return bool(line.host)

    def _step(self, line: Line) -> None:
        self.running.start(line, time.monotonic())
        try:
            if line.fetch is None:
                line.fetch = self._fetcher.begin(line.task)
            fetch = line.fetch
            if fetch.result is None:  # it is not given up
                self.exchanges += 1
                fetch.step()
            result = fetch.result
            if result is not None and (result.outcome is not _OK or result.error_kind is not UNSET):
                result = with_kind(result)
        # A step should raise nothing. If it does, the line gets its row anyway.
        except Exception as error:
            log.exception("the fetcher failed on line %d", line.task.line)
            self._end(line, self._failed(line.task, error), _NOTHING_LEARNT)
            return
        if fetch.has_news and line.host:
            self._recheck_waiting(line.host)
        if result is not None:
            self._end(line, result, fetch)
            return
        self.retries += fetch.wait_s > 0
        if self._is_polite or fetch.wait_s:
            self._park(line, fetch)
        else:
            del self.running[line]
            self._queue.appendleft(line)

    def _recheck_waiting(self, host: str) -> None:
        """Release the lines that wait for the host, but will send it nothing as is known now."""
        now = time.monotonic()
        for line in self.gate.take_waiting(host, lambda line: not self._turn_of(line.url)):
            line.host = FREE
            self.gate.arrive(FREE, line, now)

    def _failed(self, task: Task, error: Exception) -> Result:
        said = " ".join(f"the fetcher itself failed: {type(error).__name__}: {error}".split())
        kind = ErrorKind.PROTOCOL_INTERNAL
        return Result(
            task.line,
            task.url,
            kind.outcome,
            error=said,
            error_kind=kind.word,
            worker=self._worker,
        )

    def _end(self, line: Line, result: Result, report: Experience) -> None:
        if line.host:
            now = time.monotonic()
            self.gate.done(line.host, now, report, line, now - self.running[line])
        if self._is_polite and self._busy < self._size:
            self.take_turns()
        # Fetches end in bursts: rows and handlers must not keep the loop from its sockets. A line
        # that waits for its turn to compute is not overdue, however long the others take.
        del self.running[line]
        self.running[line] = self.cpu_share.wait()
        self._done(line, result)
        del self.running[line]
        line.buffer.active -= 1

    def wait_for(self, line: Line, turn: Semaphore) -> None:
        """Wait for `turn`, which few lines need; to be called by `done`.

        The line does not count as overdue while it waits.
        """
        del self.running[line]
        self._waiting += 1
        turn.acquire()
        self._waiting -= 1
        self.running[line] = time.monotonic()

    def _park(self, line: Line, fetch: Fetch) -> None:
        now = time.monotonic()
        took_s = now - self.running.pop(line)
        line.buffer.active -= 1
        requested = line.host
        if self._is_polite:
            line.host = self._turn_of(fetch.url)
        self.gate.arrive(line.host, line, now, now + fetch.wait_s, first=not fetch.wait_s)
        if requested:
            self.gate.done(requested, now, fetch, line, took_s)
        self.take_turns()

    def _give_up(self, line: Line, why: str) -> None:
        if line.fetch is None:
            line.fetch = self._fetcher.begin(line.task)
        line.fetch.give_up(why)
        # Its row is made in the pool, as that may take time; this needs no host's turn.
        line.host = FREE
        line.buffer.active += 1
        self._queue.append(line)

    # -- lines leave -------------------------------------------------------------------------

    def remove_half(self) -> list[Line]:
        """Remove and return half of the lines that wait only for a slot, if the pool is full."""
        if self._busy < self._size or self._is_paused:
            return []
        spare = [line for line in self._queue if line.fetch is None and not line.host]
        hosts = self.gate.give_up_hosts(lambda line: line.fetch is None, time.monotonic())
        self.host_news.set()
        return self._remove(spare[len(spare) // 2 :]) + hosts

    def leave_out(self, buffer: LeaseBuffer, mask: int) -> int:
        """Remove those of these lines of a lease that have not begun; return their mask."""
        left_out = [
            line
            for line in self._queue
            if line.buffer is buffer and line.bit & mask and line.fetch is None and not line.host
        ]
        return functools.reduce(operator.or_, (line.bit for line in self._remove(left_out)), 0)

    def _remove(self, queued: list[Line]) -> list[Line]:
        removed = set(queued)
        self._queue = deque(line for line in self._queue if line not in removed)
        for line in queued:
            line.buffer.active -= 1
        self.room.set()
        return queued

    def pause(self, *, is_paused: bool) -> None:
        """Pause or resume; steps in flight end normally."""
        if is_paused != self._is_paused:
            self._is_paused = is_paused
            self.take_turns()

    def resume(self) -> None:
        """Begin steps again, as `may_begin` may return True now."""
        if self._is_polite:
            self.take_turns()
        self.start()
        self.room.set()

    def drain(self, timeout_s: float) -> None:
        """Begin no more steps, and wait for those in flight."""
        self._queue.clear()
        self._may_begin = lambda: False
        self._pool.join(timeout=timeout_s)

    # -- numbers -----------------------------------------------------------------------------

    @property
    def in_flight(self) -> int:
        """Lines in a step, or waiting to compute their row."""
        return len(self.running) + self.cpu_share.waiting + self._waiting

    @property
    def queued(self) -> int:
        """Lines that wait for a slot of the pool."""
        return len(self._queue)

    @property
    def parked(self) -> int:
        """Lines that wait outside the pool."""
        return self.gate.parked

    def loads(self) -> list[Load]:
        """Return how many lines each host has here."""
        if self._is_polite:
            return self.gate.loads(time.monotonic())
        hosts = Counter(shown_host_of(line.task.url) for line in self.running)
        return [Load(host, count, 0) for host, count in hosts.items()]

    @property
    def is_hungry(self) -> bool:
        """Whether half of the pool is free, no line here may use it, and more lines may come."""
        is_idle = not self._queue and not self.gate.ready and 2 * self._busy <= self._size
        return is_idle and self.has_room and not self._is_paused and self._may_begin()


def _rules(polite: Polite, *, is_owner: bool) -> Rules:
    return Rules(
        per_host=polite.per_host,
        delay_s=polite.delay_s,
        circuit_failures=polite.circuit_failures,
        circuit_s=polite.circuit_s,
        is_owner=is_owner,
    )
