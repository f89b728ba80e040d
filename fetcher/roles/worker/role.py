"""The worker: takes batches as data, fetches them in one bounded pool, sends rows to the sink.

Law: runs in a fresh, patched interpreter (worker_main). One pool for the process; batches overlap
in it and share nothing. A socket that receives belongs to one greenlet.
"""

from __future__ import annotations

import faulthandler
import functools
import logging
import os
import sys
import time
from collections import deque
from typing import Final

import gevent
import gevent.event
import msgspec
import zmq.green as zmq
from gevent.os import make_nonblocking, nb_read

from fetcher import bitset
from fetcher.errors import Exit
from fetcher.fetch.http.body_memory import BodyMemory
from fetcher.fetch.interface import Fetcher, HoldsBodies, LooksUp, make_fetcher
from fetcher.input import formats
from fetcher.leases.types import session_of
from fetcher.model import Chunk, Outcome, Result
from fetcher.protocol import bounds, messages
from fetcher.protocol.output_spec import warcinfo_id
from fetcher.protocol.samples import Sampler
from fetcher.roles import rlimits
from fetcher.roles.spec import LEASH_FD, RoleSpec, once, tell_ready
from fetcher.roles.worker.heap import Heap
from fetcher.roles.worker.lease_buffer import LeaseBuffer
from fetcher.roles.worker.line_pool import Line, LinePool
from fetcher.roles.worker.loop_lag import LoopLag
from fetcher.roles.worker.result_sender import ResultSender
from fetcher.roles.worker.row_builder import RowBuilder
from fetcher.security import curve
from fetcher.stop_signals import STOP_SIGNALS, unblock
from fetcher.telemetry import drops, logs
from fetcher.telemetry.numbers import WorkerNumbers
from fetcher.telemetry.serving import serving
from fetcher.telemetry.snapshot import EVERY_S, Snapshot
from fetcher.telemetry.tallies import FetchTally
from fetcher.transport.sockets import Channel, drop, ends, open_socket, parse, send

log = logging.getLogger(__name__)

_UNSENT_S: Final = 60.0  # fetched lines whose sink does not take their rows: worth waiting for
_CHUNK_BYTES: Final = 2 * 1024 * 1024  # rows kept that fill a chunk, however few they are
_RECEIVE_SLICE_S: Final = 5.0  # a safety timeout: a wake-up that zmq.green missed is made up for
_HOSTS_S: Final = 0.005  # what is told to the referee waits so long for company
_LINGER_MS: Final = 2_000
_LEAVE_S: Final = 5.0  # at the end: for the last rows to be taken by the sink


