"""The sink: collects chunks, makes them durable in groups, answers what is committed.

Law: unpatched, one thread, one loop; what counts is decided in core.intake and kept by store. It
is the only authority on what is done, and so on when the job is.
"""

from __future__ import annotations

import functools
import logging
import secrets
import time
from pathlib import Path
from typing import Final

import zmq

from fetcher.core import wire
from fetcher.core.tally import Totals
from fetcher.errors import ConflictError, Exit, NoSpaceError, StoppedError
from fetcher.pipeline.channel import Ends, Way, drop, open_socket, parse, receive, receive_one, send
from fetcher.pipeline.process import RoleSpec, StopFlag
from fetcher.pipeline.security import Security
from fetcher.pipeline.sink_job import SinkJob
from fetcher.settings import Settings
from fetcher.store import begun
from fetcher.store.begun import Begun
from fetcher.store.store import OutputDirectory
from fetcher.telemetry import counts, logs
from fetcher.telemetry.board import Board
from fetcher.telemetry.numbers import SinkNumbers
from fetcher.telemetry.tallies import CommitTally

log = logging.getLogger(__name__)

_IDLE_MS: Final = 100
_MAX_CHUNKS: Final = 500  # of one turn of the loop
_SESSION_S: Final = 3.0  # a ventilator unheard of for so long may be replaced by another
_RETRY_S: Final = 1.0  # a commit that found the disk full
_DRAIN_S: Final = 2.0  # at a stop: for rows that are on their way
_DRAIN_QUIET_MS: Final = 200
_LEAVE_S: Final = 30.0  # a complete job's sink leaves when nobody has asked for so long


