"""Whether figures have become worse than stored ones by more than noise. Pure.

A figure here is a cost: less is better. It is worse where its lowest run is above the highest
stored run, so that the two ranges do not meet, and its median is above the stored one by more than
LEAST_CHANGE, as ranges of few runs may be narrow by chance.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Final, NamedTuple

from tools.bench.figures import Rows, Sample

LEAST_CHANGE: Final = 0.05  # of the stored median


class Change(NamedTuple):
    """A cost that was measured now, and the stored one, if there is one."""

    table: str
    row: str
    figure: str
    now: Sample
    stored: Sample | None

    @property
    def share(self) -> float:
        """By how much the median has grown: 0.1 is 10 % more. 0 where nothing is stored."""
        if self.stored is None:
            return 0.0
        return self.now.median / self.stored.median - 1 if self.stored.median else math.inf

    @property
    def is_worse(self) -> bool:
        return self.stored is not None and _is_above(self.now, self.stored)

    @property
    def is_better(self) -> bool:
        return self.stored is not None and _is_above(self.stored, self.now)

    @property
    def verdict(self) -> str:
        if self.stored is None:
            return "new"
        return "WORSE" if self.is_worse else "better" if self.is_better else "as before"


def _is_above(cost: Sample, other: Sample) -> bool:
    apart = cost.lowest > other.highest
    return apart and cost.median > other.median * (1 + LEAST_CHANGE)


def changes(now: Mapping[str, Rows], stored: Mapping[str, Rows]) -> list[Change]:
    """All costs that were measured now."""
    return [
        Change(table, row, figure, each, stored.get(table, {}).get(row, {}).get(figure))
        for table, rows in now.items()
        for row, figures in rows.items()
        for figure, each in figures.items()
    ]
