"""The sink's session with its ventilator: which requests are answered, and how.

Requests and the time go in, answers come out; there are no sockets, files or clocks here. What must
be durable is first written by a `JobRecord`. Only then does the state here change, and only then is
it reported to the ventilator.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Protocol

import msgspec
from msgspec import UNSET, UnsetType
from msgspec.structs import replace

from fetcher.commit import crawl_answers
from fetcher.commit.committer import Committer
from fetcher.errors import ConflictError, Exit, NoSpaceError, WireError
from fetcher.input.source_info import SourceInfo
from fetcher.protocol import messages
from fetcher.protocol.bounds import MAX_PAGE_LINES, MAX_PARTIAL, MAX_PARTIAL_BYTES
from fetcher.protocol.output_spec import PLAIN, Output

SESSION_S: Final = 3.0  # a ventilator that is silent for longer may be replaced by another
LEAVE_S: Final = 30.0  # the sink of a complete job leaves after so long without a request


class JobTerms(msgspec.Struct, frozen=True):
    """The properties of a job that never change after it has begun."""

    job: str
    batch_size: int
    output: Output = PLAIN
    key: bytes = b""  # of the lines' tags
    keep_columns: bool = False


class JobFacts(msgspec.Struct, frozen=True):
    """The durable facts of a job, except for its rows."""

    source: SourceInfo = SourceInfo()
    suspects: list[messages.Suspect] = []
    is_input_counted: bool = False  # to its end
    share_url_lines: int | None = None  # None: not counted yet
    is_complete: bool = False


class JobRecord(Protocol):
    """Makes the decisions of a `CommitJob` durable; see roles.sink.job.

    Each method may raise NoSpaceError; it is then called again later.
    """

    def note(self, source: SourceInfo | None, suspects: list[messages.Suspect] | None) -> None:
        """Record what the ventilator has found; None: unchanged."""

    def count(self, source: SourceInfo | None, share_url_lines: int | None) -> None:
        """Record the counts of the whole input and of this sink's share; None: unchanged."""

    def finish(self) -> bool:
        """Do a part of the last work on the output. Returns whether all of it is done."""

    def complete(self) -> None:
        """Record that the job is complete."""


class CommitJob:
    """A job that has begun: its facts, its answers, and whether it is complete."""

    log_page_lines = MAX_PAGE_LINES

    def __init__(
        self, terms: JobTerms, facts: JobFacts, committer: Committer, record: JobRecord, epoch: str
    ) -> None:
        self._terms = terms
        self._facts = facts
        self._record = record
        self._epoch = epoch
        self.committer = committer
        self.is_finishing = False  # all rows are committed, and some of the last work is left

    @property
    def is_complete(self) -> bool:
        """Whether every line has its row, and this is recorded."""
        return self._facts.is_complete

    def note(
        self,
        source: SourceInfo,
        suspects: list[messages.Suspect] | None,
        share_url_lines: int | None,
    ) -> None:
        """Record what the ventilator reports, if it is new. Raises NoSpaceError."""
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
        if self.committer.growth is not None:
            share_url_lines = None  # the lines of a crawl are those of its log, not of its seeds
        new_count = None if share_url_lines in (None, facts.share_url_lines) else share_url_lines
        if is_ended or new_count is not None:
            self._record.count(source if is_ended else None, new_count)
            self._facts = replace(
                facts,
                is_input_counted=facts.is_input_counted or is_ended,
                share_url_lines=facts.share_url_lines if new_count is None else new_count,
            )
        self.check_complete()

    def check_complete(self) -> None:
        """If every line has its row, do a part of the last work, or record the job as complete.

        Raises NoSpaceError, DamageError.
        """
        self.is_finishing = False
        if self.is_complete or not self._has_all_rows():
            return
        if self._record.finish():
            self._record.complete()
            self._facts = replace(self._facts, is_complete=True)
        else:
            self.is_finishing = True

    def _has_all_rows(self) -> bool:
        """Whether every line has its row, and no line can come any more.

        If the lines of a crawl have their rows, its next lines are judged, or counted as the last.
        """
        growth, rows = self.committer.growth, self.committer.totals.rows
        if growth is not None:
            if not growth.is_at_rest or rows != growth.committed.ready_lines:
                return False
            if growth.extend():
                self.is_finishing = True  # the next commit makes it durable, without new rows
                return False
            if self._facts.share_url_lines != rows:
                self._record.count(None, rows)
                self._facts = replace(self._facts, share_url_lines=rows)
        return rows == self._facts.share_url_lines

    def take_seeds(self, page: messages.Seeds) -> None:
        """Add a page of a crawl's seeds to the pending group. Raises WireError."""
        if self.committer.growth is None:
            raise WireError("seeds for a job that is a list")
        texts = page.texts.split(b"\n") if page.texts else []
        self.committer.growth.seeds(page.first, texts, at_end=page.at_end)

    @property
    def crawl(self) -> messages.CrawlState | UnsetType:
        """How far a crawl is, durably; UNSET: the job is a list."""
        growth = self.committer.growth
        return UNSET if growth is None else crawl_answers.state_of(growth)

    def opened(self, source: SourceInfo) -> messages.Opened:
        """The answer to `Open`; `source`: what the ventilator has counted of the input.

        Raises ConflictError if it fits into no message.
        """
        if not self._facts.source.checked_bytes:
            self.note(source, None, None)
        done, partial = self.committer.snapshot()
        if len(partial) > MAX_PARTIAL or sum(map(len, partial.values())) > MAX_PARTIAL_BYTES:
            raise ConflictError(
                f"{len(partial)} batches have rows of some of their lines, and a ventilator can "
                f"take over at most {MAX_PARTIAL}; begin again in another OUT, with a larger "
                "job.batch_size or fewer lines"
            )
        return messages.Opened(
            job=self._terms.job,
            batch_size=self._terms.batch_size,
            source=self._facts.source,
            done=done,
            partial=partial,
            suspects=self._facts.suspects,
            totals=self.committer.totals,
            epoch=self._epoch,
            version=self.committer.version,
            complete=self.is_complete,
            output=self._terms.output,
            keep_columns=self._terms.keep_columns or UNSET,
            key=self._terms.key,
            crawl=self.crawl,
        )

    def committed(self, poll: messages.Poll, stalled: str) -> messages.Committed | messages.Resync:
        """The answer to `Poll`; `stalled`: why nothing can be committed now, or ""."""
        changed = self.committer.changed_since(poll.epoch, poll.version)
        if changed is None:
            return messages.Resync()
        return messages.Committed(
            version=self.committer.version,
            changed=changed,
            totals=self.committer.totals,
            complete=self.is_complete,
            stalled=stalled,
            crawl=self.crawl,
            log=self._log_page(poll.log_from),
        )

    def _log_page(self, first: int | UnsetType) -> messages.LogPage | UnsetType:
        return crawl_answers.page(
            self.committer, first, self._terms.batch_size, self.log_page_lines
        )


