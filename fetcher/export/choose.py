"""Chooses rows by outcome and status, for `fetcher urls`, `retry` and `export`."""

from __future__ import annotations

from collections.abc import Callable

from fetcher.bitset import IdSet
from fetcher.export.merged import Merged
from fetcher.input.selection import Wanted
from fetcher.model import Result


def is_wanted(wanted: Wanted) -> Callable[[Result], bool]:
    """A function that tells whether a row has one of the outcomes or statuses."""
    outcomes = frozenset(wanted.outcomes)
    codes = wanted.codes()
    return lambda result: result.outcome in outcomes or result.status in codes


def wanted_lines(merged: Merged, wanted: Wanted) -> IdSet:
    """`line - 1` of the rows that have one of the outcomes or statuses."""
    fits = is_wanted(wanted)
    indexes = IdSet()
    for row in merged.rows():
        if fits(row.result):
            indexes.add(row.result.line - 1)
    return indexes
