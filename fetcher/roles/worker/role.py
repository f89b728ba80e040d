"""The worker: takes assignments, fetches their lines in one bounded pool, sends rows to the sinks.

It runs in a fresh interpreter that gevent has patched (see worker_main). Each of its loops is a
greenlet, and each receiving socket belongs to one of them.
"""

from __future__ import annotations

import faulthandler
import functools
import logging
import os
import sys
import time
from collections.abc import Callable
from typing import Any, Final

import gevent
import gevent.event
import zmq.green as zmq
from msgspec import UNSET
from msgspec.structs import replace

from fetcher import bitset
from fetcher.errors import ConfigError, Exit
from fetcher.fetch.interface import make_fetcher
from fetcher.protocol import messages
from fetcher.protocol.login_messages import LogIn, NoSession, Session
from fetcher.roles import lifetime, rlimits
from fetcher.roles.spec import RoleSpec
from fetcher.roles.worker.heartbeat import Heartbeat
from fetcher.roles.worker.host_turns import HostTurns
from fetcher.roles.worker.idle import Idle
from fetcher.roles.worker.lease_runner import LeaseRunner
from fetcher.roles.worker.login_keeper import LoginKeeper
from fetcher.roles.worker.numbers_publisher import NumbersPublisher
from fetcher.roles.worker.parent_pipe import wait_for_parents_end
from fetcher.roles.worker.row_builder import RowBuilder
from fetcher.roles.worker.task_sockets import TaskSockets
from fetcher.roles.worker.waiting_assignments import WaitingAssignments
from fetcher.security.policy import NO_KEYS, Security
from fetcher.settings.sections_routes import DEFAULT
from fetcher.stop_signals import STOP_SIGNALS, unblock
from fetcher.telemetry import logs
from fetcher.telemetry.numbers import WorkerNumbers
from fetcher.telemetry.serving import serving
from fetcher.telemetry.snapshot import Snapshot
from fetcher.telemetry.tallies import FetchTally
from fetcher.transport.endpoints import endpoints_of
from fetcher.transport.sockets import Channel, drop, open_socket, parse, send

log = logging.getLogger(__name__)

_RETRY_S: Final = 5.0  # zmq.green may miss a wake-up: waiting is begun again
_LINGER_MS: Final = 2_000


