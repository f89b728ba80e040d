"""The ventilator's state for one sink: its share of the batches, and what it has committed.

The sink's last answer decides what is committed; nothing here must survive a restart. After a
restart of the sink, its new state replaces the old one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Final, NamedTuple

from msgspec.structs import replace

from fetcher import bitset
from fetcher.input import lines
from fetcher.input.routes import Routing
from fetcher.input.source_info import SourceInfo
from fetcher.model import Batch
from fetcher.protocol import line_tags, messages
from fetcher.protocol.bounds import MAX_PARTIAL, MAX_PARTIAL_BYTES
from fetcher.protocol.shard import Share
from fetcher.protocol.totals import Totals

_ALL: Final = 1 << 62  # more than the number of any batch


class NextBatch(NamedTuple):
    """The next batch with uncommitted lines of a route."""

    batch: Batch  # with the texts of these lines
    committed: int
    suspects: list[messages.Suspect]
    route: int
    lines: int  # mask: the lines of the route


class SinkSession:
    """Stores a sink's answers and makes polls for it; used by `SinkSessions`."""

    # Read in one call without finding a line to hand out: to match as many with routes takes about
    # 0.1 s, and workers must hear the ventilator meanwhile.
    most_lines_a_look = 20_000

    def __init__(self, share: Share, now: float, routing: Routing | None = None) -> None:
        """`routing`: which lines are of which route; None: there is only one route."""
        self._routing = routing
        self.share = share
        self.index = share.index
        self.must_open = True  # the sink does not know this ventilator (any more)
        self.is_asked_early = False  # polled before its turn to open; its answer is ignored
        self.is_opened = False  # it has opened the job at least once
        self.totals = Totals()
        self.is_complete = False
        self.is_closed = False  # it has confirmed that it may leave
        self.stalled = ""  # why it cannot commit now
        self.refusal = ""  # why it refused the last request
        self.heard_at = now
        self.busy_since: float | None = None  # since when another ventilator has the job
        self.nothing_left_at: float | None = None
        self.url_lines: int | None = None  # of its share; None: not counted yet
        self.is_count_told = False
        self.lines_read = 0  # URL lines of its share that were read
        # By route: the last batch of its share that was read.
        self._positions = [-1] * (1 if routing is None else routing.count)
        self.read_of = [0] * len(self._positions)  # URL lines of its share that were read
        self._most_ahead = _ALL
        self._key = b""  # for the tags of its lines
        self._epoch, self._version = "", 0
        self._done = bitset.IdSet()
        self._partial: dict[int, int] = {}
        # Suspects that an earlier ventilator found, of batches that are not read yet.
        self._suspects: dict[int, list[messages.Suspect]] = {}
        self._unsaved_suspects: list[messages.Suspect] | None = None

    # -- answers ------------------------------------------------------------------------------

    def take_over(self, opened: messages.Opened) -> None:
        """Replace the state by the sink's own, at the start and after the sink has restarted."""
        self.must_open, self.is_opened = False, True
        self.refusal, self.busy_since = "", None
        self._key = opened.key
        self._most_ahead = _most_ahead(opened.batch_size) * self.share.of
        self._epoch, self._version = opened.epoch, opened.version
        self._done = bitset.IdSet(opened.done)
        self._partial = {batch: bitset.unpack(mask) for batch, mask in opened.partial.items()}
        self._suspects = {}
        for suspect in opened.suspects:
            # Those of a batch that only some routes have read are dropped once all have.
            if suspect.batch > self._read_to:
                self._suspects.setdefault(suspect.batch, []).append(suspect)
        self.totals = opened.totals
        self.is_complete = opened.complete

    def update(self, news: messages.Committed) -> None:
        """Store the answer to a poll."""
        self._version = news.version
        if not news.stalled:  # else the disk may have had no room for them
            self._unsaved_suspects = None
        self.totals = news.totals
        self.is_complete = news.complete
        self.stalled = news.stalled

    # -- requests ----------------------------------------------------------------------------

    def poll(
        self, session: str, source: SourceInfo, suspects: list[messages.Suspect] | None
    ) -> messages.Poll:
        """Make a poll; `suspects`: those of batches that were read, None: unchanged."""
        if suspects is not None:
            unread = (each for several in self._suspects.values() for each in several)
            self._unsaved_suspects = [*suspects, *unread]
        return messages.Poll(
            session=session,
            epoch=self._epoch,
            version=self._version,
            source=source,
            url_lines=self.url_lines,
            suspects=self._unsaved_suspects,
        )

    # -- its batches -------------------------------------------------------------------------

    @property
    def _read_to(self) -> int:
        """The last batch of its share that was read for all routes."""
        return min(self._positions)

    def next_batch(self, batches: Iterator[Batch], route: int = 0) -> NextBatch | None:
        """Read to its next batch that has uncommitted lines of this route.

        Returns None at the end of the list (see `is_read`), and after many lines without such a
        batch. In the second case the caller does its other work first, and then calls again.
        """
        lines_left = self.most_lines_a_look
        for batch in batches:
            if self.share.has(batch.id):
                found = self._next(batch, route)
                if found is not None:
                    return found
            lines_left -= batch.mask.bit_count() + 1
            if lines_left < 0:
                return None
        self._positions[route] = _ALL
        return None

    def _next(self, batch: Batch, route: int) -> NextBatch | None:
        mask = batch.mask if self._routing is None else self._routing.masks(batch)[route]
        self._positions[route] = batch.id
        self.lines_read += mask.bit_count()
        self.read_of[route] += mask.bit_count()
        committed = -1 if batch.id in self._done else self._partial.get(batch.id, 0)
        suspects = self.take_suspects(batch.id, mask)
        if self._read_to >= batch.id:
            self._partial.pop(batch.id, None)
            self._suspects.pop(batch.id, None)
        if not mask & ~committed:
            return None
        texts = lines.select(batch.urls, batch.mask, mask)
        return NextBatch(replace(batch, urls=texts), committed, suspects, route, mask)

    def is_read(self, route: int = 0) -> bool:
        """Whether all batches were read for this route."""
        return self._positions[route] == _ALL

    def may_read(self, route: int) -> bool:
        """Whether a route may be read on: not if it is too far ahead of the slowest one.

        The sink could not tell a next ventilator of so many batches that are done in part.
        """
        return self._positions[route] - self._read_to < self._most_ahead

    def committed_of(self, batch: int) -> int:
        """The lines of a batch that were committed at the last `take_over`; -1: all of them."""
        return -1 if batch in self._done else self._partial.get(batch, 0)

    # -- a crawl's lines ---------------------------------------------------------------------

    def take_suspects(self, batch: int, mask: int) -> list[messages.Suspect]:
        """The suspects that an earlier ventilator found, of these lines, which are read now."""
        taken: list[messages.Suspect] = []
        for suspect in self._suspects.pop(batch, []):
            for part, found in ((mask, taken), (~mask, self._suspects.setdefault(batch, []))):
                if lines := bitset.unpack(suspect.mask) & part:
                    found.append(replace(suspect, mask=bitset.pack(lines)))
        if not self._suspects.get(batch, True):
            del self._suspects[batch]
        return taken

    def keep_suspects(self, unread: Callable[[int, int], int]) -> None:
        """Forget the suspects that are read; `unread`: from a batch and its lines to those left."""
        for batch in list(self._suspects):
            mask = ~unread(batch, -1)
            self.take_suspects(batch, mask)

    def tags(self, batch: int, batch_mask: bytes, named: Iterable[line_tags.Named]) -> bytes:
        """The tags of these lines of a batch; the sink accepts rows only with them."""
        return line_tags.of_lines(self._key, batch, batch_mask, named)


def _most_ahead(batch_size: int) -> int:
    """How many batches one route may be ahead of another, at one sink."""
    return min(MAX_PARTIAL, MAX_PARTIAL_BYTES // (batch_size // 8 + 1)) * 3 // 4
