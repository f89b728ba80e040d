"""The worker: takes batches as data, fetches them in one bounded pool, sends rows to the sink.

Law: runs in a fresh, patched interpreter (worker_main). One pool for the process; batches overlap
in it and share nothing. A greenlet of the pool takes line after line from one queue, so a line
costs no spawn; at most `pool_size` of them exist. A socket belongs to one greenlet.
"""

from __future__ import annotations

import faulthandler
import logging
import os
import resource
import signal
import sys
from collections import deque
from typing import Final

import gevent
import gevent.event
import gevent.pool
import gevent.queue
import zmq.green as zmq
from gevent.os import make_nonblocking, nb_read

from fetcher.core import wire
from fetcher.encode import jsonl
from fetcher.errors import ConfigError, Exit
from fetcher.model import Chunk, Outcome, Result, Task
from fetcher.net.fetch import make_fetcher
from fetcher.pipeline.channel import Way, ends, open_socket, parse, send
from fetcher.pipeline.held import Held
from fetcher.pipeline.process import LEASH_FD, RoleSpec, start_log

log = logging.getLogger(__name__)

_OUTBOX_CHUNKS: Final = 64
_FILES_BESIDE_THE_POOL: Final = 100  # sockets, libraries' own files, name look-ups
_SEND_SLICE_S: Final = 1.0
_RECEIVE_SLICE_S: Final = 5.0  # a safety timeout: a wake-up that zmq.green missed is made up for
_LINGER_MS: Final = 2_000
_LEAVE_S: Final = 5.0  # at the end: for the last rows to be taken by the sink


