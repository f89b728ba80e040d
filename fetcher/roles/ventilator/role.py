"""The ventilator: reads the URL file, hands out batches, learns what is committed, ends the job.

It runs unpatched, in one thread with one loop. leases.ledger decides which lines are handed out.
Nothing here is durable: if it is killed at any moment, its successor reads the file again and asks
the sinks what is done.
"""

from __future__ import annotations

import functools
import logging
import secrets
import time
from collections.abc import Iterator, Sequence
from typing import Any, Final, NamedTuple

import zmq
from msgspec import UNSET

from fetcher.errors import Exit, StoppedError
from fetcher.leases.crawl_feed import CrawlFeed
from fetcher.leases.crawl_sessions import CrawlSessions
from fetcher.leases.ledger import Ledger
from fetcher.leases.sink_sessions import SinkSessions
from fetcher.leases.types import Assignment, LeaseRules, first_lease
from fetcher.logins.session_broker import LoginRules, SessionBroker, first_generation
from fetcher.model import Batch
from fetcher.politeness.host_broker import HostBroker, notice_of_quiet
from fetcher.protocol import messages
from fetcher.protocol.messages import Phase
from fetcher.protocol.shard import Share
from fetcher.roles.spec import RoleSpec, StopFlag
from fetcher.roles.ventilator.job_input import JobInput
from fetcher.roles.ventilator.page_orders import STOPPED, PageOrders
from fetcher.roles.ventilator.route_status import RouteStatus
from fetcher.roles.ventilator.sink_clients import SinkClients, log_notice
from fetcher.roles.ventilator.status_publisher import StatusPublisher
from fetcher.roles.ventilator.task_messages import assignment_message, crash_chunk
from fetcher.roles.ventilator.workers import Workers
from fetcher.security.policy import Security
from fetcher.settings.schema import Settings
from fetcher.telemetry import logs
from fetcher.telemetry.numbers import VentilatorNumbers
from fetcher.telemetry.snapshot import Snapshot
from fetcher.transport.endpoints import Endpoints, require_apart, tasks_of
from fetcher.transport.sockets import Channel, open_socket, send
from fetcher.watch.web.control_mailbox import ControlMailbox

log = logging.getLogger(__name__)

_STATE_S: Final = 0.5  # between two states
_TICK_S: Final = 0.25  # between two looks at leases and sinks
_IDLE_MS: Final = 50
_HURRIED_MS: Final = 10
_HURRY_S: Final = 0.5  # after the last leases' rows were sent, their commit is near
_FINISH_S: Final = 3.0  # how long workers get the order to finish before the ventilator leaves
_LINGER_MS: Final = 500


class _Sockets(NamedTuple):
    """The ventilator's own sockets."""

    context: Any
    tasks: Sequence[Any]  # by route
    events: Any
    control: Any


