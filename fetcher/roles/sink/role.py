"""The sink: collects chunks of rows, commits them in groups, answers what is committed.

It runs unpatched, in one thread with one loop. commit.committer decides which rows count,
commit.session what is answered; fetcher.store writes the files.
"""

from __future__ import annotations

import functools
import logging
import secrets
import time
from pathlib import Path
from typing import Final

import zmq
from msgspec import UNSET

from fetcher.commit.schedule import CommitSchedule
from fetcher.commit.session import CommitJob, CommitSession
from fetcher.errors import ConflictError, Exit, StoppedError
from fetcher.protocol import messages
from fetcher.protocol.totals import Totals
from fetcher.roles.sink import crawl_recovery
from fetcher.roles.sink.job import SinkJob
from fetcher.roles.spec import RoleSpec, StopFlag
from fetcher.security.policy import Security
from fetcher.settings.schema import Settings
from fetcher.store import begun
from fetcher.store.begun import FixedSettings
from fetcher.store.output_dir import OutputDirectory
from fetcher.telemetry import drops, logs
from fetcher.telemetry.numbers import SinkNumbers
from fetcher.telemetry.snapshot import Snapshot
from fetcher.telemetry.tallies import CommitTally
from fetcher.transport.endpoints import Endpoints
from fetcher.transport.sockets import Channel, drop, open_socket, parse, receive, receive_one, send

log = logging.getLogger(__name__)

_IDLE_MS: Final = 100
_MAX_CHUNKS: Final = 500  # in one turn of the loop
_DRAIN_S: Final = 2.0  # at a stop: how long rows in transit are awaited
_DRAIN_QUIET_MS: Final = 200


