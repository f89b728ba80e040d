"""The sink: collects chunks, makes them durable in groups, answers what is committed.

Law: unpatched, one thread, one loop; what counts is decided in core.intake and kept by store. It
is the only authority on what is done, and so on when the job is.
"""

from __future__ import annotations

import functools
import itertools
import logging
import secrets
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import zmq

from fetcher.core import archive, wire
from fetcher.core.intake import Intake
from fetcher.core.output import warcinfo_id
from fetcher.core.tally import SourceInfo, Totals
from fetcher.encode.proof import RowProof
from fetcher.encode.rows import body_reader
from fetcher.errors import ConflictError, Exit, NoSpaceError, StoppedError, WireError
from fetcher.pipeline.channel import Ends, Way, drop, open_socket, parse, receive, receive_one, send
from fetcher.pipeline.finishing import Finishing
from fetcher.pipeline.process import StopFlag
from fetcher.pipeline.security import Security
from fetcher.settings import Settings
from fetcher.store.manifest import Manifest
from fetcher.store.secret import secret_of
from fetcher.store.store import OutputDirectory, Store
from fetcher.telemetry import counts
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
_MOST_UNPACKED: Final = 1032  # bytes of deflate's one (zlib's own figure)
_LEAVE_S: Final = 30.0  # a complete job's sink leaves when nobody has asked for so long


class Sink:
    """One job's sink; `run` returns when every line is committed."""

    def __init__(
        self,
        out: Path,
        settings: Settings,
        ends: Ends,
        stop: StopFlag,
        board: Board[SinkNumbers],
        security: Security,
        ventilator: str,
    ) -> None:
        """`ventilator`: the endpoint of a job that runs on this host alone, else ""."""
        self._settings = settings
        self._stop = stop
        self._board = board
        self._tally = CommitTally()
        self._directory = OutputDirectory(out, ventilator)
        self._context = zmq.Context()
        (mine,) = ends.sinks
        self._security = security
        opened = functools.partial(open_socket, self._context, bind=True, security=security)
        self._results = opened(zmq.PULL, Way.RESULTS, mine.results)
        self._commits = opened(zmq.REP, Way.COMMITS, mine.commits)
        self._epoch = secrets.token_hex(8)
        self._job: _Job | None = None
        self._session = ""
        self._heard_at = time.monotonic()
        self._commit_at = 0.0
        self._stalled = ""
        self._closed = False
        if self._directory.manifest is not None:
            self._job = _Job(self._directory, self._directory.manifest, settings, self._epoch)

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

    def _take_chunks(self, job: _Job) -> None:
        was_empty = not job.intake.pending_bytes
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
        if was_empty and job.intake.pending_bytes:
            self._commit_at = time.monotonic() + self._settings.sink.commit_interval_s

    def _commit(self, job: _Job) -> None:
        began, row_bytes = time.monotonic(), job.intake.pending_bytes
        try:
            self._directory.require_held()
            rows = job.intake.commit()
            self._tally.add(rows, row_bytes, time.monotonic() - began)
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

    def _news(self, job: _Job, poll: wire.Poll) -> wire.AnyMessage:
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
            manifest = self._directory.begin(request)
        except ConflictError as error:
            return wire.Refused(reason=str(error), exit_code=error.exit_code)
        if self._job is None:
            self._job = _Job(self._directory, manifest, self._settings, self._epoch)
        self._session = request.session
        self._heard_at = now
        return self._job.opened(request.input.source)


