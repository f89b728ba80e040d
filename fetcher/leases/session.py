"""What the ventilator knows of one sink: its share of the batches, and what is committed of it.

Law: soft state. What is committed is what the sink said last; a restarted sink is believed anew.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from fetcher import bitset
from fetcher.input.source_info import SourceInfo
from fetcher.model import Batch, Task
from fetcher.protocol import line_tags, messages
from fetcher.protocol.shard import Share
from fetcher.protocol.totals import Totals

NextBatch = tuple[Batch, int, list[messages.Suspect]]


class SinkSession:
    """Answers are taken in and polls are made here; `SinkSessions` says when."""

    def __init__(self, share: Share, now: float) -> None:
        self.share = share
        self.index = share.index
        self.must_open = True  # it does not know this ventilator (any more)
        self.is_asked_early = False  # before its turn to open; its answer means nothing
        self.is_opened = False  # it has said at least once what it has
        self.totals = Totals()
        self.is_complete = False
        self.is_closed = False  # it knows that it may leave
        self.stalled = ""  # why it can commit nothing now
        self.refusal = ""  # why it did not open the job when asked last
        self.heard_at = now
        self.busy_since: float | None = None  # another ventilator has the job
        self.nothing_left_at: float | None = None
        self.url_lines: int | None = None  # of its share, once they are known
        self.is_count_told = False
        self.lines_read = 0  # of its share, so far
        self._read_to = -1  # the last batch of its share that was read
        self._key = b""  # of the tags of its lines
        self._epoch, self._version = "", 0
        self._done = bitset.IdSet()
        self._partial: dict[int, int] = {}
        # Of batches that are not read yet, as an earlier ventilator has found them.
        self._suspects: dict[int, list[messages.Suspect]] = {}
        self._untold_suspects: list[messages.Suspect] | None = None

    # -- what it says ------------------------------------------------------------------------

    def take_over(self, opened: messages.Opened) -> None:
        """Believe what it says is committed, at the start and after it has started again."""
        self.must_open, self.is_opened = False, True
        self.refusal, self.busy_since = "", None
        self._key = opened.key
        self._epoch, self._version = opened.epoch, opened.version
        self._done = bitset.IdSet(opened.done)
        self._partial = {batch: bitset.unpack(mask) for batch, mask in opened.partial.items()}
        self._suspects = {}
        for suspect in opened.suspects:
            if suspect.batch > self._read_to:
                self._suspects.setdefault(suspect.batch, []).append(suspect)
        self.totals = opened.totals
        self.is_complete = opened.complete

    def take_news(self, news: messages.Committed) -> None:
        """Note what it has committed since."""
        self._version = news.version
        if not news.stalled:  # else it may have had no room for them
            self._untold_suspects = None
        self.totals = news.totals
        self.is_complete = news.complete
        self.stalled = news.stalled

    # -- what it is asked --------------------------------------------------------------------

    def poll(
        self, session: str, source: SourceInfo, suspects: list[messages.Suspect] | None
    ) -> messages.Poll:
        """Ask what is new; `suspects`: of the batches that were read, None: as before."""
        if suspects is not None:
            unread = (each for several in self._suspects.values() for each in several)
            self._untold_suspects = [*suspects, *unread]
        return messages.Poll(
            session=session,
            epoch=self._epoch,
            version=self._version,
            source=source,
            url_lines=self.url_lines,
            suspects=self._untold_suspects,
        )

    # -- its batches -------------------------------------------------------------------------

    def next_batch(self, batches: Iterator[Batch]) -> NextBatch | None:
        """Its next batch that is not done, what is committed of it, and its suspects."""
        for batch in batches:
            if not self.share.has(batch.id):
                continue
            self._read_to = batch.id
            self.lines_read += batch.mask.bit_count()
            if batch.mask and batch.id not in self._done:
                return batch, self._partial.pop(batch.id, 0), self._suspects.pop(batch.id, [])
        return None

    def committed_of(self, batch: Batch) -> int:
        """The lines of a batch that were committed when it was taken over."""
        return batch.mask if batch.id in self._done else self._partial.get(batch.id, 0)

    def tags(self, batch: int, batch_mask: bytes, tasks: Iterable[Task]) -> bytes:
        """The tags with which the sink takes the rows of these lines of a batch."""
        named = [(task.line, task.url, task.id) for task in tasks]
        return line_tags.of_lines(self._key, batch, batch_mask, named)