class Sink:
    """One job's sink; `run` returns when every line is committed."""

    def __init__(
        self,
        spec: RoleSpec,
        settings: Settings,
        ends: Ends,
        stop: StopFlag,
        board: Board[SinkNumbers],
        security: Security,
        ventilator: str,
    ) -> None:
        """`ventilator`: the endpoint of a job that runs on this host alone, else ""."""
        self._settings = settings
        self._given = spec.given
        self._leashed = spec.leashed
        self._stop = stop
        self._board = board
        self._tally = CommitTally()
        self._directory = OutputDirectory(Path(spec.out), ventilator)
        self._context = zmq.Context()
        (mine,) = ends.sinks
        self._security = security
        opened = functools.partial(open_socket, self._context, bind=True, security=security)
        self._results = opened(zmq.PULL, Way.RESULTS, mine.results)
        self._commits = opened(zmq.REP, Way.COMMITS, mine.commits)
        self._epoch = secrets.token_hex(8)
        self._job: SinkJob | None = None
        self._session = ""
        self._heard_at = time.monotonic()
        self._commit_at = 0.0
        self._committed_at = 0.0  # when rows were committed last
        self._stalled = ""
        self._closed = False
        if self._directory.manifest is not None:
            self._job = SinkJob(self._directory, self._directory.manifest, settings, self._epoch)
            # Now that the manifest agrees with the journal: a damaged OUT is the worse news.
            self._require_given(
                f"{spec.out} was begun with", begun.begun_by(self._directory.manifest)
            )

    def _require_given(self, who: str, job: Begun, remedy: str = begun.LEAVE_OUT) -> None:
        begun.require_same(who, job, self._settings, self._given, remedy)

    def run(self) -> Exit:
        """Serve until the job is complete and its ventilator knows. Raises FetcherError."""
        try:
            while not self._may_leave():
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
        if self._job is None or not self._job.complete:
            raise StoppedError("stopped; the same command resumes")
        return Exit.DONE

    def _may_leave(self) -> bool:
        complete = self._job is not None and self._job.complete
        return complete and (self._closed or time.monotonic() - self._heard_at > _LEAVE_S)

    @property
    def _is_finishing(self) -> bool:
        return self._job is not None and self._job.is_finishing and not self._stalled

    # -- one turn ----------------------------------------------------------------------------

    def _turn(self) -> None:
        self._wait()
        if self._job is not None and not self._stalled:
            self._take_chunks(self._job)
        self._answer()
        if self._job is not None and (self._is_finishing or time.monotonic() >= self._commit_at):
            self._commit(self._job)
        now = time.monotonic()
        if self._board.is_due(now):
            self._board.put(self._numbers(), now)

    def _numbers(self) -> SinkNumbers:
        intake = self._job.intake if self._job is not None else None
        return SinkNumbers(
            trouble=self._stalled,
            dropped=dict(counts.DROPPED),
            refused=dict(counts.REFUSED),
            totals=intake.totals if intake else Totals(),
            duplicates=intake.duplicates if intake else 0,
            pending_bytes=intake.pending_bytes if intake else 0,
            row_bytes=self._tally.row_bytes,
            commit_s=self._tally.seconds.look(),
            commit_rows=self._tally.rows.look(),
            is_stalled=bool(self._stalled),
        )

    def _wait(self) -> None:
        poller = zmq.Poller()
        poller.register(self._commits, zmq.POLLIN)
        if self._job is not None and not self._stalled:
            poller.register(self._results, zmq.POLLIN)
        timeout_ms = float(_IDLE_MS)
        if self._is_finishing:
            timeout_ms = 0.0
        elif self._job is not None and self._job.intake.pending_bytes:
            timeout_ms = min(timeout_ms, (self._commit_at - time.monotonic()) * 1000)
        poller.poll(max(int(timeout_ms), 0))

    def _take_chunks(self, job: SinkJob) -> None:
        for _ in range(_MAX_CHUNKS):
            received = receive(self._results, self._security, Way.RESULTS)
            if received is None:
                break
            message, rows = received
            if not isinstance(message, wire.ChunkHeader):
                drop("unexpected", f"a result of type {type(message).__name__}")
                continue
            job.take(message, rows)
            if job.intake.pending_bytes >= self._settings.sink.commit_bytes:
                self._commit_at = 0.0
                return
        if job.has_last_rows:
            self._commit_at = 0.0
        elif job.intake.pending_bytes:
            # The first rows after a while need not wait for others.
            self._commit_at = self._committed_at + self._settings.sink.commit_interval_s

    def _commit(self, job: SinkJob) -> None:
        began, row_bytes = time.monotonic(), job.intake.pending_bytes
        try:
            self._directory.require_held()
            rows = job.intake.commit()
            self._tally.add(rows, row_bytes, time.monotonic() - began)
            if rows:
                self._committed_at = time.monotonic()
            job.check_complete()
        except NoSpaceError as error:
            if not self._stalled:
                log.error("disk full (%s): nothing is committed until there is room", error)
            self._stalled = f"disk full ({error})"
            self._commit_at = time.monotonic() + _RETRY_S
            return
        if self._stalled:
            log.warning("the disk has room again")
        self._stalled = ""
        self._commit_at = time.monotonic() + self._settings.sink.commit_interval_s

    def _drain(self) -> None:
        """Take what is on its way, commit, and leave."""
        if self._job is None or self._stalled:
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
        # Whatever came is answered: without an answer the socket would take nothing more.
        answer: wire.AnyMessage = wire.Refused(reason="malformed request", exit_code=Exit.BUG)
        if received is not None:
            try:
                answer = self._answer_to(received[0])
            except NoSpaceError as error:
                if self._job is None:
                    raise  # there is nothing yet that another try could go on with
                answer = wire.Refused(reason=f"disk full ({error})", exit_code=Exit.STOPPED)
        send(self._commits, answer)

    def _answer_to(self, request: wire.AnyMessage) -> wire.AnyMessage:
        now = time.monotonic()
        match request:
            case wire.Open():
                return self._open(request, now)
            case wire.Poll() | wire.Close() if not self._session:
                # This sink has started since: the asker must open the job again.
                return wire.Resync()
            case wire.Poll() | wire.Close() if request.session != self._session:
                return wire.Refused(
                    reason="another ventilator has taken over this job", exit_code=Exit.CONFLICT
                )
            case wire.Poll() if self._job is not None:
                self._heard_at = now
                return self._news(self._job, request)
            case wire.Close():
                self._closed = True
                return wire.Closed()
            case _:
                return wire.Refused(reason="not a request", exit_code=Exit.BUG)

    def _news(self, job: SinkJob, poll: wire.Poll) -> wire.AnyMessage:
        stalled = self._stalled
        try:
            job.note(poll.source, poll.suspects, poll.url_lines)
        except NoSpaceError as error:  # it comes again with the next poll
            stalled = f"disk full ({error})"
        return job.news(poll, stalled)

    def _open(self, request: wire.Open, now: float) -> wire.AnyMessage:
        theirs = self._session not in ("", request.session)
        if theirs and now - self._heard_at < _SESSION_S:
            return wire.Refused(
                reason=f"{self._directory.path} is in use by another ventilator; stop that first",
                exit_code=0,
            )
        try:
            if self._directory.manifest is None:
                self._require_given(
                    f"the ventilator would begin {self._directory.path} with",
                    begun.Begun(request.batch_size, request.output, request.input.format),
                    "give {} alike to the ventilator and to this sink",
                )
            manifest = self._directory.begin(request)
        except ConflictError as error:
            if not self._leashed:  # else the ventilator tells the same user
                log.error("a ventilator is refused: %s", error)
            return wire.Refused(reason=str(error), exit_code=error.exit_code)
        if self._job is None:
            self._job = SinkJob(self._directory, manifest, self._settings, self._epoch)
        if self._session != request.session:
            logs.announce(f"a ventilator joined with {request.input.name}")
        self._session = request.session
        self._heard_at = now
        return self._job.opened(request.input.source)


def run(
    spec: RoleSpec,
    settings: Settings,
    ends: Ends,
    stop: StopFlag,
    board: Board[SinkNumbers],
    security: Security,
    ventilator: str,
) -> Exit:
    """The role's whole life. Raises FetcherError."""
    sink = Sink(spec, settings, ends, stop, board, security, ventilator)
    where = ends.sinks[0].results
    logs.announce(f"the sink listens at {where}; waiting for a ventilator and workers")
    return sink.run()
