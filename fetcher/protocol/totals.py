"""Running totals of committed rows: what `status`, the progress line and the summary show."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Annotated, Final

import msgspec
from msgspec import UNSET, Meta, UnsetType

from fetcher.model import OUTCOMES

# A worker's body sizes are not checked; their sum must still fit into the journal.
_MOST_BYTES: Final = (1 << 63) - 1


class Totals(msgspec.Struct):
    """Committed rows by outcome and by HTTP status (0 = none), body bytes, and further counts."""

    rows: int = 0
    outcomes: Annotated[dict[str, int], Meta(max_length=100)] = {}
    statuses: Annotated[dict[int, int], Meta(max_length=1_000)] = {}
    body_bytes: int = 0
    retried: int = 0  # rows of more than one attempt
    # Rows of a refresh with the body that the earlier job has; unset: there are none.
    unchanged: int | UnsetType = UNSET

    @property
    def unchanged_rows(self) -> int:
        """`unchanged` as a number."""
        return 0 if self.unchanged is UNSET else self.unchanged

    def plus(
        self,
        outcomes: Mapping[int, int],
        statuses: Mapping[int, int],
        body_bytes: int,
        retried: int = 0,
        unchanged: int = 0,
    ) -> Totals:
        """Add rows, given as counts by the outcomes' wire codes and by status."""
        by_outcome, by_status = dict(self.outcomes), dict(self.statuses)
        for code, count in outcomes.items():
            name = OUTCOMES[code].value
            by_outcome[name] = by_outcome.get(name, 0) + count
        for status, count in statuses.items():
            by_status[status] = by_status.get(status, 0) + count
        return Totals(
            self.rows + sum(outcomes.values()),
            by_outcome,
            by_status,
            min(self.body_bytes + body_bytes, _MOST_BYTES),
            self.retried + retried,
            self.unchanged_rows + unchanged or UNSET,
        )


def in_order(outcomes: Mapping[str, int]) -> dict[str, int]:
    """The outcomes that occurred, in the order in which they are always shown."""
    known = {name: outcomes[name] for name in OUTCOMES if outcomes.get(name)}
    # Another version may have more outcomes.
    return known | {name: count for name, count in outcomes.items() if count}


def most_frequent(outcomes: Mapping[str, int], most: int) -> tuple[dict[str, int], int]:
    """The `most` most frequent outcomes, in order, and the sum of all others."""
    shown = dict(sorted(outcomes.items(), key=lambda item: -item[1])[: max(most, 0)])
    return in_order(shown), sum(outcomes.values()) - sum(shown.values())


def sum_of(parts: Iterable[Totals]) -> Totals:
    """The totals of several sinks together."""
    rows = body_bytes = retried = unchanged = 0
    outcomes: Counter[str] = Counter()
    statuses: Counter[int] = Counter()
    for part in parts:
        rows += part.rows
        body_bytes += part.body_bytes
        retried += part.retried
        unchanged += part.unchanged_rows
        outcomes.update(part.outcomes)
        statuses.update(part.statuses)
    return Totals(rows, in_order(outcomes), dict(statuses), body_bytes, retried, unchanged or UNSET)