class CommitSession:
    """Answers requests. One ventilator at a time has the job."""

    def __init__(
        self,
        out: str,
        begin: Callable[[messages.Open], CommitJob],
        job: CommitJob | None,
        now: float,
    ) -> None:
        """`out`: name of the output in messages; `job`: the job in it, if it was begun before.

        `begin`: begins the job of a request, or returns the present one if it is the same. It
        raises ConflictError or NoSpaceError.
        """
        self._out = out
        self._begin = begin
        self.job = job
        self._ventilator = ""  # the session of the ventilator that has the job
        self._heard_at = now  # last request of that ventilator
        self._asked_at = now  # last request of any ventilator
        self.is_closed = False  # the ventilator has said that it knows that the job is complete
        self.no_room = ""  # the error of the full disk, while nothing can be committed

    @property
    def is_complete(self) -> bool:
        """Whether every line has its row, and this is recorded."""
        return self.job is not None and self.job.is_complete

    @property
    def is_finishing(self) -> bool:
        """Whether `commit` should be called without new rows, to continue the last work."""
        return self.job is not None and self.job.is_finishing and not self.stalled

    @property
    def stalled(self) -> str:
        """Why nothing can be committed now; "": nothing prevents it."""
        return _disk_full(self.no_room) if self.no_room else ""

    def may_leave(self, now: float) -> bool:
        """Whether the job is complete, and its ventilator knows that or is gone."""
        return self.is_complete and (self.is_closed or now - self._asked_at > LEAVE_S)

    def commit(self) -> int:
        """Make the pending rows durable. Returns their number. A full disk sets `no_room`."""
        count = 0
        if self.job is None:
            return count
        try:
            count = self.job.committer.commit()
            self.job.check_complete()
        except NoSpaceError as error:
            self.no_room = str(error)
        else:
            self.no_room = ""
        return count

    def answer(self, request: messages.AnyMessage, now: float) -> messages.AnyMessage:
        """Answer a request. Raises NoSpaceError if the job cannot begin, and DamageError."""
        self._asked_at = now
        match request:
            case messages.Open():
                return self._open(request, now)
            case messages.Poll() | messages.Seeds() | messages.Close() if not self._ventilator:
                # This sink has restarted: the ventilator must open the job again.
                return messages.Resync()
            case messages.Poll() | messages.Seeds() | messages.Close() if (
                request.session != self._ventilator
            ):
                return messages.Refused(
                    reason="another ventilator has taken over this job", exit_code=Exit.CONFLICT
                )
            case messages.Poll() | messages.Seeds() if self.job is not None:
                self._heard_at = now
                return self._serve(self.job, request)
            case messages.Close():
                self.is_closed = True
                return messages.Closed()
            case _:
                return messages.Refused(reason="not a request to a sink", exit_code=Exit.BUG)

    def _open(self, request: messages.Open, now: float) -> messages.AnyMessage:
        is_another = self._ventilator not in ("", request.session)
        if is_another and now - self._heard_at < SESSION_S:
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
                raise  # nothing has begun that a later request could continue
            return messages.Refused(reason=_disk_full(str(error)), exit_code=Exit.STOPPED)

    def _serve(
        self, job: CommitJob, request: messages.Poll | messages.Seeds
    ) -> messages.AnyMessage:
        if isinstance(request, messages.Seeds):
            return self._take_seeds(job, request)
        return self._poll(job, request)

    def _poll(self, job: CommitJob, poll: messages.Poll) -> messages.AnyMessage:
        stalled = self.stalled
        try:
            job.note(poll.source, poll.suspects, poll.url_lines)
        except NoSpaceError as error:  # the next poll repeats it
            stalled = _disk_full(str(error))
        return job.committed(poll, stalled)

    def _take_seeds(self, job: CommitJob, page: messages.Seeds) -> messages.AnyMessage:
        """Take and commit a page of seeds; if the disk is full, the answer says so."""
        try:
            job.take_seeds(page)
        except WireError as error:
            return messages.Refused(reason=str(error), exit_code=Exit.BUG)
        self.commit()
        return messages.Seeded(job.crawl, self.stalled) if job.crawl else messages.Resync()


def _disk_full(why: str) -> str:
    return f"disk full ({why})"
