"""The ventilator: reads the URL file, hands out batches, learns what is committed, ends the job.

Law: unpatched, one thread, one loop; every decision is leases.ledger's. It holds no truth: killed
at any moment, its successor reads the file again and asks the sink what is done.
"""

from __future__ import annotations

import functools
import logging
import secrets
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import msgspec
import zmq
from msgspec import UNSET

from fetcher import __version__, bitset
from fetcher.errors import ConflictError, Exit, InputError, StoppedError
from fetcher.input import formats
from fetcher.input.source import Source
from fetcher.input.source_info import SourceInfo
from fetcher.leases.ledger import Ledger
from fetcher.leases.poison import Condemned
from fetcher.leases.sessions import SinkSessions
from fetcher.leases.types import Assignment, LeaseRules, first_lease
from fetcher.model import OUTCOME_CODE, Batch, Chunk, Outcome, Result
from fetcher.politeness.host_broker import HostBroker
from fetcher.protocol import messages
from fetcher.protocol.messages import Phase
from fetcher.protocol.output_spec import Output
from fetcher.protocol.shard import Share
from fetcher.roles.spec import RoleSpec, StopFlag
from fetcher.roles.ventilator.sink_clients import SinkClients, tell
from fetcher.roles.ventilator.status_publisher import StatusPublisher
from fetcher.roles.ventilator.workers import Workers
from fetcher.rows.forms import CODECS
from fetcher.security.policy import Security
from fetcher.settings import load
from fetcher.settings.schema import Settings
from fetcher.store import begun
from fetcher.store.selection import SelectedLines
from fetcher.telemetry import logs
from fetcher.telemetry.numbers import VentilatorNumbers
from fetcher.telemetry.snapshot import Snapshot
from fetcher.transport.sockets import Channel, Endpoints, open_socket, send
from fetcher.watch.web.control_mailbox import ControlMailbox

log = logging.getLogger(__name__)

_STATE_S: Final = 0.5
_TICK_S: Final = 0.25
_IDLE_MS: Final = 50
_HURRIED_MS: Final = 10
_HURRY_S: Final = 0.5  # after the last leases' rows were sent: their commit is near
_FINISH_S: Final = 3.0  # how long workers are told to finish before the ventilator leaves
_FIRST_COUNT_BYTES: Final = 64 * 1024 * 1024  # counted and hashed before the job begins
_STOPPING_S: Final = 2.0  # how long a supervisor is told that all shall stop; it then says so, too


