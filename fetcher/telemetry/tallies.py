"""Counts that only metrics need, added up by the commit or by the chunk, never by the row."""

from __future__ import annotations

from collections import Counter

from fetcher.model import OUTCOMES, Chunk
from fetcher.telemetry.histogram import Histogram


class CommitTally:
    """Counts the commits of a sink."""

    def __init__(self) -> None:
        self.seconds = Histogram(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
        self.rows = Histogram(1, 10, 100, 1_000, 10_000, 100_000)
        self.row_bytes = 0

    def add(self, rows: int, row_bytes: int, took_s: float) -> None:
        """Count a commit; one without rows does not count."""
        if rows:
            self.seconds.add(took_s)
            self.rows.add(rows)
            self.row_bytes += row_bytes


class FetchTally:
    """Counts the rows that a worker handed to the sink."""

    def __init__(self, *, is_detailed: bool) -> None:
        """Without `is_detailed` only `rows` is counted."""
        self._is_detailed = is_detailed
        self.rows = 0
        self.row_bytes = 0
        self.body_bytes = 0
        self._outcomes: Counter[int] = Counter()
        self.statuses: Counter[int] = Counter()
        self.loop_lag_s = Histogram(0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0)

    def add(self, chunk: Chunk) -> None:
        """Count the rows of one chunk."""
        self.rows += len(chunk.lines)
        if self._is_detailed:
            self.row_bytes += len(chunk.rows)
            self.body_bytes += sum(chunk.body_bytes)
            self._outcomes.update(chunk.outcomes)
            self.statuses.update(chunk.statuses)

    def outcomes(self) -> dict[str, int]:
        """Rows by outcome."""
        return {OUTCOMES[code].value: count for code, count in self._outcomes.items()}
