"""The sink's talk with its ventilator: who may ask, what is answered, when the job is complete.

Law: no socket, file or clock. Requests and the time go in, answers come out. Whatever must be
durable is written by a `JobRecord` first; only then is it believed here, and only then told.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Protocol

import msgspec
from msgspec import UNSET
from msgspec.structs import replace

from fetcher.commit.committer import Committer
from fetcher.errors import ConflictError, Exit, NoSpaceError
from fetcher.input.source_info import SourceInfo
from fetcher.protocol import messages
from fetcher.protocol.output_spec import PLAIN, Output

SESSION_S: Final = 3.0  # a ventilator unheard of for so long may be replaced by another
LEAVE_S: Final = 30.0  # a complete job's sink leaves when nobody has asked for so long


class JobTerms(msgspec.Struct, frozen=True):
    """What never changes in a job that has begun."""

    job: str
    batch_size: int
    output: Output = PLAIN
    key: bytes = b""  # of the lines' tags
    keep_columns: bool = False


class JobFacts(msgspec.Struct, frozen=True):
    """What is durable of a job, besides its rows."""

    source: SourceInfo = SourceInfo()
    suspects: list[messages.Suspect] = []
    is_input_counted: bool = False  # to its end
    share_url_lines: int | None = None  # None: not counted yet
    is_complete: bool = False


class JobRecord(Protocol):
    """Makes durable what a `CommitJob` decides; see fetcher.roles.sink.job.

    Each method may raise NoSpaceError, and is then called again later.
    """

    def note(self, source: SourceInfo | None, suspects: list[messages.Suspect] | None) -> None:
        """Keep what the ventilator has found out; None: as before."""

    def count(self, source: SourceInfo | None, share_url_lines: int | None) -> None:
        """Keep the counts of the whole input, and of this sink's share; None: as before."""

    def finish(self) -> bool:
        """Do some of the last work on the output; True once all of it is done."""

    def complete(self) -> None:
        """Record that the job is complete."""


class CommitJob:
    """A job that has begun: what its ventilator may know, and whether it is complete."""

    def __init__(
        self, terms: JobTerms, facts: JobFacts, intake: Committer, record: JobRecord, epoch: str
    ) -> None:
        self._terms = terms
        self._facts = facts
        self._record = record
        self._epoch = epoch
        self.intake = intake
        self.is_finishing = False  # all rows are committed, and the last work goes on

    @property
    def is_complete(self) -> bool:
        """Whether every line has its row, and that is recorded."""
        return self._facts.is_complete

    def note(
        self,
        source: SourceInfo,
        suspects: list[messages.Suspect] | None,
        share_url_lines: int | None,
    ) -> None:
        """Keep what the ventilator says, where it is new. Raises NoSpaceError."""
        facts = self._facts
        is_ended = source.at_end and not facts.is_input_counted
        is_grown = source.checked_bytes > facts.source.checked_bytes
        new_source = source if is_grown or is_ended else None
        new_suspects = None if suspects == facts.suspects else suspects
        if new_source is not None or new_suspects is not None:
            self._record.note(new_source, new_suspects)
            self._facts = facts = replace(
                facts,
                source=facts.source if new_source is None else new_source,
                suspects=facts.suspects if new_suspects is None else new_suspects,
            )
        new_count = None if share_url_lines == facts.share_url_lines else share_url_lines
        if is_ended or new_count is not None:
            self._record.count(source if is_ended else None, new_count)
            self._facts = replace(
                facts,
                is_input_counted=facts.is_input_counted or is_ended,
                share_url_lines=facts.share_url_lines if new_count is None else new_count,
            )
        self.check_complete()

    def check_complete(self) -> None:
        """If every line has its row, do the last work, some at each call, and record the end.

        Raises NoSpaceError, DamageError.
        """
        self.is_finishing = False
        if self.is_complete or self.intake.totals.rows != self._facts.share_url_lines:
            return
        if self._record.finish():
            self._record.complete()
            self._facts = replace(self._facts, is_complete=True)
        else:
            self.is_finishing = True

    def opened(self, source: SourceInfo) -> messages.Opened:
        """The answer to an opening; `source`: what the asker has counted of the input."""
        if not self._facts.source.checked_bytes:
            self.note(source, None, None)
        done, partial = self.intake.snapshot()
        return messages.Opened(
            job=self._terms.job,
            batch_size=self._terms.batch_size,
            source=self._facts.source,
            done=done,
            partial=partial,
            suspects=self._facts.suspects,
            totals=self.intake.totals,
            epoch=self._epoch,
            version=self.intake.version,
            complete=self.is_complete,
            output=self._terms.output,
            keep_columns=self._terms.keep_columns or UNSET,
            key=self._terms.key,
        )

    def news(self, poll: messages.Poll, stalled: str) -> messages.Committed | messages.Resync:
        """The answer to a poll."""
        changed = self.intake.changed_since(poll.epoch, poll.version)
        if changed is None:
            return messages.Resync()
        return messages.Committed(
            version=self.intake.version,
            changed=changed,
            totals=self.intake.totals,
            complete=self.is_complete,
            stalled=stalled,
        )


