"""The bounded pool in which a worker's lines are fetched, and the gate before which they wait.

Law: at most `pool_size` greenlets exist, each takes step after step, so that a line costs no spawn;
a line that must wait (for its host's turn, for another attempt) waits outside of the pool. Lines of
all batches meet here and share nothing but the pool.
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
from msgspec import UNSET

from fetcher.error_kinds import ErrorKind
from fetcher.errors import Exit
from fetcher.fetch.interface import Fetch, Fetcher, KnowsTurns, with_kind
from fetcher.fetch.urls import host_key
from fetcher.model import Outcome, Result, Task
from fetcher.politeness.gate import FREE, Gate, Report, Rules
from fetcher.politeness.host_broker import Ticketed, number_of
from fetcher.protocol.bounds import MAX_SLOW
from fetcher.protocol.samples import Load, host_of
from fetcher.roles.worker.lease_buffer import LeaseBuffer
from fetcher.roles.worker.turns import TurnShare
from fetcher.settings.schema import Settings

log = logging.getLogger(__name__)

_CLOCK_S: Final = 0.01  # how exactly waits end
_IDLE_S: Final = 1.0
_MOST_QUEUED: Final = 512  # lines, before another batch is taken


class Line:
    """A line of a lease, on its way."""

    __slots__ = ("fetch", "held", "host", "task")

    def __init__(self, held: LeaseBuffer, task: Task, host: str) -> None:
        self.held = held
        self.task = task
        self.host = host  # whose turn it needs
        self.fetch: Fetch | None = None  # once it has begun

    @property
    def bit(self) -> int:
        """The line in its lease's mask."""
        return 1 << (self.task.line - self.held.first_line)