class Ventilator:
    """The ventilator of one job. `run` returns when every line is committed."""

    def __init__(
        self,
        settings: Settings,
        job_input: JobInput,
        sockets: _Sockets,
        endpoints: Endpoints,
        security: Security,
        publisher: StatusPublisher,
        mailbox: ControlMailbox,
        stop: StopFlag,
        session: str,
        drain_s: float,
    ) -> None:
        """`session`: how the sinks know this ventilator; `mailbox`: orders from the page.

        `drain_s`: see RoleSpec.
        """
        now, sinks = time.monotonic(), len(endpoints.sinks)
        # Leases of different ventilators never have the same number, so that an event about an old
        # lease cannot be taken for one about a new lease.
        self._number = secrets.randbits(31)
        self._ledger = Ledger(
            _lease_rules(settings),
            first_lease(self._number),
            sinks,
            len(job_input.route_names),
        )
        silent_s = settings.lease.sink_silent_s
        common = (self._ledger, sinks, session, silent_s, self._offer, now)
        self._sessions = (
            SinkSessions(*common, job_input.routing)
            if job_input.crawl is None
            else CrawlSessions(*common, _feed_of(job_input), job_input.routing)
        )
        self._sinks = SinkClients(sockets.context, endpoints.sinks, self._sessions, security, now)
        self._logins = _logins(settings, self._number)
        self._workers = Workers(
            sockets.events,
            sockets.control,
            security,
            self._ledger,
            publisher,
            self._logins,
            job_input.route_names,
        )
        self._route_status = RouteStatus(
            job_input.routing,
            self._ledger,
            self._sessions,
            settings,
            starts_workers=endpoints.tasks.startswith("ipc://"),
        )
        self._settings = settings
        self._input = job_input
        self._sockets = sockets
        self._security = security
        self._publisher = publisher
        self._mailbox = mailbox
        self._orders = PageOrders(mailbox, self._ledger, drain_s)
        self._stop = stop
        self._session = session
        self._drain_s = drain_s
        self._phase: Phase = "starting"
        self._batches: list[Iterator[Batch]] = []  # by sink: each reads the file on its own
        self._blocked: set[int] = set()  # routes of which no worker takes tasks
        self._state_at = self._tick_at = 0.0

    # -- the whole ---------------------------------------------------------------------------

    def run(self) -> Exit:
        """Hand out everything until it is committed. Raises FetcherError."""
        self._open_job()
        self._phase = "running"
        while not self._sessions.is_complete:
            self._turn()
        self._finish()
        return Exit.DONE

    def _turn(self) -> None:
        is_counting = not self._input.is_counted
        since_s = time.monotonic() - self._ledger.finished_at
        is_hurried = since_s < _HURRY_S and self._ledger.is_all_sent
        is_busy = is_counting or self._sessions.must_read_on
        self._wait(0 if is_busy else _HURRIED_MS if is_hurried else _IDLE_MS)
        now = time.monotonic()
        self._workers.receive(now)
        self._sinks.exchange(self._input.info, now, is_hurried=is_hurried)
        self._tick(now)
        self._obey_page(now)
        self._workers.send_logins(now)
        self._workers.send_hosts(now)
        self._workers.send_unneeded()
        self._hand_out(now)
        self._publish(now)
        if is_counting:
            self._input.count_more()
        elif self._ledger.source_ended and self._input.crawl is None:
            self._input.require_read(self._sessions.lines_read)
        if self._stop and not self._drain_s:
            raise StoppedError(STOPPED)

    def _tick(self, now: float) -> None:
        if now - self._tick_at < _TICK_S:
            return
        self._tick_at = now
        for notice in self._sessions.judge_silence(now):
            log_notice(notice)
        self._ledger.tick(now)

    def _obey_page(self, now: float) -> None:
        if self._orders.obey(now, has_signal=bool(self._drain_s and self._stop)):
            self._state_at = 0.0  # the workers are informed at once

    def _wait(self, timeout_ms: int) -> None:
        self._security.check()
        poller = zmq.Poller()
        poller.register(self._sockets.events, zmq.POLLIN)
        self._sinks.register(poller)
        for route in self._blocked:
            poller.register(self._sockets.tasks[route], zmq.POLLOUT)
        poller.poll(timeout_ms)

    # -- the beginning -----------------------------------------------------------------------

    def _open_job(self) -> None:
        """Return once all sinks have said what they have of the job."""
        while True:
            now = time.monotonic()
            opened = self._sinks.exchange(self._input.info, now)
            if opened is not None:
                self._input.adopt(opened)
            if self._sessions.is_open:
                break
            for notice in self._sessions.waiting(now):
                log_notice(notice)
            self._workers.receive(now)
            self._obey_page(now)
            self._publish(now)
            if self._stop:
                raise StoppedError("stopped before the job began; the same command begins it")
            self._wait(_IDLE_MS)
        # If there are rows, workers of an earlier ventilator may be asking hosts that it granted.
        # They report it once they have heard this ventilator.
        silent_s = self._settings.worker_silent_s
        quiet_s = silent_s if self._sessions.totals.rows else 0.0
        delay_s = self._settings.polite.delay_s
        self._workers.broker = HostBroker(delay_s, time.monotonic() + quiet_s, silent_s)
        if quiet_s and self._settings.polite.enabled and not self._sessions.is_complete:
            logs.announce(notice_of_quiet(quiet_s))
        self._batches = [self._input.batches() for _ in self._sessions for _ in self._ledger.routes]

    def _offer(self, share: Share) -> messages.Open:
        return self._input.offer(self._session, self._sessions.job, share)

    # -- handing out -------------------------------------------------------------------------

    def _hand_out(self, now: float) -> None:
        self._blocked = set()
        if self._logins.is_ready:
            self._blocked = self._sessions.hand_out(self._batches, self._send, now)
        for batch, condemned, text in self._ledger.condemned(now):
            chunk = crash_chunk(batch, condemned, text, self._input, self._sessions)
            log.warning("line %d is recorded as crashed: %s", chunk.lines[0], condemned.error)
            self._sinks.send(chunk)

    def _send(self, assignment: Assignment) -> bool:
        tasks = self._sockets.tasks[assignment.route]
        if not tasks.getsockopt(zmq.EVENTS) & zmq.POLLOUT:
            return False
        message = assignment_message(
            assignment, self._input, self._sessions, logs_in=self._logins.is_required
        )
        return send(tasks, message, assignment.urls)

    # -- what others hear --------------------------------------------------------------------

    def _publish(self, now: float) -> None:
        """Send the job's state if it is due, and the roster if somebody has asked for it."""
        if now - self._state_at < _STATE_S:
            return
        self._state_at = now
        state = self._state()
        send(self._sockets.control, state)
        roster = self._publisher.publish(
            state,
            self._ledger,
            now,
            lines_read=self._sessions.lines_read,
            hosts=len(self._workers.broker),
            sinks_silent_s=self._sessions.silent_s(now),
            trouble=self._trouble(now),
            routes=self._route_status.check(now),
        )
        if roster is not None:
            send(self._sockets.control, roster)

    def _trouble(self, now: float) -> str:
        """Why the job, or a part of it, does not go on; "": it does."""
        return self._sessions.trouble(now) or self._logins.trouble or self._route_status.trouble

    def _phase_now(self) -> Phase:
        if self._orders.is_stopping and self._phase != "finish":
            return "stopping"
        if self._phase != "running":
            return self._phase
        if self._ledger.is_paused:
            return "paused"
        return "frozen" if self._sessions.is_some_frozen else "running"

    def _state(self) -> messages.State:
        workers = self._ledger.workers
        return messages.State(
            job=self._sessions.job,
            phase=self._phase_now(),
            totals=self._sessions.totals,
            source=self._sessions.source(self._input.info),
            in_flight=self._publisher.in_flight(workers),
            workers=len(workers),
            redelivered=self._ledger.redelivered,
            ventilator_number=self._number,
            is_watched=self._publisher.is_watched(time.monotonic()),
            is_hungry=self._ledger.is_hungry,
            copied=self._ledger.copied,
            turns=messages.Turns(self._publisher.turns_s, is_all=self._ledger.is_all_out),
            crawl=self._sessions.crawl_totals,
            joined=self._workers.joined if self._drain_s else UNSET,
            routes=self._route_status.routes,
        )

    # -- the end -----------------------------------------------------------------------------

    def _finish(self) -> None:
        """Let the sinks leave; repeat the order to finish until the workers have left."""
        self._phase = "finish"
        began = now = time.monotonic()
        self._state_at = 0.0
        self._publish(now)
        self._sessions.close()
        self._sinks.exchange(self._input.info, now, is_hurried=True)
        while now - began < _FINISH_S and (
            not self._sessions.is_closed or self._ledger.workers or self._mailbox.has_viewer(now)
        ):
            send(self._sockets.control, self._state())
            self._wait(_IDLE_MS)
            now = time.monotonic()
            self._workers.receive(now)
            self._sinks.exchange(self._input.info, now, is_hurried=True)


