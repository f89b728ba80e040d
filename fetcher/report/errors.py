"""The report's section on errors: by outcome and kind, and by message."""

from __future__ import annotations

from typing import Final

import msgspec

from fetcher.report.aggregate import Aggregate, Example
from fetcher.report.shares import Share, plain, share

_MOST: Final = 20  # groups that are shown


class Failure(msgspec.Struct, frozen=True):
    """Rows that failed alike."""

    outcome: str
    kind: str  # "": none
    text: str
    rows: int
    share: float  # of all failed rows
    examples: list[Example]

    @property
    def name(self) -> str:
        """Its outcome and kind."""
        return f"{self.outcome} {self.kind}".rstrip()


class Errors(msgspec.Struct, frozen=True):
    """The rows that failed."""

    kinds: list[Share]  # by outcome and kind
    failures: list[Failure]  # the largest groups
    not_shown: int = msgspec.field(name="failures_not_shown")  # rows of all other groups


def errors(sums: Aggregate) -> Errors:
    """The section on the rows that failed."""
    failures = [
        Failure(
            failing.outcome.value,
            failing.kind,
            plain(group.examples[0].error if group.same else key),
            group.rows,
            group.rows / sums.failed,
            [Example(each.line, plain(each.url), plain(each.error)) for each in group.examples],
        )
        for (failing, key), group in sums.errors.top("rows", _MOST)
    ]
    kinds = sums.kinds.most_common()
    return Errors(
        kinds=[share(failing.name, rows, sums.failed) for failing, rows in kinds],
        failures=failures,
        not_shown=sums.failed - sum(failure.rows for failure in failures),
    )
