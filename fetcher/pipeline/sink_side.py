"""What the ventilator knows of one sink: the line to it, its share of the batches, what it has.

Law: soft state, all of it: what is committed is what the sink said last.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import zmq

from fetcher.core import masks, tags, wire
from fetcher.core.shares import Share
from fetcher.core.tally import SourceInfo, Totals
from fetcher.model import Batch, Chunk, Task
from fetcher.pipeline.channel import SinkEnds, Way, open_socket, send
from fetcher.pipeline.security import Security
from fetcher.pipeline.sink_link import SinkLink


class SinkSide:
    """One of the job's sinks, as its ventilator sees it."""

    def __init__(
        self,
        context: Any,
        share: Share,
        ends: SinkEnds,
        session: str,
        now: float,
        security: Security,
    ) -> None:
        self.share = share
        self.index = share.index
        self.link = SinkLink(context, ends.commits, now, security)
        self._results = open_socket(context, zmq.PUSH, Way.RESULTS, ends.results, security=security)
        self._session = session
        self.opened = False
        self.totals = Totals()
        self.complete = False
        self.stalled = ""  # why it can commit nothing now
        self.closed = False  # it knows that it may leave
        self.url_lines: int | None = None  # of its share, once they are known
        self.lines_read = 0  # of its share, so far
        self.nothing_left_at: float | None = None
        self._key = b""  # of the tags of its lines
        self._epoch, self._version = "", 0
        self._done = masks.IdSet()
        self._partial: dict[int, int] = {}
        self._suspects: dict[int, list[wire.Suspect]] = {}
        self._unsaid_suspects: list[wire.Suspect] | None = None

    def take_over(self, opened: wire.Opened) -> None:
        """What it says is committed, at the start and after it has started again."""
        self.opened = True
        self._key = opened.key
        self._epoch, self._version = opened.epoch, opened.version
        self._done = masks.IdSet(opened.done)
        self._partial = {batch: masks.unpack(mask) for batch, mask in opened.partial.items()}
        self._suspects = {}
        for suspect in opened.suspects:
            self._suspects.setdefault(suspect.batch, []).append(suspect)
        self.totals = opened.totals
        self.complete = opened.complete

    def take_news(self, news: wire.Committed) -> None:
        """What it has committed since."""
        self._version = news.version
        self._unsaid_suspects = None
        self.totals = news.totals
        self.complete = news.complete
        self.stalled = news.stalled

    def poll(
        self, source: SourceInfo, suspects: list[wire.Suspect] | None, every_s: float, now: float
    ) -> None:
        """Ask what is new, if it is time to; `suspects`: None where they are as before."""
        if suspects is not None:
            self._unsaid_suspects = suspects
        if self.link.may_ask(now, every_s):
            poll = wire.Poll(
                session=self._session,
                epoch=self._epoch,
                version=self._version,
                source=source,
                url_lines=self.url_lines,
                suspects=self._unsaid_suspects,
            )
            self.link.ask(poll, now)

    def close(self, every_s: float, now: float) -> None:
        """Tell it that it may leave, until it has heard."""
        if isinstance(self.link.answer(now), wire.Closed):
            self.closed = True
        elif self.link.may_ask(now, every_s):
            self.link.ask(wire.Close(session=self._session), now)

    def next_batch(self, batches: Iterator[Batch]) -> tuple[Batch, int, list[wire.Suspect]] | None:
        """Its next batch that is not done, what is committed of it, and whom to suspect in it."""
        for batch in batches:
            if not self.share.has(batch.id):
                continue
            self.lines_read += batch.mask.bit_count()
            if batch.mask and batch.id not in self._done:
                return batch, self._partial.pop(batch.id, 0), self._suspects.pop(batch.id, [])
        return None

    def committed_of(self, batch: Batch) -> int:
        """The mask of what it said, when it was taken over, to have of a batch."""
        return batch.mask if batch.id in self._done else self._partial.get(batch.id, 0)

    def tags(self, batch: int, batch_mask: bytes, tasks: Iterable[Task]) -> bytes:
        """With which the rows of these lines of a batch are taken."""
        named = [(task.line, task.url, task.id) for task in tasks]
        return tags.of_lines(self._key, batch, batch_mask, named)

    def send(self, chunk: Chunk) -> None:
        """A row of the ventilator's own, which is said again until it is committed."""
        send(self._results, *wire.chunk_parts(chunk))
