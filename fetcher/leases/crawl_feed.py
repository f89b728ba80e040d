"""The lines of a crawl that wait to be handed out, as the ventilator learns them from its sink.

Lines come in pages of the log, and only those without a row. They wait by host, and hosts take
turns (frontier.ready_hosts); what is due next is grouped by batch for the ledger. A batch of the
log always counts as full: its lines come one by one, and its last ones may never come. Nothing here
must survive a restart: the sink sends its log again.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from itertools import groupby
from typing import Final, NamedTuple, Protocol

from msgspec import UNSET

from fetcher import bitset, web_urls
from fetcher.errors import DamageError
from fetcher.frontier.line_queue import Spill
from fetcher.frontier.ready_hosts import ReadyHosts
from fetcher.input import log_lines
from fetcher.input.routes import Routing
from fetcher.model import Batch
from fetcher.protocol import messages
from fetcher.protocol.bounds import MAX_PAGE_LINES
from fetcher.protocol.messages import CrawlState

_SHARES: Final = 2  # parts for each worker into which few lines are split
_LEAST_LINES: Final = 4


class LineTexts(Protocol):
    """The texts of lines of the log; see roles.ventilator.log_spool."""

    def put(self, first: int, texts: Sequence[bytes]) -> None:
        """Keep the lines `first`, `first` + 1, ...; b"" for those that are not needed."""

    def get(self, lines: Sequence[int]) -> list[bytes]:
        """The texts of these lines, which are ascending."""


class SeedPage(NamedTuple):
    """Some of the seeds of a crawl, as lines of a log."""

    texts: list[bytes]
    at_end: bool


SeedsFrom = Callable[[int], SeedPage]  # the seeds from this number on, from 0


class DueLines(NamedTuple):
    """Lines of one batch that are to be handed out."""

    batch: Batch  # with the texts of the lines in `mask`
    mask: int


class CrawlFeed:
    """Learns the log of a crawl page by page, and says which lines are next."""

    def __init__(
        self,
        seeds: SeedsFrom,
        texts: LineTexts,
        spill: Spill | None = None,
        routing: Routing | None = None,
    ) -> None:
        """`spill`: see frontier.ready_hosts; `routing`: None: there is only one route."""
        self._routing = routing
        self._seeds = seeds
        self.state: CrawlState | None = None  # as the sink reported last; None: nothing yet
        self.next_line = 1  # the first line of the log that is not known here
        self._texts = texts
        # By route, as a route without workers must not take the turns of others.
        count = 1 if routing is None else routing.count
        self._hosts = [ReadyHosts(spill=spill) for _ in range(count)]
        self._batch_size = 1
        self._full = 0
        # Lines by batch (a mask) that are known here and have no row, whether they wait or not.
        self._open: dict[int, int] = {}

    def begin(self, batch_size: int, state: CrawlState) -> None:
        """The job is open, at the start or after the sink has restarted."""
        self._batch_size = batch_size
        self._full = (1 << batch_size) - 1
        self.state = state

    # -- seeds -------------------------------------------------------------------------------

    @property
    def wants_seeds(self) -> bool:
        """Whether the sink lacks seeds."""
        return self.state is not None and not self.state.has_all_seeds

    def seeds_request(self, session: str) -> messages.Seeds:
        """The next page of seeds, from where the sink has them."""
        first = self.state.seeds if self.state is not None else 0
        page = self._seeds(first)
        return messages.Seeds(session, first, b"\n".join(page.texts), page.at_end)

    # -- reports of the sink -------------------------------------------------------------------

    @property
    def has_more(self) -> bool:
        """Whether the sink has lines that are not known here."""
        state = self.state
        return state is not None and state.has_all_seeds and self.next_line <= state.lines

    @property
    def waiting(self) -> int:
        """The lines that wait to be handed out."""
        return sum(map(len, self._hosts))

    def waiting_of(self, route: int) -> int:
        """The lines of a route that wait to be handed out."""
        return len(self._hosts[route])

    def hear(self, news: messages.Committed) -> None:
        """Take the answer to a poll, except for the committed lines in it."""
        self.state = self.state if news.crawl is UNSET else news.crawl
        if news.log is not UNSET:
            self.learn(news.log)

    def learn(self, page: messages.LogPage) -> None:
        """Take a page of the log, unless it does not continue what is known."""
        if page.first != self.next_line or page.end <= page.first:
            return
        offsets = list(bitset.offsets(bitset.unpack(page.mask)))
        found = page.texts.split(b"\n") if offsets else []
        try:
            if page.end - page.first > MAX_PAGE_LINES:
                raise ValueError("a page has too many lines")
            texts = [b""] * (page.end - page.first)
            for offset, text in zip(offsets, found, strict=True):
                texts[offset] = text
            entries = list(map(log_lines.decode_waiting, found))
        except (ValueError, IndexError, RecursionError) as error:
            said = f"the sink sent what is not its log, at line {page.first}: {error}"
            raise DamageError(said) from error
        # Not before the whole page is known to be good: a line without its text cannot be due.
        self._open_lines(page.first, bitset.unpack(page.mask))
        self._queue([page.first + offset for offset in offsets], entries)
        self._texts.put(page.first, texts)
        self.next_line = page.end

    def _open_lines(self, first: int, mask: int) -> None:
        """Note lines without a row; bit 0 of the mask: line `first`."""
        batch, offset = divmod(first - 1, self._batch_size)
        mask <<= offset
        while mask:
            if own := mask & self._full:
                self._open[batch] = self._open.get(batch, 0) | own
            batch, mask = batch + 1, mask >> self._batch_size

    def _queue(self, lines: Sequence[int], entries: Sequence[log_lines.Waiting]) -> None:
        """Let lines wait at their hosts."""
        urls = [entry.url for entry in entries]
        origins = web_urls.plain_origins(urls)
        hosts = {origin: web_urls.host_of_origin(origin) for origin in set(origins)}
        routing = self._routing
        places = [
            (
                0 if routing is None else routing.of(entry.url, entry.route),
                hosts[origin] if origin else web_urls.host_of(entry.url),
                entry.depth,
                entry.priority,
            )
            for entry, origin in zip(entries, origins, strict=True)
        ]
        # The lines that a page has found follow each other, and most are of its own host.
        alike = groupby(zip(places, lines, strict=True), operator.itemgetter(0))
        for (route, host, depth, priority), some in alike:
            self._hosts[route].add([line for _, line in some], host, depth, priority)

    def committed(self, batch: int, mask: int, now: float) -> None:
        """`mask`: all committed lines of the batch; -1: all of them."""
        known = self._open.get(batch, 0)
        done = known & mask
        if not done:
            return
        if known == done:
            del self._open[batch]
        else:
            self._open[batch] = known & ~done
        first = batch * self._batch_size + 1
        for hosts in self._hosts:  # each ignores the lines that it has not handed out
            hosts.committed((first + offset for offset in bitset.offsets(done)), now)

    def open_batches(self) -> list[int]:
        """The batches with lines that are known here and have no row."""
        return list(self._open)

    # -- what is next ------------------------------------------------------------------------

    def due(self, workers: int, now: float, route: int = 0) -> list[DueLines]:
        """Take the lines of a route that are next, by batch, for one worker of `workers`.

        Returns [] if no host has its turn.
        """
        hosts = self._hosts[route]
        share = -(-len(hosts) // (_SHARES * max(workers, 1)))
        count = min(max(share, _LEAST_LINES), self._batch_size)
        while lines := self._whole_batches(hosts, hosts.take(count, now)):
            masks: dict[int, int] = {}
            for batch, some in groupby(lines, lambda line: (line - 1) // self._batch_size):
                first = batch * self._batch_size + 1
                mask = bitset.mask_of([line - first for line in some])
                left = mask & self._open.get(batch, 0)
                if left:
                    masks[batch] = masks.get(batch, 0) | left
                if done := mask & ~left:  # rows came while the lines waited
                    hosts.committed((first + offset for offset in bitset.offsets(done)), now)
            if masks:
                return [self._due(batch, mask) for batch, mask in masks.items()]
        return []

    def _whole_batches(self, hosts: ReadyHosts, lines: list[int]) -> list[int]:
        """Give back what reaches into another batch, if these lines are one piece of the log.

        The lines of a large site follow each other. Without this, each lease of them would be two,
        and their rows would come in twice as many chunks.
        """
        if not lines or lines[-1] - lines[0] != len(lines) - 1:
            return lines
        end = (lines[0] - 1) // self._batch_size * self._batch_size + self._batch_size
        own = max(end - lines[0] + 1, 0)
        hosts.returned(lines[own:])
        return lines[:own]

    def _due(self, batch: int, mask: int) -> DueLines:
        first = batch * self._batch_size + 1
        texts = self._texts.get([first + offset for offset in bitset.offsets(mask)])
        return DueLines(Batch(batch, first, self._full, b"\n".join(texts)), mask)

    def unread(self, batch: int, mask: int, taken: int) -> int:
        """Those of these lines of a batch that are to be handed out for the first time.

        `taken`: the lines that the ledger has.
        """
        known = max(self.next_line - 1 - batch * self._batch_size, 0)
        return mask & ~taken & (self._open.get(batch, 0) | -1 << known)