class Sink:
    """The sink of one job. `run` returns when every line is committed."""

    def __init__(
        self,
        spec: RoleSpec,
        settings: Settings,
        endpoints: Endpoints,
        stop: StopFlag,
        snapshot: Snapshot[SinkNumbers],
        security: Security,
        ventilator: str,
    ) -> None:
        """`ventilator`: how processes of this host ask it (see watch.client.near); may be ""."""
        self._settings = settings
        self._given = spec.given
        self._has_parent = spec.has_parent
        self._stop = stop
        self._snapshot = snapshot
        self._tally = CommitTally()
        self._directory = OutputDirectory(Path(spec.out), ventilator)
        self._context = zmq.Context()
        (mine,) = endpoints.sinks
        self._security = security
        opened = functools.partial(open_socket, self._context, bind=True, security=security)
        self._results = opened(zmq.PULL, Channel.RESULTS, mine.results)
        self._commits = opened(zmq.REP, Channel.COMMITS, mine.commits)
        self._epoch = secrets.token_hex(8)
        self._job: SinkJob | None = None
        self._joined = ""  # the session of the last ventilator
        if self._directory.manifest is not None:
            self._job = SinkJob(self._directory, self._directory.manifest, settings, self._epoch)
            # After the check of the manifest against the journal: damage must be reported first.
            self._require_given(
                f"{spec.out} was begun with", begun.fixed_settings_of(self._directory.manifest)
            )
        rows = self._job.committer.totals.rows if self._job is not None else 0
        self._schedule = CommitSchedule(settings.sink.commit_interval_s, has_rows=rows > 0)
        decided = self._job.commits if self._job is not None else None
        self._session = CommitSession(spec.out, self._begin, decided, time.monotonic())

    def _require_given(self, who: str, job: FixedSettings, remedy: str = begun.LEAVE_OUT) -> None:
        begun.require_same(who, job, self._settings, self._given, remedy)

    def run(self) -> Exit:
        """Serve until the job is complete and its ventilator knows. Raises FetcherError."""
        try:
            while not self._session.may_leave(time.monotonic()):
                self._turn()
                if self._stop:
                    self._drain()
                    break
        finally:
            self._security.close()
            self._context.destroy(linger=500)
            if self._job is not None:
                self._job.close()
            self._directory.close()
        if not self._session.is_complete:
            raise StoppedError("stopped; the same command resumes")
        return Exit.DONE

    # -- one turn ----------------------------------------------------------------------------

    def _turn(self) -> None:
        self._wait()
        if self._job is not None and not self._session.stalled:
            self._take_chunks(self._job)
        self._answer()
        is_due = self._session.is_finishing or self._schedule.is_due(time.monotonic())
        if self._job is not None and is_due:
            self._commit(self._job)
        if self._job is not None:
            self._job.give_hint()
        now = time.monotonic()
        if self._snapshot.is_due(now):
            self._snapshot.put(self._numbers(), now)

    def _numbers(self) -> SinkNumbers:
        committer = self._job.committer if self._job is not None else None
        return SinkNumbers(
            trouble=self._session.stalled,
            dropped=dict(drops.DROPPED),
            refused=dict(drops.REFUSED),
            totals=committer.totals if committer else Totals(),
            duplicates=committer.duplicates if committer else 0,
            pending_bytes=committer.pending_bytes if committer else 0,
            row_bytes=self._tally.row_bytes,
            commit_s=self._tally.seconds.distribution(),
            commit_rows=self._tally.rows.distribution(),
            is_stalled=bool(self._session.stalled),
        )

    def _wait(self) -> None:
        poller = zmq.Poller()
        poller.register(self._commits, zmq.POLLIN)
        if self._job is not None and not self._session.stalled:
            poller.register(self._results, zmq.POLLIN)
        timeout_ms = float(_IDLE_MS)
        if self._session.is_finishing:
            timeout_ms = 0.0
        elif self._job is not None and self._job.committer.pending_bytes:
            timeout_ms = min(timeout_ms, self._schedule.wait_s(time.monotonic()) * 1000)
        poller.poll(int(timeout_ms))

    def _take_chunks(self, job: SinkJob) -> None:
        for _ in range(_MAX_CHUNKS):
            received = receive(self._results, self._security, Channel.RESULTS)
            if received is None:
                break
            message, rows = received
            if not isinstance(message, messages.ChunkHeader):
                drop("unexpected", f"a result of type {type(message).__name__}")
                continue
            job.take(message, rows)
            if job.committer.pending_bytes >= self._settings.sink.commit_bytes:
                self._schedule.arrived(time.monotonic(), is_urgent=True)
                return
        if job.committer.pending_bytes:
            self._schedule.arrived(time.monotonic(), is_urgent=job.has_last_rows)

    def _commit(self, job: SinkJob) -> None:
        began, row_bytes = time.monotonic(), job.committer.pending_bytes
        was_full = bool(self._session.no_room)
        self._directory.require_held()
        rows = self._session.commit()
        now = time.monotonic()
        self._tally.add(rows, row_bytes, now - began)
        no_room = self._session.no_room
        if no_room and not was_full:
            log.error("disk full (%s): nothing is committed until there is room", no_room)
        elif was_full and not no_room:
            log.warning("the disk has room again")
        self._schedule.committed(rows, now, has_room=not no_room)

    def _drain(self) -> None:
        """Take the rows in transit, and commit."""
        if self._job is None or self._session.stalled:
            return
        until = time.monotonic() + _DRAIN_S
        while time.monotonic() < until and self._results.poll(_DRAIN_QUIET_MS):
            self._take_chunks(self._job)
        self._commit(self._job)

    # -- the ventilator ----------------------------------------------------------------------

    def _answer(self) -> None:
        frames = receive_one(self._commits, self._security)
        if frames is None:
            return
        received = parse(frames) if frames else None
        # Every request is answered, as a REP socket receives nothing before it has answered.
        answer: messages.AnyMessage = messages.Refused(
            reason="malformed request", exit_code=Exit.BUG
        )
        if received is not None:
            answer = self._session.answer(received[0], time.monotonic())
        send(self._commits, answer)

    def _begin(self, request: messages.Open) -> CommitJob:
        try:
            if request.input.crawl is not UNSET:
                crawl_recovery.require_libraries()
            if self._directory.manifest is None:
                self._require_given(
                    f"the ventilator would begin {self._directory.path} with",
                    begun.FixedSettings(request.batch_size, request.output, request.input.format),
                    "give {} alike to the ventilator and to this sink",
                )
            manifest = self._directory.begin(request)
        except ConflictError as error:
            if not self._has_parent:  # else the same user reads it from the ventilator
                log.error("a ventilator is refused: %s", error)
            raise
        if self._job is None:
            self._job = SinkJob(self._directory, manifest, self._settings, self._epoch)
        if self._joined != request.session:
            self._joined = request.session
            logs.announce(f"a ventilator joined with {request.input.name}")
        self._job.resume_work()
        return self._job.commits


def run(
    spec: RoleSpec,
    settings: Settings,
    endpoints: Endpoints,
    stop: StopFlag,
    snapshot: Snapshot[SinkNumbers],
    security: Security,
    ventilator: str,
) -> Exit:
    """Run the sink. Raises FetcherError."""
    sink = Sink(spec, settings, endpoints, stop, snapshot, security, ventilator)
    where = endpoints.sinks[0].results
    logs.announce(f"the sink listens at {where}; waiting for a ventilator and workers")
    return sink.run()