class Worker:
    """One worker process."""

    def __init__(self, spec: RoleSpec, board: Snapshot[WorkerNumbers]) -> None:
        settings = spec.settings
        self._board = board
        self._tally = FetchTally(is_detailed=board.is_on)
        self._ventilator = spec.ventilator
        self._heard_at = time.monotonic()  # of a ventilator
        self._name = spec.name
        self._settings = settings.worker
        self._silent_s = settings.lease.silent_s
        # Beyond what any step may take: its worker is at fault.
        self._overdue_s = 2 * settings.longest_step_s + 10.0
        self._tail_after_s = settings.lease.tail_after_s
        self._keeper = RowBuilder(settings.worker)
        self._fetcher = make_fetcher(settings, spec.name)
        self._heap = Heap()
        self._holds_bodies = isinstance(self._fetcher, HoldsBodies)
        self._memory = _memory_of(self._fetcher, self._settings.max_body_memory)
        self._pool = LinePool(
            settings, self._fetcher, spec.name, self._finished, lambda: self._memory.has_room
        )
        self._lag = LoopLag(
            self._pool.turns, settings.worker.heartbeat_s, has_handler=bool(settings.worker.handler)
        )
        # Batches that came and are not begun. They are taken off the socket at once, so that none
        # lies unseen in the pipe of a slow worker while another has nothing to do.
        self._waiting: deque[tuple[messages.Assignment, bytes]] = deque()
        self._unneeded: dict[int, int] = {}  # of these: lease -> lines that are committed already
        self._most_waiting = self._ahead = settings.lease.ahead
        self._held: dict[int, LeaseBuffer] = {}
        self._unsent: dict[int, LeaseBuffer] = {}  # of these, those that keep rows
        self._skipped: dict[int, int] = {}  # lease -> lines that another lease here has
        # Leases that are done, their last rows not yet sent -> since when.
        self._ending: dict[int, float] = {}
        self._leave = gevent.event.Event()
        self._job = ""
        self._over = spec.over
        self._is_mute = bool(spec.over)  # until there is a ventilator that may want us
        self._sightings = Sampler()
        self._is_watched = False
        self._referee = 0  # the number of the ventilator that grants hosts
        self._ticket = 0  # of the last want
        self._hurried = False  # nobody needs what is in flight: its rows are there, or unwanted
        context = zmq.Context()
        self._context = context
        addresses = ends(spec.ventilator, spec.sinks)
        security = curve.of_worker(spec.keys)
        opened = functools.partial(open_socket, context, security=security)
        self._tasks = opened(zmq.PULL, Channel.TASKS, addresses.tasks)
        self._outboxes = [
            ResultSender(context, sink.results, self._sent, security) for sink in addresses.sinks
        ]
        self._events = opened(zmq.PUSH, Channel.EVENTS, addresses.events)
        self._control = opened(zmq.SUB, Channel.CONTROL, addresses.control)
        self._leashed = spec.leashed
        self._tell_ready = once(functools.partial(tell_ready, spec))

    def run(self) -> Exit:
        """Work until told to finish or to stop."""
        for number in STOP_SIGNALS:
            gevent.signal_handler(number, self._leave.set)
        unblock()
        loops = [self._intake, self._mind_room, self._flush, self._heartbeat, self._listen]
        loops += [self._pool.watch_the_clock, self._tell_referee]
        loops += [box.run for box in self._outboxes]
        if self._leashed:
            loops.append(self._watch_leash)
        if self._board.is_on:
            loops.append(self._show)
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
        self._sort_out()
        self._pool.drain(0 if self._hurried else self._settings.grace_s)
        for held in self._held.values():
            self._pass_on(held)
        with gevent.Timeout(_LEAVE_S, False):
            for box in self._outboxes:
                box.join()
        send(self._events, messages.Bye(worker=self._name))

    # -- tasks -------------------------------------------------------------------------------

    def _intake(self) -> None:
        while True:
            frames = None
            with gevent.Timeout(_RECEIVE_SLICE_S, False):
                frames = self._tasks.recv_multipart()
            received = parse(frames) if frames else None
            if received is None:
                continue
            message, urls = received
            if isinstance(message, messages.Assignment):
                self._waiting.append((message, urls))
                self._sort_out()
            else:
                drop("unexpected", f"a task of type {type(message).__name__}")

    def _mind_room(self) -> None:
        while True:
            self._pool.room.clear()
            self._sort_out()
            self._pool.room.wait(_RECEIVE_SLICE_S)

    def _sort_out(self) -> None:
        """Begin what there is room for; return what somebody else would begin sooner."""
        is_leaving = self._leave.is_set()
        while self._waiting and self._pool.has_room and not is_leaving:
            self._take(*self._waiting.popleft())
        while len(self._waiting) > (0 if is_leaving else self._most_waiting):
            self._give_back(self._waiting.pop()[0])

    def _give_back(self, tasks: messages.Assignment) -> None:
        self._unneeded.pop(tasks.lease, None)
        send(self._events, messages.Returned(worker=self._name, lease=tasks.lease))

    def _take(self, tasks: messages.Assignment, urls: bytes) -> None:
        send(self._events, messages.Claim(worker=self._name, lease=tasks.lease))
        self._job = tasks.job
        self._is_mute = False
        self._fetcher.keep = self._keeper.needed(tasks.output.bodies)
        skip = self._unneeded.pop(tasks.lease, 0)
        for other in self._held.values():
            if (other.job, other.batch) == (tasks.job, tasks.batch):
                skip |= other.outstanding
        held = LeaseBuffer(tasks, urls, self._name, skip)
        try:
            tasks_ = list(held.tasks())
        except ValueError:
            drop("contradictory", f"tasks of batch {tasks.batch}: mask and lines do not agree")
            return
        self._held[held.lease] = held
        if skip:
            self._skipped[held.lease] = skip
        if not tasks_:
            self._end(held)
        self._pool.admit(held, tasks_)

    # -- rows --------------------------------------------------------------------------------

    def _finished(self, line: Line, result: Result) -> None:
        held = line.held
        if result.outcome is not Outcome.OK:
            self._sightings.failed(result)
        if held.names:
            result = formats.named(result, line.task)
        archive = warcinfo_id(held.job, held.batch % len(self._outboxes))
        made = self._keeper.make(held.output, result, line.task, line.fetch, archive)
        if self._holds_bodies and line.fetch is not None:
            line.fetch.let_go()
        row_bytes = len(made.row) + len(made.beside)
        self._memory.put_row(row_bytes)
        self._heap.freed(max(row_bytes, result.body_bytes or 0))
        kept = held.finish(*made)
        if not held.outstanding:
            self._end(held)
        elif kept >= self._settings.chunk_rows or held.kept_bytes >= _CHUNK_BYTES:
            self._pass_on(held)
        else:
            self._unsent[held.lease] = held

    def _end(self, held: LeaseBuffer) -> None:
        self._held.pop(held.lease, None)
        self._ending[held.lease] = time.monotonic()
        self._outbox_of(held).put(held.take_chunk(), held.lease)

    def _pass_on(self, held: LeaseBuffer) -> None:
        chunk = held.take_chunk()
        if chunk is not None:
            self._outbox_of(held).put(chunk, None)

    def _share(self) -> None:
        """Let another worker, which has too little, begin some of what waits for the pool here."""
        shared: dict[LeaseBuffer, int] = {}
        for line in self._pool.share():
            shared[line.held] = shared.get(line.held, 0) | line.bit
        for held, mask in shared.items():
            # Before the end of the lease, if this is one: an ended lease can return nothing.
            send(self._events, messages.Returned(self._name, held.lease, bitset.pack(mask)))
            self._leave_out(held, mask)

    def _leave_out(self, held: LeaseBuffer, mask: int) -> None:
        """These lines of it are not fetched here."""
        held.outstanding &= ~mask
        if not held.outstanding:
            self._end(held)

    def _skip(self, unneeded: messages.Unneeded) -> None:
        """These lines are committed: what is not begun of them need not be."""
        mask = bitset.unpack(unneeded.mask)
        held = self._held.get(unneeded.lease)
        if held is not None:
            left_out = self._pool.leave_out(held, mask)
            if left_out:
                self._leave_out(held, left_out)
        elif any(tasks.lease == unneeded.lease for tasks, _ in self._waiting):
            self._unneeded[unneeded.lease] = self._unneeded.get(unneeded.lease, 0) | mask

    def _outbox_of(self, held: LeaseBuffer) -> ResultSender:
        return self._outboxes[held.batch % len(self._outboxes)]

    def _sent(self, chunk: Chunk | None, ended: int | None) -> None:
        if chunk is not None:
            self._tally.add(chunk)
            row_bytes = len(chunk.rows) + len(chunk.kept)
            self._memory.sent_rows(row_bytes)
            self._heap.freed(row_bytes)
        self._pool.start()
        if ended is not None:
            self._ending.pop(ended, None)
            skipped = bitset.pack(self._skipped.pop(ended, 0))
            send(self._events, messages.Finished(self._name, ended, skipped))

    def _flush(self) -> None:
        while True:
            gevent.sleep(self._settings.chunk_interval_s)
            unsent, self._unsent = self._unsent, {}
            for held in unsent.values():
                self._pass_on(held)

    # -- the others --------------------------------------------------------------------------

    def _heartbeat(self) -> None:
        last_at = time.monotonic()
        while True:
            # Also the watchdog's sign of life: a native thread ends this process, with all
            # stacks on stderr, unless the loop comes by here in time.
            faulthandler.dump_traceback_later(self._settings.watchdog_s, exit=True)
            now = time.monotonic()
            if now - last_at > self._silent_s:
                self._pool.disowned()
            last_at = now
            self._mind_the_overdue()
            beat = self._beat(now)
            turns_s = {
                host: min(left_s, bounds.MAX_SECONDS)
                for host, left_s in self._pool.turns_s(bounds.MAX_TURNS).items()
            }
            progress = messages.Progress(
                self._name,
                self._tally.rows,
                self._pool.parked,
                lag_ms=self._lag.look_ms(now),
                turns_s=turns_s,
                most_in_flight=self._pool.take_most_in_flight(),
            )
            if self._is_watched:
                seen = self._sightings.glimpse(self._pool.loads())
                progress = msgspec.structs.replace(progress, glimpse=seen)
            if not self._is_mute:
                send(self._events, beat)
                send(self._events, progress)
            self._want_hosts(again=True)
            self._tell_ready()
            gevent.sleep(self._settings.heartbeat_s)

    def _beat(self, now: float) -> messages.Heartbeat:
        held = list(self._held.values())
        longest_s, slow = self._pool.in_flight_by_lease(now, self._tail_after_s)
        ages_s = [*(longest_s.get(each.lease, 0.0) for each in held)]
        ages_s += [now - since for since in self._ending.values()]
        return messages.Heartbeat(
            worker=self._name,
            slots=self._settings.pool_size,
            in_flight=self._pool.in_flight,
            queued=self._pool.queued + self._pool.parked,
            held=[*(each.lease for each in held), *self._ending],
            parked=[
                *(each.lease for each in held if not each.active and each.outstanding),
                *(lease for lease, since in self._ending.items() if now - since < _UNSENT_S),
            ],
            longest_s=[min(age_s, bounds.MAX_SECONDS) for age_s in ages_s],
            slow={lease: bitset.pack(mask) for lease, mask in slow.items()},
            waiting=[tasks.lease for tasks, _ in self._waiting],
            is_hungry=self._pool.is_hungry,
        )

    def _mind_the_overdue(self) -> None:
        longest_s, line = self._pool.longest_s()
        if longest_s > self._overdue_s:
            log.error(
                "the fetch of line %d does not end: this worker leaves, so that the job can go on",
                line,
            )
            os._exit(Exit.BUG)

    def _tell_referee(self) -> None:
        while True:
            self._pool.host_news.wait()
            gevent.sleep(_HOSTS_S)
            self._pool.host_news.clear()
            given = self._pool.releases()
            for part in messages.parts(given):
                hosts, tickets, rests_s = (list(each) for each in zip(*part, strict=True))
                send(self._events, messages.Release(self._name, hosts, tickets, rests_s))
            self._want_hosts(again=False)

    def _want_hosts(self, *, again: bool) -> None:
        self._ticket += 1
        for hosts in messages.parts(self._pool.wants(self._ticket, again=again)):
            send(self._events, messages.Want(self._name, self._ticket, list(hosts)))

    def _listen(self) -> None:
        while True:
            received = parse(self._control.recv_multipart())
            self._heard_at = time.monotonic()
            match received and received[0]:
                case messages.State() as state:
                    self._hear_state(state)
                case messages.Grant(worker=self._name) as grant:
                    self._pool.granted(zip(grant.hosts, grant.tickets, strict=False))
                case messages.Unneeded() as unneeded:
                    self._skip(unneeded)
                case messages.Recall(worker=self._name) as recall:
                    self._pool.recalled(zip(recall.hosts, recall.tickets, strict=False))

    def _hear_state(self, state: messages.State) -> None:
        self._is_mute = state.phase == "finish" and state.job == self._over != ""
        if self._is_mute:
            return
        if self._referee and state.referee != self._referee:
            for owned in messages.parts(self._pool.owned()):
                hosts, tickets = [host for host, _ in owned], [ticket for _, ticket in owned]
                send(self._events, messages.Owned(self._name, hosts, tickets))
            self._want_hosts(again=True)
        self._referee = state.referee
        self._is_watched = state.is_watched
        self._most_waiting = 0 if state.is_hungry else self._ahead
        for each in [each for each in self._waiting if session_of(each[0].lease) != state.referee]:
            self._waiting.remove(each)  # of a ventilator that is gone: its successor knows better
            self._give_back(each[0])
        self._sort_out()
        if state.is_hungry:
            self._share()
        if state.phase not in ("starting", "stopping"):  # which say nothing of a pause
            self._pool.pause(is_paused=state.phase == "paused")
        if state.phase == "finish" and self._job in ("", state.job):
            self._hurried = True
            self._leave.set()

    # -- who watches -------------------------------------------------------------------------

    def _show(self) -> None:
        while True:
            now = time.monotonic()
            self._board.put(self._numbers(now), now)
            gevent.sleep(EVERY_S)
            self._tally.loop_lag_s.add(max(time.monotonic() - now - EVERY_S, 0.0))

    def _numbers(self, now: float) -> WorkerNumbers:
        silent_s = now - self._heard_at
        # One that stays for the next job may wait long for its ventilator.
        is_waiting = self._settings.standing and not self._job
        is_lost = silent_s > self._silent_s and not is_waiting
        said = f"no ventilator is heard at {self._ventilator} (for {silent_s:.0f} s)"
        return WorkerNumbers(
            trouble=said if is_lost else "",
            dropped=dict(drops.DROPPED),
            refused=dict(drops.REFUSED),
            outcomes=self._tally.outcomes(),
            statuses=dict(self._tally.statuses),
            body_bytes=self._tally.body_bytes,
            row_bytes=self._tally.row_bytes,
            exchanges=self._pool.exchanges,
            retries=self._pool.retries,
            lookups=self._fetcher.lookups() if isinstance(self._fetcher, LooksUp) else {},
            in_flight=self._pool.in_flight,
            queued=self._pool.queued,
            parked=self._pool.parked,
            pool_size=self._settings.pool_size,
            leases=len(self._held),
            unsent_bytes=self._memory.unsent_bytes,
            hosts=self._pool.hosts_owned,
            loop_lag_s=self._tally.loop_lag_s.look(),
            ventilator_silent_s=silent_s,
        )

    def _watch_leash(self) -> None:
        make_nonblocking(LEASH_FD)
        while nb_read(LEASH_FD, 1):
            pass
        log.warning("the supervisor has ended: this worker leaves")
        self._hurried = True
        self._leave.set()


def _memory_of(fetcher: Fetcher, max_bytes: int) -> BodyMemory:
    if isinstance(fetcher, HoldsBodies):
        return fetcher.memory
    return BodyMemory(max_bytes, gevent.get_hub().loop.run_callback)


def run(spec: RoleSpec) -> Exit:
    """The role's whole life, after patching. Raises FetcherError."""
    settings = spec.settings
    logs.start(settings.log, spec.role, spec.name)
    rlimits.allow(settings)
    faulthandler.enable(file=sys.stderr)
    with serving(settings.metrics, spec.role, spec.number, spec.name) as board:
        return Worker(spec, board).run()