class _Job:
    """The begun job: its store, its intake, and what is known of its input."""

    def __init__(
        self,
        directory: OutputDirectory,
        manifest: Manifest,
        settings: Settings,
        epoch: str,
    ) -> None:
        self._directory = directory
        self._manifest = manifest
        self._epoch = epoch
        self._output = manifest.output
        self._store = Store(
            directory.path, manifest, settings.sink.segment_bytes, self._warc_begins
        )
        self._source = self._store.journal.source()
        self._suspects = self._store.journal.suspects()
        self.intake = Intake(self._store, self._store.journal.recover(), manifest.job, epoch)
        self.complete = manifest.state == "complete"
        self._finishing = Finishing(self._last_steps)
        self._key = secret_of(directory.path)
        self._proof = RowProof(self._output, self._key)
        # No line is shorter than its line feed, and no gzip makes more of a byte than this.
        self._batches = manifest.input.bytes * _MOST_UNPACKED // manifest.batch_size + 1

    def _warc_begins(self, name: str) -> bytes:
        # Imported by jobs that keep WARC files only.
        from fetcher.encode import warc  # noqa: PLC0415

        return warc.warcinfo(
            name, warcinfo_id(self._manifest.job, self._manifest.share.index, name)
        )

    def take(self, header: wire.ChunkHeader, rows: bytes) -> None:
        """One chunk of results; a malformed one is dropped."""
        try:
            size, share = self._manifest.batch_size, self._manifest.share
            if header.job != self._manifest.job:
                return  # of a job that was here before
            chunk = wire.check_chunk(header, rows, size, self._batches, share)
            bodies = self._output.bodies
            if (chunk.kept and bodies not in ("files", "warc")) or (
                chunk.empty and bodies != "files"
            ):
                raise WireError("chunk: bodies that nobody keeps")
            if self._output.warc_dedupe and bodies == "warc":
                starts = itertools.accumulate(chunk.kept_bytes, initial=0)
                for start, end in itertools.pairwise(starts):
                    if start < end:
                        archive.unpack(chunk.kept[start:end])
            self._proof.require(chunk)
            self.intake.offer(chunk, size)
        except WireError as error:
            drop("contradictory", f"a {error} (from {header.worker!r}; fetched again)")

    def note(
        self, source: SourceInfo, suspects: list[wire.Suspect] | None, url_lines: int | None
    ) -> None:
        """What the ventilator has found out; written only where it matters to a next one."""
        # Not by the journal alone: a sink may have been killed before it wrote the manifest.
        ended = source.at_end and self._manifest.input.url_lines is None
        grown = source.checked_bytes > self._source.checked_bytes
        if suspects is not None and suspects == self._suspects:
            suspects = None
        if ended or grown or suspects is not None:
            self._store.journal.note(source=source if grown or ended else None, suspects=suspects)
            self._source = source if grown or ended else self._source
            self._suspects = self._suspects if suspects is None else suspects
        if ended:
            self._manifest.input.sha256 = source.checked_sha256
            self._manifest.input.url_lines = source.url_lines
        counted = url_lines is not None and self._manifest.share_url_lines != url_lines
        if url_lines is not None and counted:
            self._store.journal.share_counted(url_lines)
            self._manifest.share_url_lines = url_lines
        if ended or counted:
            self._directory.save()
        self.check_complete()

    def check_complete(self) -> None:
        """Every line has its row: say so in the manifest, durably, before telling anybody.

        But first the last steps are made, some at each call. Raises NoSpaceError, DamageError.
        """
        if self.complete or self.intake.totals.rows != self._manifest.share_url_lines:
            return
        if self._finishing.work():
            self._manifest.state = "complete"
            self._directory.save()
            self.complete = True

    def _last_steps(self) -> Iterator[None]:
        if self._output.bodies == "warc":
            # warcio is for such jobs only.
            from fetcher.store import cdxj  # noqa: PLC0415

            yield from cdxj.build(self._directory.path, self._store.journal.lengths())
        yield from self._store.inspect(body_reader(self._output.rows))

    @property
    def is_finishing(self) -> bool:
        """Whether all rows are committed, and the last steps are being made."""
        return self._finishing.is_begun and not self.complete

    def news(self, poll: wire.Poll, stalled: str) -> wire.Committed | wire.Resync:
        """The answer to a poll."""
        changed = self.intake.changed_since(poll.epoch, poll.version)
        if changed is None:
            return wire.Resync()
        return wire.Committed(
            version=self.intake.version,
            changed=changed,
            totals=self.intake.totals,
            complete=self.complete,
            stalled=stalled,
        )

    def opened(self, source: SourceInfo) -> wire.Opened:
        """The answer to an opening; `source` is what the asker has counted of the input."""
        if not self._source.checked_bytes:
            self.note(source, None, None)
        done, partial = self.intake.snapshot()
        return wire.Opened(
            job=self._manifest.job,
            batch_size=self._manifest.batch_size,
            source=self._source,
            done=done,
            partial=partial,
            suspects=self._suspects,
            totals=self.intake.totals,
            epoch=self._epoch,
            version=self.intake.version,
            complete=self.complete,
            output=self._output,
            key=self._key,
        )

    def close(self) -> None:
        self._store.close()


def run(
    out: str,
    settings: Settings,
    ends: Ends,
    stop: StopFlag,
    board: Board[SinkNumbers],
    security: Security,
    ventilator: str,
) -> Exit:
    """The role's whole life. Raises FetcherError."""
    return Sink(Path(out), settings, ends, stop, board, security, ventilator).run()
