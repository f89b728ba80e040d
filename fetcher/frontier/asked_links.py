"""The links of several rows, looked up together: one by one, they are only a line each.

Those that lead to no line yet go to a LinkBatch.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Sequence
from itertools import accumulate, chain, pairwise

from fetcher.frontier.admitted import RECORD_BYTES, Admitted, Edge, RowLinks
from fetcher.frontier.link_batch import LinkBatch
from fetcher.frontier.link_table import LinkTable, joined
from fetcher.frontier.links import Link, encoded


class AskedLinks:
    """The links of rows, numbered in their order, and their key texts."""

    def __init__(self, tables: Sequence[LinkTable], text_of: Callable[[Link], str]) -> None:
        """`text_of`: see LinkTable.key_texts."""
        self._tables = tables
        urls = [table.urls for table in tables]
        self._starts = list(accumulate(map(len, urls), initial=0))  # of each row
        self.texts = list(chain.from_iterable(urls))
        for table, start in zip(tables, self._starts, strict=False):
            if table.rest:
                for at, text in table.key_texts(text_of):
                    (self.texts[start + at],) = encoded((text,))

    def links(self, numbers: Sequence[int]) -> tuple[LinkTable, list[int]]:
        """The links with these ascending numbers, and the index of each row's first one."""
        starts = [bisect_left(numbers, start) for start in self._starts]
        links = [
            table.chosen([number - begin for number in numbers[first:last]])
            for table, begin, (first, last) in zip(
                self._tables, self._starts, pairwise(starts), strict=False
            )
            if first < last
        ]
        return joined(links), starts

    def admitted(
        self, rows: Sequence[RowLinks], edges: list[Edge], batch: LinkBatch, starts: Sequence[int]
    ) -> list[Admitted]:
        """The decisions on the links of each row.

        `edges`: of all links; `starts`: the index of each row's first link in `batch`.
        """
        answers = [
            Admitted(row, edges[begin:end], table.kinds)
            for row, table, (begin, end) in zip(
                rows, self._tables, pairwise(self._starts), strict=True
            )
        ]
        if batch.keys:  # not of most pages of a site that is known
            for at, (start, end) in enumerate(pairwise(starts)):
                if start < end:
                    answers[at] = _with_unknown(answers[at], batch, start, end)
        return answers


def _with_unknown(found: Admitted, batch: LinkBatch, start: int, end: int) -> Admitted:
    """The decisions on a row of which the links `start` to `end` - 1 of the batch are."""
    first, last = bisect_left(batch.new, start), bisect_left(batch.new, end)
    return Admitted(
        found.row,
        found.edges,
        found.kinds,
        end - start,
        batch.first_line + first,
        batch.links.chosen(batch.new[first:last]),
        batch.records[first * RECORD_BYTES : last * RECORD_BYTES],
        batch.foreign[first:last],
    )