class CommitSession:
    """Answers requests; one ventilator at a time may have the job."""

    def __init__(
        self,
        out: str,
        begin: Callable[[messages.Open], CommitJob],
        job: CommitJob | None,
        now: float,
    ) -> None:
        """`out` names the output in messages; `job`: one that an earlier sink has begun.

        `begin`: begins the job of a request, or finds that it is the one that is here. It raises
        ConflictError or NoSpaceError.
        """
        self._out = out
        self._begin = begin
        self.job = job
        self._ventilator = ""  # the session of the ventilator that has the job
        self._heard_at = now  # by that ventilator
        self._asked_at = now  # by whomever
        self.is_closed = False  # the ventilator knows that the job is complete
        self.no_room = ""  # what the full disk said, while nothing can be committed

    @property
    def is_complete(self) -> bool:
        """Whether every line has its row, and that is recorded."""
        return self.job is not None and self.job.is_complete

    @property
    def is_finishing(self) -> bool:
        """Whether a commit is due without new rows: it continues the last work."""
        return self.job is not None and self.job.is_finishing and not self.stalled

    @property
    def stalled(self) -> str:
        """Why nothing can be committed now; "": it can."""
        return _disk_full(self.no_room) if self.no_room else ""

    def may_leave(self, now: float) -> bool:
        """Whether the job is complete, and its ventilator knows or is gone."""
        return self.is_complete and (self.is_closed or now - self._asked_at > LEAVE_S)

    def commit(self) -> int:
        """Make the pending rows durable; their number. A full disk sets `no_room`."""
        count = 0
        if self.job is None:
            return count
        try:
            count = self.job.intake.commit()
            self.job.check_complete()
        except NoSpaceError as error:
            self.no_room = str(error)
        else:
            self.no_room = ""
        return count

    def answer(self, request: messages.AnyMessage, now: float) -> messages.AnyMessage:
        """Raises NoSpaceError where the job cannot begin, DamageError."""
        self._asked_at = now
        match request:
            case messages.Open():
                return self._open(request, now)
            case messages.Poll() | messages.Close() if not self._ventilator:
                # This sink has started since: the asker must open the job again.
                return messages.Resync()
            case messages.Poll() | messages.Close() if request.session != self._ventilator:
                return messages.Refused(
                    reason="another ventilator has taken over this job", exit_code=Exit.CONFLICT
                )
            case messages.Poll() if self.job is not None:
                self._heard_at = now
                return self._news(self.job, request)
            case messages.Close():
                self.is_closed = True
                return messages.Closed()
            case _:
                return messages.Refused(reason="not a request", exit_code=Exit.BUG)

    def _open(self, request: messages.Open, now: float) -> messages.AnyMessage:
        is_theirs = self._ventilator not in ("", request.session)
        if is_theirs and now - self._heard_at < SESSION_S:
            return messages.Refused(
                reason=f"{self._out} is in use by another ventilator; stop that first",
                exit_code=0,
            )
        try:
            self.job = self._begin(request)
            self._ventilator = request.session
            self._heard_at = now
            return self.job.opened(request.input.source)
        except ConflictError as error:
            return messages.Refused(reason=str(error), exit_code=error.exit_code)
        except NoSpaceError as error:
            if self.job is None:
                raise  # there is nothing yet that another try could go on with
            return messages.Refused(reason=_disk_full(str(error)), exit_code=Exit.STOPPED)

    def _news(self, job: CommitJob, poll: messages.Poll) -> messages.AnyMessage:
        stalled = self.stalled
        try:
            job.note(poll.source, poll.suspects, poll.url_lines)
        except NoSpaceError as error:  # it comes again with the next poll
            stalled = _disk_full(str(error))
        return job.news(poll, stalled)


def _disk_full(why: str) -> str:
    return f"disk full ({why})"
