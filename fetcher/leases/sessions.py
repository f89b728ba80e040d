"""The ventilator's talk with its sinks: opened in order, polled, believed, frozen when silent.

Law: no socket and no clock. Answers and the time go in; requests, notices and what the ledger is
told come out. A sink that does not answer, or cannot commit, freezes its own share of the batches.

    must open --Opened--> open --Poll: Committed--> open ... complete --Close: Closed--> closed
        ^                  |                                   |
        +---- Resync ------+-----------------------------------+  (the sink has started again)
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Final, NamedTuple

from fetcher import bitset
from fetcher.errors import ConflictError, DamageError, Exit, FetcherError
from fetcher.input.source_info import SourceInfo
from fetcher.leases.ledger import Ledger
from fetcher.leases.session import SinkSession
from fetcher.leases.types import Assignment
from fetcher.model import Batch
from fetcher.protocol import messages
from fetcher.protocol.shard import Share
from fetcher.protocol.totals import Totals, sum_of

TELL_WAITING_S: Final = 10.0  # between two notices that a sink is waited for
BUSY_S: Final = 10.0  # how long another ventilator's session is waited for
_MAY_ASK_AGAIN: Final = (0, Exit.STOPPED)  # exit codes of a refusal; see wire.Refused
END_S: Final = 5.0  # of a sink's answers that contradict what was read


class JobBegun(NamedTuple):
    """The first sink has opened the job, for the first time."""

    opened: messages.Opened


class Joined(NamedTuple):
    """A sink has opened the job, for the first time."""

    sink: str


class Waiting(NamedTuple):
    """A sink has not opened the job yet; `why`: what it said, if anything."""

    sink: str
    waited_s: float
    why: str


class Frozen(NamedTuple):
    """Nothing is handed out for a sink; `why` names it."""

    why: str
    is_all: bool  # it is the only one


class Thawed(NamedTuple):
    """Its share goes on."""

    sink: str


Notice = JobBegun | Joined | Waiting | Frozen | Thawed


class SinkSessions:
    """Iterates over the sessions, in the order of their shares."""

    session_class = SinkSession

    def __init__(
        self,
        ledger: Ledger,
        count: int,
        session: str,
        silent_s: float,
        offer: Callable[[Share], messages.Open],
        now: float,
    ) -> None:
        """`silent_s`: without an answer, until a share freezes; `offer`: what a sink is to open."""
        self._ledger = ledger
        self._session = session
        self._silent_s = silent_s
        self._offer = offer
        self._all = [self.session_class(Share(index, count), now) for index in range(count)]
        self._terms: object = None  # as the first sink has begun the job
        self.job = ""  # once the first sink has said it
        self._waiting_since = self._told_at = now  # for the next sink to open
        self._is_closing = False

    def __iter__(self) -> Iterator[SinkSession]:
        return iter(self._all)

    # -- requests ----------------------------------------------------------------------------

    def request(self, one: SinkSession, source: SourceInfo) -> messages.AnyMessage | None:
        """What to ask this sink now; None: nothing any more.

        A sink whose turn to open has not come is polled: one whose share is complete stays then.
        """
        is_its_turn = all(other.is_opened for other in self._all[: one.index])
        one.is_asked_early = not is_its_turn
        if one.must_open and is_its_turn:
            return self._offer(one.share)
        if self._is_closing:
            return None if one.is_closed else messages.Close(session=self._session)
        self._count_share(one, source)
        one.is_count_told = one.url_lines is not None
        return one.poll(self._session, source, self._ledger.suspects_if_changed(one.index))

    def is_urgent(self, one: SinkSession, source: SourceInfo) -> bool:
        """Whether it has just become known how many lines the sink shall have.

        It may commit the last of them as soon as it is told.
        """
        if not one.must_open:
            self._count_share(one, source)
        return one.url_lines is not None and not one.is_count_told

    def _count_share(self, one: SinkSession, source: SourceInfo) -> None:
        if one.url_lines is None and source.at_end:
            if len(self._all) == 1:
                one.url_lines = source.url_lines
            elif self._ledger.is_read(one.index):
                one.url_lines = one.lines_read

    # -- answers -----------------------------------------------------------------------------

    def receive(self, one: SinkSession, answer: messages.AnyMessage, now: float) -> list[Notice]:
        """Take in the answer to the last request. Raises FetcherError where the job must stop."""
        one.heard_at = now
        if one.is_asked_early:
            return []
        match answer:
            case messages.Opened():
                return self._opened(one, answer, now)
            case messages.Committed():
                return self._committed(one, answer, now)
            case messages.Resync():
                one.must_open = True
            case messages.Closed():
                one.is_closed = True
            case messages.Refused():
                return self._refused(one, answer, now)
        return []

    def _opened(self, one: SinkSession, opened: messages.Opened, now: float) -> list[Notice]:
        notices: list[Notice] = [] if one.is_opened else [Joined(self._name(one))]
        if self._terms is None:
            self.job, self._terms = opened.job, opened.unchanging
            notices.append(JobBegun(opened))
        elif opened.job != self.job:
            raise ConflictError(
                f"{self._name(one)} now has another job; stop it or this ventilator"
            )
        elif opened.unchanging != self._terms:
            raise ConflictError(
                f"the OUTs of {self._all[0].share} and {one.share} were begun with different "
                "batch sizes, [output] or input.keep_columns; give new ones to all"
            )
        self._waiting_since = now
        one.take_over(opened)
        for batch in self._ledger.open_batches(one.index):
            self._ledger.committed(batch.id, one.committed_of(batch), now)
        self._ledger.sink_restarted(now, one.index)
        return notices

    def _committed(self, one: SinkSession, news: messages.Committed, now: float) -> list[Notice]:
        one.take_news(news)
        for batch, mask in news.changed.items():
            # b"": the batch is full
            self._ledger.committed(batch, bitset.unpack(mask) if mask else -1, now)
        self._require_sense(one, news, now)
        if news.stalled:
            return self._freeze(one, news.stalled, now)
        if self._ledger.is_frozen(one.index):
            self._ledger.thaw(now, one.index)
            return [Thawed(self._name(one))]
        return []

    def _require_sense(self, one: SinkSession, news: messages.Committed, now: float) -> None:
        """A sink that never completes, though nothing is left to fetch, has a damaged journal."""
        is_counted = self._ledger.source_ended and one.url_lines is not None
        is_left = not is_counted or self._ledger.open_batches(one.index)
        is_looking = news.totals.rows == one.url_lines  # at its files, before it is complete
        if is_left or is_looking or news.complete or news.stalled:
            one.nothing_left_at = None
            return
        if one.nothing_left_at is None:
            one.nothing_left_at = now
        if now - one.nothing_left_at > END_S:
            raise DamageError(
                f"every line is committed, but {news.totals.rows} rows are counted for "
                f"{one.url_lines} lines: the journal is damaged; `fetcher verify` says more"
            )

    def _refused(self, one: SinkSession, refused: messages.Refused, now: float) -> list[Notice]:
        one.refusal = refused.reason
        if self._is_closing:
            one.is_closed = True  # another ventilator has the complete job, and will close it
            return []
        if refused.exit_code not in _MAY_ASK_AGAIN:
            error = FetcherError(refused.reason)
            error.exit_code = Exit(refused.exit_code)
            raise error
        if refused.exit_code == Exit.STOPPED:  # it waits for room on its disk
            one.busy_since = None
        elif one.busy_since is None:
            one.busy_since = now
        elif now - one.busy_since > BUSY_S:
            raise ConflictError(refused.reason)
        return self._freeze(one, refused.reason, now) if self.is_open else []

    # -- time --------------------------------------------------------------------------------

    def waiting(self, now: float) -> list[Notice]:
        """Says from time to time which sink is waited for, until all have opened the job."""
        if self.is_open or now - self._told_at <= TELL_WAITING_S:
            return []
        self._told_at = now
        one = next(each for each in self._all if not each.is_opened)
        return [Waiting(self._name(one), now - self._waiting_since, one.refusal)]

    def judge_silence(self, now: float) -> list[Notice]:
        """Freeze the share of each sink that does not answer."""
        notices: list[Notice] = []
        for one in self._all:
            if now - one.heard_at > self._silent_s:
                notices += self._freeze(one, f"{self._name(one)} does not answer", now)
        return notices

    def _freeze(self, one: SinkSession, why: str, now: float) -> list[Notice]:
        if self._ledger.is_frozen(one.index):
            return []
        self._ledger.freeze(now, one.index)
        return [Frozen(why, len(self._all) == 1)]

    def trouble(self, now: float) -> str:
        """Why some of them take nothing; "": all is well."""
        told = []
        for one in self._all:
            silent_s = now - one.heard_at
            if silent_s > self._silent_s:
                told.append(f"{self._name(one)} does not answer (for {silent_s:.0f} s)")
            elif one.stalled:
                told.append(f"{self._name(one)}: {one.stalled}")
            if not one.is_opened:
                break  # the others are asked after it
        return "; ".join(told)

    def silent_s(self, now: float) -> tuple[float, ...]:
        """Since each was heard."""
        return tuple(now - one.heard_at for one in self._all)

    def _name(self, one: SinkSession) -> str:
        return "the sink" if len(self._all) == 1 else str(one.share)

    # -- handing out -------------------------------------------------------------------------

    def hand_out(
        self, batches: Sequence[Iterator[Batch]], send: Callable[[Assignment], bool], now: float
    ) -> bool:
        """Read as far as is wanted, and send what may go out; False: `send` took no more.

        `batches`: of the whole input, for each sink on its own.
        """
        while True:
            for one in self._all:
                while self._ledger.wants_batch(one.index):
                    self._read_on(one, batches[one.index])
            assignment = self._ledger.take(now)
            if assignment is None:
                return True
            if not send(assignment):
                self._ledger.put_back(assignment.lease)
                return False

    def _read_on(self, one: SinkSession, batches: Iterator[Batch]) -> None:
        found = one.next_batch(batches)
        if found is None:
            self._ledger.read_to_end(one.index)
        else:
            self._ledger.add(*found)

    # -- all of them -------------------------------------------------------------------------

    @property
    def is_open(self) -> bool:
        """Whether each of them has said what it has."""
        return all(one.is_opened for one in self._all)

    @property
    def is_complete(self) -> bool:
        return all(one.is_complete for one in self._all)

    @property
    def is_some_frozen(self) -> bool:
        return any(self._ledger.is_frozen(one.index) for one in self._all)

    @property
    def totals(self) -> Totals:
        return sum_of(one.totals for one in self._all)

    @property
    def lines_read(self) -> int:
        """Of the list, for all of them together."""
        return sum(one.lines_read for one in self._all)

    def session_of(self, batch: int) -> SinkSession:
        """The one whose share has this batch."""
        return self._all[batch % len(self._all)]

    def close(self) -> None:
        """From now on tell them that they may leave."""
        self._is_closing = True

    @property
    def is_closed(self) -> bool:
        """Whether all of them have heard that they may leave."""
        return all(one.is_closed for one in self._all)