class Worker:
    """One worker process."""

    def __init__(self, spec: RoleSpec) -> None:
        settings = spec.effective()
        self._name = spec.name
        self._settings = settings.worker
        self._fetcher = make_fetcher(settings, spec.name)
        self._pool = gevent.pool.Pool(settings.worker.pool_size)
        self._queue: deque[tuple[Held, Task]] = deque()
        self._starting = False  # a pool greenlet was spawned and has not run yet
        self._held: dict[int, Held] = {}
        self._room = gevent.event.Event()
        self._outbox = gevent.queue.JoinableQueue(_OUTBOX_CHUNKS)
        self._leave = gevent.event.Event()
        self._job = ""
        self._hurried = False  # what is in flight is in vain: its rows are there, or unwanted
        context = zmq.Context()
        self._context = context
        addresses = ends(spec.ventilator, spec.sink)
        self._tasks = open_socket(context, zmq.PULL, Way.TASKS, addresses.tasks)
        self._results = open_socket(context, zmq.PUSH, Way.RESULTS, addresses.results)
        self._events = open_socket(context, zmq.PUSH, Way.EVENTS, addresses.events)
        self._control = open_socket(context, zmq.SUB, Way.CONTROL, addresses.control)
        self._leashed = spec.leashed

    def run(self) -> Exit:
        """Work until told to finish or to stop."""
        for number in (signal.SIGTERM, signal.SIGINT):
            gevent.signal_handler(number, self._leave.set)
        loops = [self._intake, self._flush, self._send_chunks, self._heartbeat, self._listen]
        if self._leashed:
            loops.append(self._watch_leash)
        running = [gevent.spawn(loop) for loop in loops]
        for greenlet in running:
            # A loop that ends by an exception must not leave a worker that only looks alive.
            greenlet.link_exception(lambda _: os._exit(Exit.BUG))
        self._leave.wait()
        self._drain()
        gevent.killall(running)
        self._control.close(0)  # its subscription would linger where the ventilator has left
        self._context.destroy(linger=_LINGER_MS)
        return Exit.DONE

    def _drain(self) -> None:
        """Let requests in flight finish within the grace time; hand their rows over; say bye."""
        self._queue.clear()
        self._pool.join(timeout=0 if self._hurried else self._settings.grace_s)
        for held in self._held.values():
            self._pass_on(held)
        with gevent.Timeout(_LEAVE_S, False):
            self._outbox.join()
        send(self._events, wire.Bye(worker=self._name))

    # -- tasks -------------------------------------------------------------------------------

    def _intake(self) -> None:
        low = self._settings.pool_size // 8
        while not self._leave.is_set():
            self._room.clear()
            if len(self._queue) > low:
                self._room.wait()
                continue
            frames = None
            with gevent.Timeout(_RECEIVE_SLICE_S, False):
                frames = self._tasks.recv_multipart()
            received = parse(frames) if frames else None
            if received is None:
                continue
            message, urls = received
            if isinstance(message, wire.Tasks):
                self._take(message, urls)
            else:
                log.warning("dropped a task of type %s", type(message).__name__)

    def _take(self, tasks: wire.Tasks, urls: bytes) -> None:
        send(self._events, wire.Claim(worker=self._name, lease=tasks.lease))
        self._job = tasks.job
        skip = 0
        for other in self._held.values():
            if (other.job, other.batch) == (tasks.job, tasks.batch):
                skip |= other.outstanding
        held = Held(tasks, urls, self._name, skip)
        try:
            work = [(held, task) for task in held.tasks()]
        except ValueError:
            log.warning("dropped tasks of batch %d: mask and lines do not agree", tasks.batch)
            return
        self._held[held.lease] = held
        if not work:
            self._end(held)
        self._queue.extend(work)
        self._start_greenlet()

    # -- the pool ----------------------------------------------------------------------------

    def _start_greenlet(self) -> None:
        # Each greenlet starts the next one only as it takes a line: fetches that do not block
        # are done by one greenlet, and a thousand that do are in flight at once.
        if self._has_work() and not self._starting and self._pool.free_count() > 0:
            self._starting = True
            self._pool.spawn(self._work)

    def _has_work(self) -> bool:
        # While the sink does not take rows nothing new is begun, so that they do not pile up here.
        return bool(self._queue) and not self._outbox.full()

    def _work(self) -> None:
        self._starting = False
        while self._has_work():
            held, task = self._queue.popleft()
            self._start_greenlet()
            if len(self._queue) <= self._settings.pool_size // 8:
                self._room.set()
            result = self._fetch(task)
            kept = held.finish(result, jsonl.encode(result))
            if not held.outstanding:
                self._end(held)
            elif kept >= self._settings.chunk_rows:
                self._pass_on(held)

    def _fetch(self, task: Task) -> Result:
        try:
            return self._fetcher.fetch(task)
        # A fetcher raises nothing; one that does all the same must not cost the line its row.
        except Exception as error:
            log.exception("the fetcher failed on line %d", task.line)
            said = f"the fetcher itself failed: {type(error).__name__}: {error}"
            return Result(task.line, task.url, Outcome.PROTOCOL, error=said, worker=self._name)

    # -- rows --------------------------------------------------------------------------------

    def _end(self, held: Held) -> None:
        self._held.pop(held.lease, None)
        self._outbox.put((held.take_chunk(), held.lease))

    def _pass_on(self, held: Held) -> None:
        chunk = held.take_chunk()
        if chunk is not None:
            self._outbox.put((chunk, None))

    def _flush(self) -> None:
        while True:
            gevent.sleep(self._settings.chunk_interval_s)
            for held in list(self._held.values()):
                self._pass_on(held)

    def _send_chunks(self) -> None:
        while True:
            chunk, ended = self._outbox.get()
            self._start_greenlet()
            if chunk is not None:
                self._send_chunk(chunk)
            if ended is not None:
                send(self._events, wire.Finished(worker=self._name, lease=ended))
            self._outbox.task_done()

    def _send_chunk(self, chunk: Chunk) -> None:
        frames = wire.encode(*wire.chunk_parts(chunk))
        sent = False
        while not sent:
            with gevent.Timeout(_SEND_SLICE_S, False):
                self._results.send_multipart(frames)
                sent = True

    # -- the others --------------------------------------------------------------------------

    def _heartbeat(self) -> None:
        while True:
            # Also the watchdog's sign of life: a native thread ends this process, with all
            # stacks on stderr, unless the loop comes by here in time.
            faulthandler.dump_traceback_later(self._settings.watchdog_s, exit=True)
            beat = wire.Heartbeat(
                worker=self._name,
                slots=self._settings.pool_size,
                in_flight=len(self._pool),
                queued=len(self._queue),
                held=list(self._held),
            )
            send(self._events, beat)
            gevent.sleep(self._settings.heartbeat_s)

    def _listen(self) -> None:
        while True:
            received = parse(self._control.recv_multipart())
            if received is None or not isinstance(received[0], wire.State):
                continue
            state = received[0]
            if state.phase == "finish" and self._job in ("", state.job):
                self._hurried = True
                self._leave.set()

    def _watch_leash(self) -> None:
        make_nonblocking(LEASH_FD)
        while nb_read(LEASH_FD, 1):
            pass
        log.warning("the supervisor is gone: leaving")
        self._hurried = True
        self._leave.set()


def _allow_files(needed: int) -> None:
    """Raise the soft limit on open files to the hard one. Raises ConfigError where that is low."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < needed:
        raise ConfigError(
            f"worker.pool_size needs {needed} open files in a process, and the limit is {hard}; "
            "raise it (ulimit -Hn, LimitNOFILE=) or lower worker.pool_size"
        )
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def run(spec: RoleSpec) -> Exit:
    """The role's whole life, after patching. Raises FetcherError."""
    settings = spec.effective()
    start_log(settings.log.level, spec.name)
    _allow_files(settings.worker.pool_size + _FILES_BESIDE_THE_POOL)
    # What a server gets wrong is told in its row.
    logging.getLogger("urllib3").setLevel(logging.CRITICAL)
    faulthandler.enable(file=sys.stderr)
    return Worker(spec).run()