class Ventilator:
    """One job's ventilator; `run` returns when every line is committed."""

    def __init__(
        self,
        spec: RoleSpec,
        settings: Settings,
        ends: Endpoints,
        stop: StopFlag,
        board: Snapshot[VentilatorNumbers],
        security: Security,
        desk: ControlMailbox,
    ) -> None:
        self._settings = settings
        self._given = spec.given
        self._stop = stop
        self._desk = desk
        self._stopping_since: float | None = None  # as somebody asked for it on the page
        self._session = spec.session or secrets.token_hex(8)
        self._selection = spec.selection
        chosen = SelectedLines(Path(spec.out), spec.selection) if spec.selection else None
        self._input_name = spec.input_name or Path(spec.urlfile).name
        self._source = Source(Path(spec.urlfile), settings.input, chosen)
        self._task_of = formats.decoder(self._source.format)
        self._census = self._source.census()
        self._info = self._count_first()
        context = zmq.Context()
        self._context = context
        self._security = security
        opened = functools.partial(open_socket, context, bind=True, security=security)
        self._tasks = opened(zmq.PUSH, Channel.TASKS, ends.tasks)
        self._events = opened(zmq.PULL, Channel.EVENTS, ends.events)
        self._control = opened(zmq.PUB, Channel.CONTROL, ends.control)
        now, count = time.monotonic(), len(ends.sinks)
        lease = settings.lease
        rules = LeaseRules(
            silent_s=lease.silent_s,
            unclaimed_s=lease.unclaimed_s,
            # Rows that wait for a commit are not lost.
            finished_s=max(lease.finished_s, 2 * settings.sink.commit_interval_s),
            stall_s=max(lease.stall_s, 2 * settings.longest_step_s),
            tail_after_s=lease.tail_after_s,
            poison_deaths=lease.poison_deaths,
            ahead=lease.ahead,
        )
        # Leases of different sessions never have the same number, so that an event about an
        # old one cannot be taken for news of a new one.
        self._number = secrets.randbits(31)
        self._ledger = Ledger(rules, first_lease(self._number), count)
        self._sessions = SinkSessions(
            self._ledger, count, self._session, lease.sink_silent_s, self._offer, now
        )
        self._sinks = SinkClients(context, ends.sinks, self._sessions, security, now)
        self._phase: Phase = "starting"
        self._batch_size = settings.job.batch_size
        self._output = Output(
            **msgspec.structs.asdict(settings.output),
            body_names="typed" if settings.output.bodies == "files" else "sha256",
        )
        self._batches: list[Iterator[Batch]] = []  # by sink: each is read for on its own
        self._blocked = False  # no worker takes tasks
        self._lookout = StatusPublisher(board, desk)
        self._crew = Workers(self._events, self._control, security, self._ledger, self._lookout)
        self._state_at = self._tick_at = 0.0

    def _count_first(self) -> SourceInfo:
        info = SourceInfo()
        for info in self._census:
            if info.checked_bytes >= _FIRST_COUNT_BYTES:
                break
        if info.at_end and not info.url_lines:
            raise self._source.holds_none()
        return info

    # -- the whole ---------------------------------------------------------------------------

    def run(self) -> Exit:
        """Hand out everything until it is committed. Raises FetcherError."""
        try:
            self._open_job()
            if self._phase == "starting":
                self._phase = "running"
            while not self._sessions.is_complete:
                self._turn()
            self._finish()
        finally:
            self._security.close()
            self._context.destroy(linger=500)
        return Exit.DONE

    def _turn(self) -> None:
        counting = not self._info.at_end
        since_s = time.monotonic() - self._ledger.finished_at
        is_hurried = self._ledger.is_all_out and since_s < _HURRY_S
        self._wait(0 if counting else _HURRIED_MS if is_hurried else _IDLE_MS)
        now = time.monotonic()
        self._crew.hear(now)
        self._sinks.hear(self._info, now, is_hurried=is_hurried)
        if now - self._tick_at >= _TICK_S:
            self._tick_at = now
            for notice in self._sessions.judge_silence(now):
                tell(notice)
            self._ledger.tick(now)
        self._do_as_asked(now)
        self._crew.tell_hosts(now)
        self._crew.tell_copies()
        self._hand_out(now)
        self._tell_state(now)
        if counting:
            self._info = next(self._census)
        elif self._ledger.source_ended and self._sessions.lines_read != self._info.url_lines:
            # The job could never end: the count says more, or fewer, lines than there were.
            raise InputError(
                f"{self._source.path}: changed while it was read; restore it and run the same "
                "command again"
            )
        if self._stop:
            raise StoppedError("stopped; the same command resumes")

    def _do_as_asked(self, now: float) -> None:
        """What was asked for on the page: pause, go on, stop."""
        if self._desk.shall_stop and self._stopping_since is None:
            log.info("asked to stop")
            self._stopping_since, self._phase = now, "stopping"
            self._ledger.pause(now)
            self._state_at = 0.0
        elif self._stopping_since is not None:
            if now - self._stopping_since > _STOPPING_S:
                raise StoppedError("stopped; the same command resumes")
        elif self._desk.shall_pause and not self._ledger.is_paused:
            log.info("paused: nothing is handed out, and workers begin nothing")
            self._ledger.pause(now)
            self._state_at = 0.0
        elif self._ledger.is_paused and not self._desk.shall_pause:
            log.info("resumed")
            self._ledger.resume(now)
            self._state_at = 0.0

    def _wait(self, timeout_ms: int) -> None:
        self._security.check()
        poller = zmq.Poller()
        poller.register(self._events, zmq.POLLIN)
        self._sinks.register(poller)
        if self._blocked:
            poller.register(self._tasks, zmq.POLLOUT)
        poller.poll(timeout_ms)

    # -- the beginning -----------------------------------------------------------------------

    def _open_job(self) -> None:
        """Return once all sinks have said what they have of the job."""
        while True:
            now = time.monotonic()
            opened = self._sinks.hear(self._info, now)
            if opened is not None:
                self._take_up(opened)
            if self._sessions.is_open:
                break
            for notice in self._sessions.waiting(now):
                tell(notice)
            self._crew.hear(now)
            self._do_as_asked(now)
            self._tell_state(now)
            if self._stop:
                raise StoppedError("stopped before the job began; the same command begins it")
            self._wait(_IDLE_MS)
        # Where rows are there, workers of an earlier ventilator may be asking hosts that it
        # granted them; they say so once they hear of a new one.
        quiet_s = self._settings.lease.silent_s if self._sessions.totals.rows else 0.0
        self._crew.referee = HostBroker(self._settings.polite.delay_s, time.monotonic() + quiet_s)
        self._batches = [self._source.batches(self._batch_size) for _ in self._sessions]

    def _take_up(self, opened: messages.Opened) -> None:
        """Go on with the job as it was begun."""
        if opened.source != self._info:
            self._source.require_same(opened.source, "the output directory")
            if opened.source.at_end:
                self._info, self._census = opened.source, iter(())
        begun.require_same(
            "the sink's OUT was begun with",
            begun.Begun(opened.batch_size, opened.output),
            self._settings,
            self._given,
        )
        self._batch_size = opened.batch_size
        self._output = opened.output  # also of what has no setting, such as the names of bodies
        self._keep_columns(as_begun=bool(opened.keep_columns))

    def _keep_columns(self, *, as_begun: bool) -> None:
        found = self._source.format
        if found.keep_columns != as_begun:
            origin = self._given.get("input.keep_columns")
            if origin is not None:
                raise ConflictError(
                    f"the sink's OUT was begun with input.keep_columns = {str(as_begun).lower()} "
                    f"({origin} says otherwise); leave this setting out, or choose another OUT"
                )
            self._source.format = msgspec.structs.replace(found, keep_columns=as_begun)
            self._task_of = formats.decoder(self._source.format)

    def _offer(self, share: Share) -> messages.Open:
        return messages.Open(
            session=self._session,
            input=messages.InputSpec(
                name=self._input_name,
                path=str(self._source.path.absolute()),
                file_bytes=self._source.file_bytes,
                source=self._info,
                format=self._source.format,
                selection=self._selection or UNSET,
            ),
            batch_size=self._batch_size,
            settings=load.without_secrets(self._settings),
            version=__version__,
            share=share,
            output=self._output,
            job=self._sessions.job,
        )

    # -- handing out -------------------------------------------------------------------------

    def _hand_out(self, now: float) -> None:
        self._blocked = not self._sessions.hand_out(self._batches, self._send, now)
        for batch, condemned, text in self._ledger.condemned(now):
            self._record_crash(batch, condemned, text)

    def _send(self, assignment: Assignment) -> bool:
        batch = assignment.batch
        if not self._tasks.getsockopt(zmq.EVENTS) & zmq.POLLOUT:
            return False
        batch_mask = bitset.pack(batch.mask)
        texts = assignment.urls.split(b"\n")
        tasks = [
            self._task_of(batch.first_line + offset, text)
            for offset, text in zip(bitset.offsets(assignment.mask), texts, strict=True)
        ]
        message = messages.Assignment(
            job=self._sessions.job,
            lease=assignment.lease,
            batch=batch.id,
            batch_mask=batch_mask,
            first_line=batch.first_line,
            mask=bitset.pack(assignment.mask),
            format=self._source.format,
            output=self._output,
            tags=self._sessions.session_of(batch.id).tags(batch.id, batch_mask, tasks),
        )
        return send(self._tasks, message, assignment.urls)

    def _record_crash(self, batch: Batch, condemned: Condemned, text: bytes) -> None:
        line = batch.first_line + condemned.offset
        task = self._task_of(line, text)
        result = Result(
            line=line,
            url=task.url,
            outcome=Outcome.CRASHED,
            error=condemned.error,
            error_kind=condemned.error_kind.word,
            attempts=condemned.attempts,
            worker="ventilator",
        )
        row = CODECS[self._output.rows].encode(formats.named(result, task))
        batch_mask, session = bitset.pack(batch.mask), self._sessions.session_of(batch.id)
        chunk = Chunk(
            job=self._sessions.job,
            batch=batch.id,
            batch_mask=batch_mask,
            worker="ventilator",
            lines=[line],
            row_bytes=[len(row)],
            outcomes=[OUTCOME_CODE[Outcome.CRASHED]],
            statuses=[0],
            body_bytes=[0],
            rows=row,
            tags=session.tags(batch.id, batch_mask, [task]),
        )
        log.warning("line %d is recorded as crashed: %s", line, condemned.error)
        self._sinks.send(chunk)

    def _tell_state(self, now: float) -> None:
        if now - self._state_at < _STATE_S:
            return
        self._state_at = now
        state = self._state()
        send(self._control, state)
        roster = self._lookout.show(
            state,
            self._ledger,
            now,
            lines_read=self._sessions.lines_read,
            hosts=len(self._crew.referee),
            sinks_silent_s=self._sessions.silent_s(now),
            trouble=self._sessions.trouble(now),
        )
        if roster is not None:
            send(self._control, roster)

    def _phase_now(self) -> Phase:
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
            source=self._info,
            in_flight=self._lookout.in_flight(workers),
            workers=len(workers),
            redelivered=self._ledger.redelivered,
            referee=self._number,
            is_watched=self._lookout.is_watched(time.monotonic()),
            is_hungry=self._ledger.is_hungry,
            copied=self._ledger.copied,
            turns=messages.Turns(self._lookout.turns_s, is_all=self._ledger.is_all_out),
        )

    # -- the end -----------------------------------------------------------------------------

    def _finish(self) -> None:
        """Tell the sinks that they may leave, and the workers until they have left."""
        self._phase = "finish"
        began = now = time.monotonic()
        self._state_at = 0.0
        self._tell_state(now)
        self._sessions.close()
        self._sinks.hear(self._info, now, is_hurried=True)
        while now - began < _FINISH_S and (
            not self._sessions.is_closed or self._ledger.workers or self._desk.is_looked_for(now)
        ):
            send(self._control, self._state())
            self._wait(_IDLE_MS)
            now = time.monotonic()
            self._crew.hear(now)
            self._sinks.hear(self._info, now, is_hurried=True)


def run(
    spec: RoleSpec,
    settings: Settings,
    ends: Endpoints,
    stop: StopFlag,
    board: Snapshot[VentilatorNumbers],
    security: Security,
    desk: ControlMailbox,
) -> Exit:
    """The role's whole life. Raises FetcherError."""
    ventilator = Ventilator(spec, settings, ends, stop, board, security, desk)
    sinks = ", ".join(spec.sinks)
    logs.announce(
        f"the ventilator listens at {spec.ventilator}; waiting for the sink at {sinks} and for "
        "workers"
    )
    return ventilator.run()