class Worker:
    """One worker process."""

    def __init__(self, spec: RoleSpec, snapshot: Snapshot[WorkerNumbers]) -> None:
        """Open the sockets. Raises ConfigError if the settings name unusable code or files."""
        settings = spec.settings
        self._spec = spec
        self._has_port = snapshot.is_on
        row_builder = RowBuilder(settings.worker)
        fetcher = make_fetcher(settings, spec.name)
        tally = FetchTally(is_detailed=snapshot.is_on)
        self._context = zmq.Context()
        opened = functools.partial(open_socket, self._context, security=_security(spec.keys))
        addresses = endpoints_of(spec.ventilator, spec.sinks)
        self._tasks = TaskSockets(
            spec.ventilator,
            settings.worker.routes,
            functools.partial(opened, zmq.PULL, Channel.TASKS),
            self._receive_tasks,
        )
        results = [opened(zmq.PUSH, Channel.RESULTS, sink.results) for sink in addresses.sinks]
        self._events = opened(zmq.PUSH, Channel.EVENTS, addresses.events)
        self._control = opened(zmq.SUB, Channel.CONTROL, addresses.control)
        self._login = login = LoginKeeper(spec.name, fetcher, functools.partial(send, self._events))
        self._runner = runner = LeaseRunner(
            settings,
            spec.name,
            fetcher,
            row_builder,
            tally,
            self._events,
            results,
            (lambda: login.is_waiting) if settings.http.login else None,
            spec.parent,
        )
        self._pool = runner.pool
        login.changed = self._pool.resume
        self._waiting = WaitingAssignments(spec.name, settings.lease.ahead, runner, self._events)
        self._hosts = HostTurns(spec.name, self._pool, self._events)
        self._heartbeat = Heartbeat(
            spec, runner, self._waiting, self._hosts, login, tally, self._events
        )
        self._numbers = NumbersPublisher(spec, snapshot, runner, self._hosts, fetcher, tally)
        self._leave = gevent.event.Event()
        self._idle = Idle(spec.idle_s)
        self._is_hurried = False  # nobody needs what is in flight: its rows exist, or are unwanted
        self._misfit: ConfigError | None = None  # why this worker cannot work for the job

    def run(self) -> Exit:
        """Work until the job is complete, or a stop is asked for.

        Raises ConfigError if the settings of this worker do not fit to the job.
        """
        for number in STOP_SIGNALS:
            gevent.signal_handler(number, self._leave.set)
        unblock()
        lifetime.imported()
        self._tasks.open()
        running = [gevent.spawn(loop) for loop in self._loops()]
        for greenlet in running:
            # A loop that ends by an exception must not leave a worker that only looks alive.
            greenlet.link_exception(lambda _: os._exit(Exit.BUG))
        self._leave.wait()
        self._waiting.leave()
        self._runner.drain(0 if self._is_hurried else self._spec.settings.worker.grace_s)
        self._heartbeat.note_rows()
        send(self._events, messages.Bye(worker=self._spec.name))
        gevent.killall(running)
        self._tasks.close()
        self._control.close(0)  # its subscription would linger if the ventilator has left
        self._context.destroy(linger=_LINGER_MS)
        if self._misfit is not None:
            raise self._misfit
        return Exit.DONE

    def _loops(self) -> list[Callable[[], None]]:
        loops: list[Callable[[], None]] = [
            self._begin_waiting,
            self._runner.flush,
            self._heartbeat.run,
            self._listen,
            self._pool.watch_the_clock,
            self._hosts.run,
            self._hosts.release_unused,
            *(sender.run for sender in self._runner.senders),
        ]
        if self._spec.has_parent:
            loops.append(self._watch_parent)
        if self._has_port:
            loops.append(self._numbers.run)
        return loops

    def _receive_tasks(self, socket: Any) -> None:
        while True:
            frames = None
            with gevent.Timeout(_RETRY_S, False):
                frames = socket.recv_multipart()
            received = parse(frames) if frames else None
            if received is None:
                continue
            message, urls = received
            if isinstance(message, messages.Assignment):
                self._take(message, urls)
            else:
                drop("unexpected", f"a task of type {type(message).__name__}")

    def _take(self, assignment: messages.Assignment, urls: bytes) -> None:
        route = DEFAULT if assignment.route is UNSET else assignment.route
        if not self._tasks.serves(route):  # a new ventilator has other routes at these addresses
            send(self._events, messages.Returned(self._spec.name, assignment.lease))
            return
        self._heartbeat.is_mute = False
        self._require_fit(assignment)
        self._waiting.put(assignment, urls)

    def _require_fit(self, assignment: messages.Assignment) -> None:
        try:
            self._login.require_as_job(logs_in=assignment.logs_in is True)
        except ConfigError as error:
            self._misfit = error
            self._is_hurried = True
            self._waiting.leave()  # from now on, assignments are returned at once
            self._leave.set()

    def _begin_waiting(self) -> None:
        while True:
            self._pool.room.clear()
            self._waiting.begin_some()
            self._pool.room.wait(_RETRY_S)

    def _listen(self) -> None:
        while True:
            received = parse(self._control.recv_multipart())
            self._numbers.heard_at = time.monotonic()
            match received and received[0]:
                case messages.State() as state:
                    self._hear_state(state)
                case messages.Grant(worker=self._spec.name) as grant:
                    self._hosts.grant(grant)
                case messages.Unneeded(lease=lease, mask=mask):
                    committed = bitset.unpack(mask)
                    self._runner.skip_committed(lease, committed)
                    self._waiting.skip_committed(lease, committed)
                case messages.Recall(worker=self._spec.name) as recall:
                    self._hosts.recall(recall)
                case messages.GrantAll(worker=self._spec.name, ticket=ticket):
                    self._hosts.grant_all(ticket)
                case messages.RecallAll(worker=self._spec.name, ticket=ticket):
                    self._hosts.recall_all(ticket)
                case LogIn() | Session() | NoSession() as message:
                    self._login.hear(message)

    def _hear_state(self, state: messages.State) -> None:
        is_over = state.phase == "finish" and state.job == self._spec.over != ""
        self._heartbeat.is_mute = is_over
        if is_over:
            return
        self._tasks.hear(state)
        state = replace(state, is_hungry=self._tasks.is_hungry(state))
        self._hosts.hear_state(state)
        self._login.hear_ventilator(state.ventilator_number)
        self._heartbeat.is_watched = state.is_watched
        self._waiting.hear_state(state)
        if state.is_hungry:
            self._runner.return_half()
        is_idle = not (self._runner.held or self._waiting.leases)
        is_unneeded = is_idle and self._tasks.is_all_out(state)
        if self._idle.is_over(time.monotonic(), is_idle=is_unneeded):
            self._leave.set()
        if state.phase not in ("starting", "stopping"):  # these do not say whether it is paused
            self._pool.pause(is_paused=state.phase == "paused")
        if state.phase == "finish" and self._runner.job in ("", state.job):
            self._is_hurried = True
            self._leave.set()

    def _watch_parent(self) -> None:
        wait_for_parents_end()
        log.warning("the supervisor has ended: this worker leaves")
        self._is_hurried = True
        self._leave.set()


def _security(keys_folder: str) -> Security:
    if not keys_folder:
        return NO_KEYS
    from fetcher.security import curve  # noqa: PLC0415 (takes time to load)

    return curve.of_worker(keys_folder)


def run(spec: RoleSpec) -> Exit:
    """Run a worker, after patching. Raises FetcherError."""
    settings = spec.settings
    logs.start(settings.log, spec.role, spec.name)
    rlimits.allow(settings)
    faulthandler.enable(file=sys.stderr)
    with serving(settings.metrics, spec.role, spec.number, spec.name) as snapshot:
        return Worker(spec, snapshot).run()
