"""The ventilator's session with the sink of a crawl: seeds go there, and the log comes back.

A crawl has one sink, which alone extends the log (see leases.crawl_feed). The sink also counts its
lines; all else is as for a list.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from msgspec import UNSET, UnsetType
from msgspec.structs import replace

from fetcher.errors import ConfigError, ConflictError
from fetcher.frontier.totals import CrawlTotals
from fetcher.input.routes import Routing
from fetcher.input.source_info import SourceInfo
from fetcher.leases.crawl_feed import CrawlFeed
from fetcher.leases.ledger import Ledger
from fetcher.leases.sink_notices import Notice
from fetcher.leases.sink_session import SinkSession
from fetcher.leases.sink_sessions import SinkSessions
from fetcher.model import Batch
from fetcher.protocol import messages
from fetcher.protocol.shard import Share


class CrawlSessions(SinkSessions):
    """The one sink of a crawl."""

    def __init__(
        self,
        ledger: Ledger,
        count: int,
        session: str,
        silent_s: float,
        offer: Callable[[Share], messages.Open],
        now: float,
        feed: CrawlFeed,
        routing: Routing | None = None,
    ) -> None:
        """`feed`: the lines of the crawl; the others: see SinkSessions. Raises ConfigError."""
        if count != 1:
            raise ConfigError(
                f"a crawl has one sink, and endpoints.sink names {count}: name one of them alone"
            )
        super().__init__(ledger, count, session, silent_s, offer, now, routing)
        self.feed = feed
        ledger.grows = True

    # -- requests ----------------------------------------------------------------------------

    def _next_request(self, one: SinkSession, source: SourceInfo) -> messages.AnyMessage:
        if self.feed.wants_seeds:
            return self.feed.seeds_request(self._session)
        return replace(self._poll(one, source), log_from=self.feed.next_line)

    def is_urgent(self, one: SinkSession, source: SourceInfo) -> bool:
        """Whether to ask at once: the sink has more lines, or wants more seeds."""
        is_able = not (one.must_open or one.stalled)
        return is_able and (self.feed.has_more or self.feed.wants_seeds)

    def _count_share(self, one: SinkSession, source: SourceInfo) -> None:
        """The sink knows its lines."""

    # -- answers -----------------------------------------------------------------------------

    def receive(self, one: SinkSession, answer: messages.AnyMessage, now: float) -> list[Notice]:
        """See SinkSessions."""
        notices = super().receive(one, answer, now)
        if isinstance(answer, messages.Seeded):
            self.feed.state, one.stalled = answer.crawl, answer.stalled
            notices += self._stall_or_go_on(one, now)
        return notices

    def _opened(self, one: SinkSession, opened: messages.Opened, now: float) -> list[Notice]:
        notices = super()._opened(one, opened, now)
        if opened.crawl is UNSET:
            raise ConflictError(
                f"{self._name(one)} has a list, and not a crawl; choose another OUT"
            )
        self.feed.begin(opened.batch_size, opened.crawl)
        for batch in self.feed.open_batches():
            self.feed.committed(batch, one.committed_of(batch), now)
        one.keep_suspects(
            lambda batch, mask: self.feed.unread(batch, mask, self._ledger.remaining(batch))
        )
        return notices

    def _hear(self, news: messages.Committed, now: float) -> None:
        self.feed.hear(news)
        super()._hear(news, now)

    def _lines_committed(self, batch: int, mask: int, now: float) -> None:
        super()._lines_committed(batch, mask, now)
        self.feed.committed(batch, mask, now)

    # -- reading -----------------------------------------------------------------------------

    def _read(
        self, one: SinkSession, route: int, batches: Sequence[Iterator[Batch]], now: float
    ) -> bool:
        """Hand the ledger the lines of the log that are due; there is nothing to read on later."""
        self._ledger.read_to_end(one.index, route, is_end=False)
        while self._wants_batch(one, route):
            due = self.feed.due(self._ledger.count_serving(route), now, route)
            for batch, mask in due:
                suspects = one.take_suspects(batch.id, mask)
                self._ledger.grow(batch, mask, suspects, route)
            if not due:
                self._ledger.read_to_end(one.index, route)
        return True

    # -- the lines of the job ----------------------------------------------------------------

    @property
    def lines_read(self) -> int:
        """Lines of the log that are known here."""
        return self.feed.next_line - 1

    def unread_lines(self, route: int) -> int:
        """Lines of a route that wait to be handed out."""
        return self.feed.waiting_of(route)

    def source(self, read: SourceInfo) -> SourceInfo:
        """The lines of the crawl so far."""
        state = self.feed.state
        if state is None:
            return read
        return replace(read, url_lines=state.lines, at_end=state.has_all_seeds)

    @property
    def crawl_totals(self) -> CrawlTotals | UnsetType:
        """The totals of the crawl, once its sink has reported them."""
        return UNSET if self.feed.state is None else self.feed.state.totals
