"""How fast a job is: the only two rates that are shown, wherever a job is shown.

- Now (`rate_per_s`): committed rows per second over the last ten seconds. `Rate` takes it from
  counts as they come, `recent` from the marks of a journal, which are seconds apart.
- On average (`average_per_s`): committed rows per second of time at work (`Work`). A job is at work
  from the moment at which a ventilator opens it to its last commit, in each of its runs. The time
  between two runs does not count, nor does a stretch of PAUSE_S or more without a commit.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from fetcher.protocol import messages

PAUSE_S: Final = 600.0  # without a commit: nobody was at work
_WINDOW_S: Final = 10.0
_LEAST_S: Final = 0.2  # counts that come faster are not kept: memory has a bound
_LEAST_RECENT_S: Final = 1.0  # marks are whole seconds: less says nothing


class Rate:
    """The rate now, from counts that are added as time passes."""

    def __init__(self) -> None:
        self._samples: deque[tuple[float, int]] = deque()

    def hear(self, now: float, state: messages.State) -> None:
        """The job's newest state."""
        # What an earlier run committed is not known while starting, and is not this run's speed.
        if state.phase != "starting":
            self.add(now, state.totals.rows)

    def add(self, now: float, count: int) -> None:
        """The count now; one that is less than before begins anew."""
        samples = self._samples
        if samples and count < samples[-1][1]:
            samples.clear()
        if samples and now - samples[-1][0] < _LEAST_S:
            return
        samples.append((now, count))
        while now - samples[0][0] > _WINDOW_S:
            samples.popleft()

    def per_s(self) -> float:
        """0 where nothing can be said."""
        if not self._samples:
            return 0.0
        (first_s, first), (last_s, last) = self._samples[0], self._samples[-1]
        return (last - first) / (last_s - first_s) if last_s > first_s else 0.0


def recent(marks: Sequence[tuple[int, int]], rows: int, now_s: float) -> float | None:
    """The rate now, from marks (Unix time, committed rows) in order; None where they say nothing.

    The last ten seconds begin at the newest mark that is so old, as nothing is known in between.
    """
    old = [mark for mark in marks if now_s - mark[0] >= _WINDOW_S]
    first_s, first = old[-1] if old else marks[0] if marks else (now_s, rows)
    took_s = now_s - first_s
    return max(rows - first, 0) / took_s if took_s >= _LEAST_RECENT_S else None


class Work(msgspec.Struct, frozen=True):
    """Rows that were committed, and the time at work that they took."""

    rows: Annotated[int, Meta(ge=0)] = 0
    seconds: Annotated[float, Meta(ge=0)] = 0.0

    def plus(self, rows: int, seconds: float) -> Work:
        """And one commit more; `seconds` since the one before it, or since the job was opened."""
        # A clock that was set back does not take time away.
        worked_s = seconds if 0 <= seconds < PAUSE_S else 0.0
        return Work(self.rows + rows, self.seconds + worked_s)

    def since(self, earlier: Work) -> Work:
        """The part that was done later."""
        return Work(self.rows - earlier.rows, max(self.seconds - earlier.seconds, 0.0))

    @property
    def per_s(self) -> float | None:
        """The average rate; None where no time was measured."""
        return self.rows / self.seconds if self.seconds > 0 else None


class WorkClock:
    """Counts the work of one sink, commit by commit."""

    def __init__(self) -> None:
        self._work: Work | None = None  # None: not begun, or not known
        self._at_s = 0.0

    def resume(self, known: Work | None, rows: int, now_s: float) -> None:
        """Time counts from now on. `known`: the work so far, as far as somebody has counted it."""
        self._work = known if known or rows else Work()
        self._at_s = now_s

    def committed(self, rows: int, now_s: float) -> Work | None:
        """The work, now that the job has so many rows."""
        if self._work is not None:
            self._work = self._work.plus(rows - self._work.rows, now_s - self._at_s)
            self._at_s = now_s
        return self._work


def together(works: Iterable[Work]) -> Work:
    """The work of several sinks, which they did at the same time."""
    found = list(works)
    return Work(
        sum(each.rows for each in found), max((each.seconds for each in found), default=0.0)
    )
