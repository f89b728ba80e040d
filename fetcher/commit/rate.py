"""The two rates of a job; every place that shows a rate uses one of these.

- Current rate (`rate_per_s`): committed rows per second over the last ten seconds. `Rate` computes
  it from counts as they come, `recent` from a journal's marks, which are seconds apart.
- Average rate (`average_per_s`): committed rows per second of working time (`Work`). In each run a
  job works from the moment at which a ventilator opens it to its last commit. The time between two
  runs does not count, and neither does a gap of PAUSE_S or more without a commit.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from fetcher.protocol import messages

PAUSE_S: Final = 600.0  # a gap between commits of this length is not working time
_WINDOW_S: Final = 10.0
_LEAST_S: Final = 0.2  # counts that come sooner after another are dropped, to bound memory
_LEAST_RECENT_S: Final = 1.0  # marks are whole seconds, so shorter times are not exact


class Rate:
    """The current rate, from counts that are added over time."""

    def __init__(self) -> None:
        self._samples: deque[tuple[float, int]] = deque()

    def hear(self, now: float, state: messages.State) -> None:
        """Add the count of the job's newest state."""
        # While starting, rows of earlier runs are not in the count yet; they would look like speed.
        if state.phase != "starting":
            self.add(now, state.totals.rows)

    def add(self, now: float, count: int) -> None:
        """Add the present count; a count lower than the one before starts again."""
        samples = self._samples
        if samples and count < samples[-1][1]:
            samples.clear()
        if samples and now - samples[-1][0] < _LEAST_S:
            return
        samples.append((now, count))
        while now - samples[0][0] > _WINDOW_S:
            samples.popleft()

    def per_s(self) -> float:
        """The rate; 0 with fewer than two counts."""
        if not self._samples:
            return 0.0
        (first_s, first), (last_s, last) = self._samples[0], self._samples[-1]
        return (last - first) / (last_s - first_s) if last_s > first_s else 0.0


def recent(marks: Sequence[tuple[int, int]], rows: int, now_s: float) -> float | None:
    """The current rate from marks (Unix time, committed rows) in order; None: too little time.

    It is measured from the newest mark that is at least ten seconds old.
    """
    old = [mark for mark in marks if now_s - mark[0] >= _WINDOW_S]
    first_s, first = old[-1] if old else marks[0] if marks else (now_s, rows)
    took_s = now_s - first_s
    return max(rows - first, 0) / took_s if took_s >= _LEAST_RECENT_S else None


class Work(msgspec.Struct, frozen=True):
    """Committed rows, and the working time for them."""

    rows: Annotated[int, Meta(ge=0)] = 0
    seconds: Annotated[float, Meta(ge=0)] = 0.0

    def plus(self, rows: int, seconds: float) -> Work:
        """Add a commit, `seconds` after the one before it or after the job was opened."""
        # A clock that was set back must not reduce the time.
        worked_s = seconds if 0 <= seconds < PAUSE_S else 0.0
        return Work(self.rows + rows, self.seconds + worked_s)

    def since(self, earlier: Work) -> Work:
        """The work after an earlier state."""
        return Work(self.rows - earlier.rows, max(self.seconds - earlier.seconds, 0.0))

    @property
    def per_s(self) -> float | None:
        """The average rate; None if no time was measured."""
        return self.rows / self.seconds if self.seconds > 0 else None


class WorkClock:
    """Measures the work of one sink, commit by commit."""

    def __init__(self) -> None:
        self._work: Work | None = None  # None: not begun, or unknown
        self._at_s = 0.0

    def resume(self, known: Work | None, rows: int, now_s: float) -> None:
        """Start the clock. `known`: the recorded work so far; None: not recorded."""
        self._work = known if known or rows else Work()
        self._at_s = now_s

    def committed(self, rows: int, now_s: float) -> Work | None:
        """The work up to this commit; `rows`: the job's rows after it."""
        if self._work is not None:
            self._work = self._work.plus(rows - self._work.rows, now_s - self._at_s)
            self._at_s = now_s
        return self._work


def together(works: Iterable[Work]) -> Work:
    """The work of several sinks that worked at the same time."""
    found = list(works)
    return Work(
        sum(each.rows for each in found), max((each.seconds for each in found), default=0.0)
    )
