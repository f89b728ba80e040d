"""Running totals of committed rows: what `status`, the progress line and the summary show."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

import msgspec

from fetcher.model import OUTCOMES


class Totals(msgspec.Struct):
    """Committed rows by outcome and by HTTP status (0 = none), and decoded body bytes."""

    rows: int = 0
    outcomes: dict[str, int] = {}
    statuses: dict[int, int] = {}
    body_bytes: int = 0

    def plus(
        self, outcomes: Mapping[int, int], statuses: Mapping[int, int], body_bytes: int
    ) -> Totals:
        """These totals and more rows, given as counts by outcome's wire code and by status."""
        by_outcome = Counter(self.outcomes)
        for code, count in outcomes.items():
            by_outcome[OUTCOMES[code].value] += count
        by_status = Counter(self.statuses)
        by_status.update(statuses)
        return Totals(
            self.rows + sum(outcomes.values()),
            dict(by_outcome),
            dict(by_status),
            self.body_bytes + body_bytes,
        )


def sum_of(parts: Iterable[Totals]) -> Totals:
    """The totals of several sinks together."""
    rows = body_bytes = 0
    outcomes: Counter[str] = Counter()
    statuses: Counter[int] = Counter()
    for part in parts:
        rows += part.rows
        body_bytes += part.body_bytes
        outcomes.update(part.outcomes)
        statuses.update(part.statuses)
    return Totals(rows, dict(outcomes), dict(statuses), body_bytes)


class SourceInfo(msgspec.Struct, frozen=True):
    """How much of the input has been counted: exact where `at_end`, a lower bound before."""

    checked_bytes: int = 0  # of the uncompressed content
    checked_sha256: str = ""  # of those bytes
    url_lines: int = 0
    at_end: bool = False
    fraction: float = 0.0  # of the file that has been counted

    def total(self) -> tuple[int | None, bool]:
        """The number of URL lines and whether it is exact; None where nothing is known yet."""
        if self.at_end:
            return self.url_lines, True
        if self.fraction <= 0:
            return None, False
        return round(self.url_lines / self.fraction), False