class LinePool:
    """One for a worker process."""

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

        Nothing is begun while not `may_begin`. `is_owner`: see politeness.Rules.
        """
        self._settings = settings
        self._fetcher = fetcher
        self._worker = worker
        self._done = done
        self._may_begin = may_begin
        self._size = settings.worker.pool_size
        self._pool = gevent.pool.Pool(self._size)
        self._busy = 0  # greenlets of it
        # Fetches end in bursts: with less in the queue, the pool would stand still after one.
        self._low = min(self._size, _MOST_QUEUED)
        self._queue: deque[Line] = deque()  # that may be asked for now
        self._starting = False  # a pool greenlet was spawned and has not run yet
        self._is_paused = False
        self._running: dict[Line, float] = {}  # -> since when, the longest first
        self.turns = TurnShare()
        polite = settings.polite
        # Nothing is sent by `null`; whatever else fetches, politeness goes by the URL's host.
        self._is_polite = polite.enabled and settings.worker.transport != "null"
        by_host = functools.partial(host_key, max_bytes=settings.http.max_url_bytes)
        self._turn_of = fetcher.turn_of if isinstance(fetcher, KnowsTurns) else by_host
        self._gate: Gate[Line] = Gate(
            Rules(
                per_host=polite.per_host,
                delay_s=polite.delay_s,
                circuit_failures=polite.circuit_failures,
                circuit_s=polite.circuit_s,
                is_owner=is_owner,
            )
        )
        self._hosts: dict[int, str] = {}  # those that the referee knows of
        self.exchanges = self.retries = 0  # so far
        self._most_in_flight = 0
        self.room = gevent.event.Event()  # there may be room for another batch
        self.host_news = gevent.event.Event()  # there may be something to tell the referee

    # -- lines come --------------------------------------------------------------------------

    @property
    def has_room(self) -> bool:
        """Whether another batch should be taken."""
        return (
            len(self._queue) <= self._low and self._gate.parked <= self._settings.worker.max_parked
        )

    def admit(self, held: LeaseBuffer, tasks: Iterable[Task]) -> None:
        """These lines are to be fetched."""
        if not self._is_polite:
            lines = [Line(held, task, FREE) for task in tasks]
            held.active += len(lines)
            self._queue.extend(lines)
            self.start()
            return
        now = time.monotonic()
        for task in tasks:
            host = FREE if task.fault else self._turn_of(task.url)
            self._gate.arrive(host, Line(held, task, host), now)
        self.turn()

    def turn(self) -> None:
        """Let those begin whose turn it is."""
        if self._is_paused:
            return
        now = time.monotonic()
        while len(self._queue) < self._size - self._busy:
            line = self._gate.take(now)
            if line is None:
                break
            line.held.active += 1
            self._queue.append(line)
        for line, why in self._gate.given_up():
            self._give_up(line, why)
        self.host_news.set()
        self.start()

    def watch_the_clock(self) -> None:
        """A greenlet's whole life: end the waits that time ends."""
        while True:
            at = self._gate.next_at()
            now = time.monotonic()
            if at is None or at > now + _IDLE_S or self._is_paused:
                gevent.sleep(_CLOCK_S if self._gate.parked else _IDLE_S / 10)
                continue
            gevent.sleep(max(at - now, _CLOCK_S))
            self.turn()

    # -- the pool ----------------------------------------------------------------------------

    def start(self) -> None:
        """See that a greenlet is there for the next line."""
        # Each greenlet starts the next one only as it takes a line: fetches that do not block
        # are done by one greenlet, and a thousand that do are in flight at once.
        if not self._starting and self._busy < self._size and self._has_work():
            self._starting = True
            self._busy += 1
            # A line whose row cannot be made would be held for ever by a worker that lives.
            self._pool.spawn(self._work).link_exception(lambda _: os._exit(Exit.BUG))

    def _has_work(self) -> bool:
        # While the sink does not take rows nothing new is begun, so that they do not pile up here.
        return bool(self._queue) and not self._is_paused and self._may_begin()

    def _work(self) -> None:
        self._starting = False
        try:
            self._take_lines()
        finally:
            self._busy -= 1
        # Lines that ask nobody may have found all slots taken, and no clock ends their wait.
        if self._is_polite:
            self.turn()

    def _take_lines(self) -> None:
        while self._has_work():
            line = self._queue.popleft()
            self.start()
            if len(self._queue) <= self._low:
                self.room.set()
            if self._needs_turn(line):
                line.held.active -= 1
                self._gate.arrive(line.host, line, time.monotonic())
                self.turn()
            else:
                self._step(line)

    def _needs_turn(self, line: Line) -> bool:
        """Whether what seemed to ask nobody would ask a host after all, as rules have an end."""
        if line.host or not self._is_polite or line.task.fault:
            return False
        if line.fetch is None:
            line.host = self._turn_of(line.task.url)
        elif line.fetch.result is None:
            line.host = self._turn_of(line.fetch.url)
        return bool(line.host)

    def _step(self, line: Line) -> None:
        self._running[line] = time.monotonic()
        self._most_in_flight = max(self._most_in_flight, len(self._running))
        try:
            if line.fetch is None:
                line.fetch = self._fetcher.begin(line.task)
            fetch = line.fetch
            if fetch.result is None:  # it is not given up
                self.exchanges += 1
                fetch.step()
            result = fetch.result
            if result is not None and (
                result.outcome is not Outcome.OK or result.error_kind is not UNSET
            ):
                result = with_kind(result)
        # A step raises nothing; one that does all the same must not cost the line its row.
        except Exception as error:
            log.exception("the fetcher failed on line %d", line.task.line)
            self._end(line, self._failed(line.task, error), Report())
            return
        report = self._report(line, fetch) if line.host else _FREE_REPORT
        if result is not None:
            self._end(line, result, report)
            return
        self.retries += fetch.wait_s > 0
        if self._is_polite or fetch.wait_s:
            self._park(line, fetch, report)
        else:
            del self._running[line]
            self._queue.appendleft(line)

    def _report(self, line: Line, fetch: Fetch) -> Report:
        took_s = time.monotonic() - self._running[line]
        if fetch.has_news:
            self._look_again(line.host)
        rest_s = fetch.rest_s or 0.0
        return Report(
            trouble=fetch.trouble,
            rest_s=rest_s,
            rest_why=fetch.rest_why,
            delay_s=fetch.delay_s,
            took_s=took_s,
            is_sent=fetch.is_sent,
        )

    def _look_again(self, host: str) -> None:
        """Some lines that wait for the host may be known by now not to be sent."""
        now = time.monotonic()
        for line in self._gate.part_out(host, lambda line: not self._turn_of(_url_of(line))):
            line.host = FREE
            self._gate.arrive(FREE, line, now)

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

    def _end(self, line: Line, result: Result, report: Report) -> None:
        if line.host:
            self._gate.done(line.host, time.monotonic(), report, line)
        if self._is_polite:
            self.turn()
        # Fetches end in bursts: rows and handlers must not keep the loop from its sockets. A line
        # that waits for its turn to compute is not overdue, however long the others take.
        del self._running[line]
        self.turns.wait()
        self._running[line] = time.monotonic()
        self._done(line, result)
        del self._running[line]
        line.held.active -= 1

    def _park(self, line: Line, fetch: Fetch, report: Report) -> None:
        del self._running[line]
        line.held.active -= 1
        now = time.monotonic()
        asked = line.host
        if self._is_polite:
            line.host = self._turn_of(fetch.url)
        self._gate.arrive(line.host, line, now, now + fetch.wait_s, first=not fetch.wait_s)
        if asked:
            self._gate.done(asked, now, report, line)
        self.turn()

    def _give_up(self, line: Line, why: str) -> None:
        if line.fetch is None:
            line.fetch = self._fetcher.begin(line.task)
        line.fetch.give_up(why)
        # Its end is the pool's as any other's, as that may take time; it has no host's turn.
        line.host = FREE
        line.held.active += 1
        self._queue.append(line)

    def share(self) -> list[Line]:
        """Half of the lines that wait for nothing but a slot; they are this pool's no more."""
        if self._busy < self._size or self._is_paused:
            return []
        spare = [line for line in self._queue if line.fetch is None and not line.host]
        hosts = self._gate.part_with(lambda line: line.fetch is None, time.monotonic())
        self.host_news.set()
        return self._forget(spare[len(spare) // 2 :]) + hosts

    def leave_out(self, held: LeaseBuffer, mask: int) -> int:
        """Forget these lines of a lease; which of them were not begun."""
        left_out = [
            line
            for line in self._queue
            if line.held is held and line.bit & mask and line.fetch is None and not line.host
        ]
        return functools.reduce(operator.or_, (line.bit for line in self._forget(left_out)), 0)

    def _forget(self, queued: list[Line]) -> list[Line]:
        gone = set(queued)
        self._queue = deque(line for line in self._queue if line not in gone)
        for line in queued:
            line.held.active -= 1
        self.room.set()
        return queued

    def pause(self, *, is_paused: bool) -> None:
        """Ask nothing new, of any host; or go on. What is in flight ends."""
        if is_paused != self._is_paused:
            self._is_paused = is_paused
            self.turn()

    # -- the referee -------------------------------------------------------------------------

    def wants(self, ticket: int, *, again: bool) -> list[int]:
        """Hosts to ask the referee for."""
        numbers = []
        for host in self._gate.wants(ticket, again=again):
            number = number_of(host)
            self._hosts[number] = host
            numbers.append(number)
        return numbers

    def releases(self) -> list[tuple[int, int, float]]:
        """Hosts to give back: number, ticket, seconds of rest."""
        given = []
        for host, ticket, rest_s in self._gate.releases():
            number = number_of(host)
            self._hosts.pop(number, None)
            given.append((number, ticket, rest_s))
        return given

    def owned(self) -> list[Ticketed]:
        """What this worker may ask."""
        return [(number_of(host), ticket) for host, ticket in self._gate.owned()]

    def granted(self, hosts: Iterable[Ticketed]) -> None:
        self._gate.granted(self._named(hosts), time.monotonic())
        self.turn()

    def recalled(self, hosts: Iterable[Ticketed]) -> None:
        self._gate.recalled(self._named(hosts), time.monotonic())
        self.turn()

    def disowned(self) -> None:
        """This worker was silent for too long: its hosts are others' by now."""
        self._gate.disowned(time.monotonic())
        self.turn()

    def _named(self, hosts: Iterable[Ticketed]) -> list[tuple[str, int]]:
        return [(self._hosts[n], ticket) for n, ticket in hosts if n in self._hosts]

    # -- what others may know ----------------------------------------------------------------

    @property
    def in_flight(self) -> int:
        return len(self._running) + self.turns.waiting

    def take_most_in_flight(self) -> int:
        """The most at once since it was taken last."""
        most, self._most_in_flight = self._most_in_flight, len(self._running)
        return most

    @property
    def queued(self) -> int:
        """Lines that are next."""
        return len(self._queue)

    @property
    def parked(self) -> int:
        """Lines that wait outside of the pool."""
        return self._gate.parked

    @property
    def hosts_owned(self) -> int:
        """Hosts that this worker may ask now."""
        return len(self._gate.owned())

    def loads(self) -> list[Load]:
        """What hosts have here."""
        if self._is_polite:
            return self._gate.loads(time.monotonic())
        hosts = Counter(host_of(line.task.url) for line in self._running)
        return [Load(host, count, 0) for host, count in hosts.items()]

    @property
    def is_hungry(self) -> bool:
        """Whether half of the slots are free, nothing here may use them now, and more may come."""
        is_idle = not self._queue and 2 * self._busy <= self._size
        return is_idle and self.has_room and not self._is_paused and self._may_begin()

    def in_flight_by_lease(
        self, now: float, slow_s: float
    ) -> tuple[dict[int, float], dict[int, int]]:
        """By lease: seconds since the oldest step began, and the lines that have another chance.

        These are in flight for `slow_s`, elsewhere no turn is needed for them, and there are few.
        """
        longest_s: dict[int, float] = {}
        slow: dict[int, int] = {}
        for line, since in self._running.items():
            lease, age_s = line.held.lease, now - since
            longest_s.setdefault(lease, age_s)
            is_slow = age_s >= slow_s and not line.host and line.fetch and not line.fetch.result
            if is_slow and (lease in slow or len(slow) < MAX_SLOW):
                slow[lease] = slow.get(lease, 0) | line.bit
        return longest_s, slow

    def turns_s(self, count: int) -> dict[int, float]:
        """By number, the hosts whose lines here will take longest, and about how long."""
        longest = self._gate.longest(count, time.monotonic())
        return {number_of(host): left_s for host, left_s in longest if host}

    def longest_s(self) -> tuple[float, int]:
        """For how long the oldest step has run, and its line; (0, 0) where none runs."""
        for line, since in self._running.items():
            return time.monotonic() - since, line.task.line
        return 0.0, 0

    def drain(self, timeout_s: float) -> None:
        """Begin nothing more, and let what is in flight end."""
        self._queue.clear()
        self._may_begin = lambda: False
        self._pool.join(timeout=timeout_s)


def _url_of(line: Line) -> str:
    return line.fetch.url if line.fetch else line.task.url


_FREE_REPORT: Final = Report()