def _feed_of(job_input: JobInput) -> CrawlFeed:
    # Only crawls need temporary files.
    from fetcher.roles.ventilator.log_spool import BlockSpool, LogSpool  # noqa: PLC0415

    return CrawlFeed(job_input.seeds, LogSpool(), BlockSpool(), job_input.routing)


def _lease_rules(settings: Settings) -> LeaseRules:
    lease = settings.lease
    return LeaseRules(
        silent_s=settings.worker_silent_s,
        unclaimed_s=lease.unclaimed_s,
        # Rows that wait for a commit are not lost.
        finished_s=max(lease.finished_s, 2 * settings.sink.commit_interval_s),
        stall_s=max(lease.stall_s, 2 * settings.longest_step_s),
        tail_after_s=lease.tail_after_s,
        poison_deaths=lease.poison_deaths,
        ahead=lease.ahead,
    )


def _logins(settings: Settings, number: int) -> SessionBroker:
    http = settings.http
    rules = LoginRules(http.login_timeout_s, http.max_logins, http.login_window_s)
    return SessionBroker(rules, first_generation(number), is_required=bool(http.login))


def _bind(
    context: Any, ventilator: str, endpoints: Endpoints, routes: int, security: Security
) -> _Sockets:
    opened = functools.partial(open_socket, context, bind=True, security=security)
    return _Sockets(
        context=context,
        tasks=[
            opened(zmq.PUSH, Channel.TASKS, tasks_of(ventilator, route)) for route in range(routes)
        ],
        events=opened(zmq.PULL, Channel.EVENTS, endpoints.events),
        control=opened(zmq.PUB, Channel.CONTROL, endpoints.control),
    )


def run(
    spec: RoleSpec,
    settings: Settings,
    endpoints: Endpoints,
    stop: StopFlag,
    snapshot: Snapshot[VentilatorNumbers],
    security: Security,
    mailbox: ControlMailbox,
) -> Exit:
    """Run the ventilator. Raises FetcherError."""
    job_input = JobInput(spec, settings)
    require_apart(spec.ventilator, job_input.route_names, endpoints)
    context: Any = zmq.Context()
    sockets = _bind(context, spec.ventilator, endpoints, len(job_input.route_names), security)
    ventilator = Ventilator(
        settings,
        job_input,
        sockets,
        endpoints,
        security,
        StatusPublisher(snapshot, mailbox),
        mailbox,
        stop,
        spec.session or secrets.token_hex(8),
        spec.drain_s,
    )
    logs.announce(
        f"the ventilator listens at {spec.ventilator}; waiting for the sink at "
        f"{', '.join(spec.sinks)} and for workers"
    )
    try:
        return ventilator.run()
    finally:
        security.close()
        context.destroy(linger=_LINGER_MS)
