"""All the sinks of a job, as its ventilator sees them: asked in turn, believed, missed.

Law: what is committed is what they said; who does not answer, or cannot commit, freezes its share
of the batches and no other.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from typing import Any, Final

import zmq

from fetcher.core import masks, wire
from fetcher.core.ledger import Ledger
from fetcher.core.tally import SourceInfo, Totals, sum_of
from fetcher.errors import ConflictError, DamageError, Exit, FetcherError
from fetcher.pipeline.sink_link import ASK_AGAIN_S
from fetcher.pipeline.sink_side import SinkSide
from fetcher.telemetry import logs

log = logging.getLogger(__name__)

_POLL_S: Final = 0.1
_HURRIED_POLL_S: Final = 0.01  # while the last rows are on their way to their commit
_TELL_WAITING_S: Final = 10.0
_BUSY_S: Final = 10.0  # how long another ventilator's session is waited for
_END_S: Final = 5.0  # of a sink's answers that make no sense


class Sinks:
    """Iterates over its sides, in the order of their shares."""

    def __init__(
        self,
        sides: list[SinkSide],
        ledger: Ledger,
        silent_s: float,
        request: Callable[[SinkSide], wire.Open],
    ) -> None:
        """`silent_s`: without an answer, until a share freezes; `request`: with which to open."""
        self._sides = sides
        self._ledger = ledger
        self._silent_s = silent_s
        self._request = request
        self._job = ""
        self._began: float | None = None  # waiting for the next to be opened
        self._told = 0.0  # that it is waited for
        self._busy_since: float | None = None

    def __iter__(self) -> Iterator[SinkSide]:
        return iter(self._sides)

    def register(self, poller: zmq.Poller) -> None:
        """Let their answers wake it."""
        for side in self._sides:
            poller.register(side.link.socket, zmq.POLLIN)

    # -- the beginning -----------------------------------------------------------------------

    def opened(self, side: SinkSide, source: SourceInfo, now: float) -> wire.Opened | None:
        """What this one says at its opening; None: call again. Raises FetcherError if it refuses.

        Others, that are open already, hear meanwhile that their ventilator lives.
        """
        if self._began is None:
            self._began = self._told = now
        if side.link.may_ask(now, ASK_AGAIN_S):
            side.link.ask(self._request(side), now)
        for other in self._sides:
            if other.opened:
                other.poll(source, None, ASK_AGAIN_S, now)
                other.link.answer(now)
        answer: Any = side.link.answer(now)
        if isinstance(answer, wire.Opened):
            self._began = self._busy_since = None
            logs.announce(f"{self._name(side)} joined")
            return answer
        if isinstance(answer, wire.Refused) and answer.exit_code != Exit.STOPPED:
            self._busy_since = self._busy_since or now
            _respect(answer, now - self._busy_since)
        elif now - self._told > _TELL_WAITING_S:
            self._told = now
            why = f": {answer.reason}" if isinstance(answer, wire.Refused) else ""
            waited_s = now - self._began
            log.warning("waiting for %s (%d s so far)%s", self._name(side), waited_s, why)
        return None

    def take_over(self, side: SinkSide, opened: wire.Opened) -> None:
        """Believe what it said at its opening."""
        self._job = opened.job
        side.take_over(opened)

    # -- answers -----------------------------------------------------------------------------

    def hear(self, source: SourceInfo, now: float, *, is_hurried: bool = False) -> None:
        """Take in what they have said, and ask what is new. Raises FetcherError."""
        every_s = _HURRIED_POLL_S if is_hurried else _POLL_S
        for side in self._sides:
            match side.link.answer(now):
                case wire.Committed() as news:
                    self._take_news(side, news, now)
                case wire.Resync():
                    side.link.ask(self._request(side), now)
                case wire.Opened() as opened:
                    self._catch_up(side, opened, now)
                case wire.Refused() as refused:
                    _respect(refused, 0)
            was_counted = side.url_lines is not None
            self._count_share(side, source)
            suspects = self._ledger.suspects_if_changed(side.index)
            # How many lines it shall have is told at once: it may commit the last of them then.
            is_news = not was_counted and side.url_lines is not None
            side.poll(source, suspects, 0.0 if is_news else every_s, now)

    def _catch_up(self, side: SinkSide, opened: wire.Opened, now: float) -> None:
        if opened.job != self._job:
            raise ConflictError(
                f"{self._name(side)} now has another job; stop it or this ventilator"
            )
        side.take_over(opened)
        for batch in self._ledger.open_batches(side.index):
            self._ledger.committed(batch.id, side.committed_of(batch), now)
        self._ledger.sink_restarted(now, side.index)

    def _take_news(self, side: SinkSide, news: wire.Committed, now: float) -> None:
        side.take_news(news)
        for batch, mask in news.changed.items():
            # b"": the batch is full
            self._ledger.committed(batch, masks.unpack(mask) if mask else -1, now)
        self._mind_the_end(side, news, now)
        if news.stalled:
            self._freeze(side, now, news.stalled)
        elif self._ledger.is_frozen(side.index):
            log.warning("%s is back", self._name(side))
            self._ledger.thaw(now, side.index)

    def _mind_the_end(self, side: SinkSide, news: wire.Committed, now: float) -> None:
        """Nothing is left, and the sink, who knows that too, has not all: it never will."""
        left = not self._ledger.source_ended or self._ledger.open_batches(side.index)
        is_looking = news.totals.rows == side.url_lines  # at its files, before it is complete
        if left or is_looking or news.complete or news.stalled:
            side.nothing_left_at = None
            return
        side.nothing_left_at = side.nothing_left_at or now
        if now - side.nothing_left_at > _END_S:
            raise DamageError(
                f"every line is committed, but {news.totals.rows} rows are counted for "
                f"{side.url_lines} lines: the journal is damaged; `fetcher verify` says more"
            )

    def _count_share(self, side: SinkSide, source: SourceInfo) -> None:
        if side.url_lines is None and source.at_end:
            if len(self._sides) == 1:
                side.url_lines = source.url_lines
            elif self._ledger.is_read(side.index):
                side.url_lines = side.lines_read

    # -- silence -----------------------------------------------------------------------------

    def judge_silence(self, now: float) -> None:
        """Freeze the share of who does not answer."""
        for side in self._sides:
            if now - side.link.heard_at > self._silent_s:
                self._freeze(side, now, f"{self._name(side)} does not answer")

    def _freeze(self, side: SinkSide, now: float, why: str) -> None:
        if not self._ledger.is_frozen(side.index):
            of = "" if len(self._sides) == 1 else " of its lines"
            log.warning("%s: nothing is handed out%s until it is back", why, of)
            self._ledger.freeze(now, side.index)

    def trouble(self, now: float) -> str:
        """Why some of them take nothing; "": all is well."""
        told = []
        for side in self._sides:
            silent_s = now - side.link.heard_at
            if silent_s > self._silent_s:
                told.append(f"{self._name(side)} does not answer (for {silent_s:.0f} s)")
            elif side.stalled:
                told.append(f"{self._name(side)}: {side.stalled}")
            if not side.opened:
                break  # the others are asked after it
        return "; ".join(told)

    def silent_s(self, now: float) -> tuple[float, ...]:
        """Since each was heard."""
        return tuple(now - side.link.heard_at for side in self._sides)

    def _name(self, side: SinkSide) -> str:
        return "the sink" if len(self._sides) == 1 else str(side.share)

    # -- all of them -------------------------------------------------------------------------

    @property
    def is_complete(self) -> bool:
        return all(side.complete for side in self._sides)

    @property
    def is_some_frozen(self) -> bool:
        return any(self._ledger.is_frozen(side.index) for side in self._sides)

    @property
    def totals(self) -> Totals:
        return sum_of(side.totals for side in self._sides)

    @property
    def lines_read(self) -> int:
        """Of the list, for all of them together."""
        return sum(side.lines_read for side in self._sides)

    def side_of(self, batch: int) -> SinkSide:
        """The one that has this batch."""
        return self._sides[batch % len(self._sides)]

    def close(self, now: float) -> bool:
        """Tell them that they may leave; whether all have heard."""
        for side in self._sides:
            if not side.closed:
                side.close(_HURRIED_POLL_S, now)
        return all(side.closed for side in self._sides)


def _respect(refused: wire.Refused, busy_s: float) -> None:
    if refused.exit_code == Exit.STOPPED:
        return  # it waits for room on its disk, and we for it
    if refused.exit_code:
        error = FetcherError(refused.reason)
        error.exit_code = Exit(refused.exit_code)
        raise error
    if busy_s > _BUSY_S:
        raise ConflictError(refused.reason)
