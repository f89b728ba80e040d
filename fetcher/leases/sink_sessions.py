"""The ventilator's sessions with its sinks: it opens the job at each in order, polls, and closes.

Answers and the time go in; requests, notices and changes of the ledger come out. There are no
sockets and no clocks here. A sink that does not answer, or cannot commit, freezes its own share of
the batches. See leases.crawl_sessions for what is different in a crawl.

    must open --Opened--> open --Poll: Committed--> open ... complete --Close: Closed--> closed
        ^                  |                                   |
        +---- Resync ------+-----------------------------------+  (the sink has restarted)
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Final

from msgspec import UNSET, UnsetType

from fetcher import bitset
from fetcher.errors import ConflictError, DamageError, Exit, FetcherError
from fetcher.frontier.totals import CrawlTotals
from fetcher.input.routes import Routing
from fetcher.input.source_info import SourceInfo
from fetcher.leases.ledger import Ledger
from fetcher.leases.sink_notices import Frozen, JobBegun, Joined, Notice, Thawed, Waiting
from fetcher.leases.sink_session import SinkSession
from fetcher.leases.types import Assignment
from fetcher.model import Batch
from fetcher.protocol import messages
from fetcher.protocol.shard import Share, sink_of
from fetcher.protocol.totals import Totals, sum_of

WAITING_NOTICE_S: Final = 10.0  # between two notices about waiting for a sink
BUSY_S: Final = 10.0  # how long to wait for another ventilator that has the job
_MAY_ASK_AGAIN: Final = (0, Exit.STOPPED)  # exit codes of a refusal; see messages.Refused
END_S: Final = 5.0  # how long a sink's answers may contradict what was read


class SinkSessions:
    """All sinks of a list; iterates over their sessions in the order of the shares."""

    session_class = SinkSession

    def __init__(
        self,
        ledger: Ledger,
        count: int,
        session: str,
        silent_s: float,
        offer: Callable[[Share], messages.Open],
        now: float,
        routing: Routing | None = None,
    ) -> None:
        """`silent_s`: time without an answer until a share freezes; `offer`: makes the `Open`.

        `routing`: which lines are of which route; None: there is only one route.
        """
        self._ledger = ledger
        self._session = session
        self._silent_s = silent_s
        self._offer = offer
        self._all = [
            self.session_class(Share(index, count), now, routing) for index in range(count)
        ]
        self._routing = routing
        self._terms: object = None  # `Opened.unchanging` of the first sink
        self.job = ""  # known when the first sink has opened it
        self._waiting_since = self._noticed_at = now  # for the next sink to open the job
        self._is_closing = False
        self.must_read_on = False  # the last `hand_out` has not read as much as the ledger wants

    def __iter__(self) -> Iterator[SinkSession]:
        return iter(self._all)

    # -- requests ----------------------------------------------------------------------------

    def request(self, one: SinkSession, source: SourceInfo) -> messages.AnyMessage | None:
        """The next request to this sink; None: there is none any more.

        A sink whose turn to open has not come is polled, so that it does not leave if its share is
        complete.
        """
        is_its_turn = all(other.is_opened for other in self._all[: one.index])
        one.is_asked_early = not is_its_turn
        if one.must_open and is_its_turn:
            return self._offer(one.share)
        if self._is_closing:
            return None if one.is_closed else messages.Close(session=self._session)
        return self._next_request(one, source)

    def _next_request(self, one: SinkSession, source: SourceInfo) -> messages.AnyMessage:
        """The next request to a sink that has the job."""
        return self._poll(one, source)

    def _poll(self, one: SinkSession, source: SourceInfo) -> messages.Poll:
        self._count_share(one, source)
        one.is_count_told = one.url_lines is not None
        return one.poll(self._session, source, self._ledger.suspects_if_changed(one.index))

    def is_urgent(self, one: SinkSession, source: SourceInfo) -> bool:
        """Whether to ask at once: with the number of its lines, a sink can complete its share."""
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
        """Process the answer to the last request. Raises FetcherError if the job must stop."""
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
            self._ledger.committed(batch.id, one.committed_of(batch.id), now)
        self._ledger.sink_restarted(now, one.index)
        return notices

    def _committed(self, one: SinkSession, news: messages.Committed, now: float) -> list[Notice]:
        one.update(news)
        self._hear(news, now)
        self._check_consistent(one, news, now)
        return self._stall_or_go_on(one, now)

    def _hear(self, news: messages.Committed, now: float) -> None:
        """Take what is new in the answer to a poll."""
        for batch, packed in news.changed.items():
            mask = bitset.unpack(packed) if packed else -1  # b"": the batch is full
            self._lines_committed(batch, mask, now)

    def _lines_committed(self, batch: int, mask: int, now: float) -> None:
        self._ledger.committed(batch, mask, now)

    def _stall_or_go_on(self, one: SinkSession, now: float) -> list[Notice]:
        """Freeze the share of a sink that cannot commit, or thaw that of one that can again."""
        if one.stalled:
            return self._freeze(one, one.stalled, now)
        if self._ledger.is_frozen(one.index):
            self._ledger.thaw(now, one.index)
            return [Thawed(self._name(one))]
        return []

    def _check_consistent(self, one: SinkSession, news: messages.Committed, now: float) -> None:
        """Raise DamageError if a sink does not complete for long though no line is left."""
        is_counted = self._ledger.source_ended and one.url_lines is not None
        is_left = not is_counted or self._ledger.open_batches(one.index)
        is_checking = news.totals.rows == one.url_lines  # it checks its files before it is complete
        if is_left or is_checking or news.complete or news.stalled:
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
            one.is_closed = True  # another ventilator has the complete job and will close it
            return []
        if refused.exit_code not in _MAY_ASK_AGAIN:
            error = FetcherError(refused.reason)
            error.exit_code = Exit(refused.exit_code)
            raise error
        if refused.exit_code == Exit.STOPPED:  # it waits for space on its disk
            one.busy_since = None
        elif one.busy_since is None:
            one.busy_since = now
        elif now - one.busy_since > BUSY_S:
            raise ConflictError(refused.reason)
        return self._freeze(one, refused.reason, now) if self.is_open else []

    # -- time --------------------------------------------------------------------------------

    def waiting(self, now: float) -> list[Notice]:
        """A notice from time to time about the sink that has not opened the job yet."""
        if self.is_open or now - self._noticed_at <= WAITING_NOTICE_S:
            return []
        self._noticed_at = now
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
        """Why some sinks take nothing; "": all sinks work."""
        reasons = []
        for one in self._all:
            silent_s = now - one.heard_at
            if silent_s > self._silent_s:
                reasons.append(f"{self._name(one)} does not answer (for {silent_s:.0f} s)")
            elif one.stalled:
                reasons.append(f"{self._name(one)}: {one.stalled}")
            if not one.is_opened:
                break  # the sinks after it wait for it
        return "; ".join(reasons)

    def silent_s(self, now: float) -> tuple[float, ...]:
        """Seconds since the last answer of each sink."""
        return tuple(now - one.heard_at for one in self._all)

    def _name(self, one: SinkSession) -> str:
        return "the sink" if len(self._all) == 1 else str(one.share)

    # -- handing out -------------------------------------------------------------------------

    def hand_out(
        self, batches: Sequence[Iterator[Batch]], send: Callable[[Assignment], bool], now: float
    ) -> set[int]:
        """Read batches as needed, and send assignments. Returns the routes that `send` refused.

        `batches`: for each sink, and of each sink for each route, an iterator over the batches of
        the whole input.
        """
        refused: set[int] = set()
        later: set[tuple[int, int]] = set()  # sinks and routes that are read on in the next call
        while True:
            for one in self._all:
                for route in self._ledger.routes:
                    if (one.index, route) not in later and not self._read(one, route, batches, now):
                        later.add((one.index, route))
            self.must_read_on = bool(later)
            assignment = self._ledger.take(now, refused)
            if assignment is None:
                return refused
            if not send(assignment):
                self._ledger.put_back(assignment.lease)
                refused.add(assignment.route)

    def _read(
        self, one: SinkSession, route: int, batches: Sequence[Iterator[Batch]], now: float
    ) -> bool:
        """Read what the ledger wants of a route; False if that is to go on later."""
        own = one.index * len(self._ledger.routes) + route
        while self._wants_batch(one, route):
            if not self._read_on(one, route, batches[own]):
                return False
        return True

    def _wants_batch(self, one: SinkSession, route: int) -> bool:
        return self._ledger.wants_batch(one.index, route) and one.may_read(route)

    def _read_on(self, one: SinkSession, route: int, batches: Iterator[Batch]) -> bool:
        found = one.next_batch(batches, route)
        if found is not None:
            self._ledger.add(*found)
        elif one.is_read(route):
            self._ledger.read_to_end(one.index, route)
        else:
            return False
        return True

    # -- all sinks ---------------------------------------------------------------------------

    @property
    def is_open(self) -> bool:
        """Whether all sinks have opened the job."""
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
        """URL lines that were read for all sinks together."""
        return sum(one.lines_read for one in self._all)

    def unread_lines(self, route: int) -> int:
        """Lines of a route that were seen, and that are not read yet."""
        read = sum(one.read_of[route] for one in self._all)
        return self._routing.seen[route] - read if self._routing is not None else 0

    def source(self, read: SourceInfo) -> SourceInfo:
        """The lines of the job, given what was read of the file."""
        return read

    @property
    def crawl_totals(self) -> CrawlTotals | UnsetType:
        """The totals of a crawl."""
        return UNSET

    def session_of(self, batch: int) -> SinkSession:
        """The session of the sink whose share has this batch."""
        return self._all[sink_of(batch, len(self._all))]

    def close(self) -> None:
        """From now on, tell the sinks that they may leave."""
        self._is_closing = True

    @property
    def is_closed(self) -> bool:
        """Whether all sinks have confirmed that they may leave."""
        return all(one.is_closed for one in self._all)
