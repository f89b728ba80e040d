"""Running totals of committed rows: what `status`, the progress line and the summary show."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from fetcher.model import OUTCOMES

# What a worker says of its bodies is believed, but must not add up to what cannot be written.
_MOST_BYTES: Final = (1 << 63) - 1


class Totals(msgspec.Struct):
    """Committed rows by outcome and by HTTP status (0 = none), decoded body bytes, and retries."""

    rows: int = 0
    outcomes: Annotated[dict[str, int], Meta(max_length=100)] = {}
    statuses: Annotated[dict[int, int], Meta(max_length=1_000)] = {}
    body_bytes: int = 0
    retried: int = 0  # rows of more than one attempt

    def plus(
        self,
        outcomes: Mapping[int, int],
        statuses: Mapping[int, int],
        body_bytes: int,
        retried: int = 0,
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
            min(self.body_bytes + body_bytes, _MOST_BYTES),
            self.retried + retried,
        )


def in_order(outcomes: Mapping[str, int]) -> dict[str, int]:
    """The outcomes that occurred, in the order in which they are shown everywhere."""
    known = {name: outcomes[name] for name in OUTCOMES if outcomes.get(name)}
    # Another version of us may have more of them.
    return known | {name: count for name, count in outcomes.items() if count}


def most_frequent(outcomes: Mapping[str, int], most: int) -> tuple[dict[str, int], int]:
    """At most so many of them, the most frequent ones, in order; and the sum of all others."""
    kept = dict(sorted(outcomes.items(), key=lambda item: -item[1])[: max(most, 0)])
    return in_order(kept), sum(outcomes.values()) - sum(kept.values())


def sum_of(parts: Iterable[Totals]) -> Totals:
    """The totals of several sinks together."""
    rows = body_bytes = retried = 0
    outcomes: Counter[str] = Counter()
    statuses: Counter[int] = Counter()
    for part in parts:
        rows += part.rows
        body_bytes += part.body_bytes
        retried += part.retried
        outcomes.update(part.outcomes)
        statuses.update(part.statuses)
    return Totals(rows, in_order(outcomes), dict(statuses), body_bytes, retried)
