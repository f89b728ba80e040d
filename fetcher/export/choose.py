"""Which rows are wanted again: for `fetcher urls` and `fetcher retry`."""

from __future__ import annotations

from collections.abc import Iterator

from fetcher.core.masks import IdSet
from fetcher.core.selection import Wanted
from fetcher.export.merged import Merged
from fetcher.model import Result


def wanted_rows(merged: Merged, wanted: Wanted) -> Iterator[Result]:
    """Those of the rows that have one of the outcomes or statuses."""
    outcomes = frozenset(wanted.outcomes)
    codes = wanted.codes()
    for row in merged.rows():
        if row.result.outcome in outcomes or row.result.status in codes:
            yield row.result


def wanted_lines(merged: Merged, wanted: Wanted) -> IdSet:
    """`line - 1` of these rows."""
    indexes = IdSet()
    for result in wanted_rows(merged, wanted):
        indexes.add(result.line - 1)
    return indexes
