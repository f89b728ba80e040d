"""The links of several rows, looked up together: one by one, they are only a line each.

Those that lead to no line yet go to a LinkBatch.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Sequence
from itertools import accumulate, chain, pairwise

from fetcher.frontier.admitted import RECORD_BYTES, Admitted, Edge, RowLinks, admitted
from fetcher.frontier.link_batch import LinkBatch
from fetcher.frontier.link_table import NO_LINKS, LinkTable, joined
from fetcher.frontier.links import Link, encoded
from fetcher.frontier.totals import CrawlTotals


class AskedLinks:
    """The links of rows, numbered in their order, and their key texts."""

    def __init__(self, tables: Sequence[LinkTable], text_of: Callable[[Link], str]) -> None:
        """`text_of`: see LinkTable.key_texts."""
        self._tables = tables
        self._starts = list(accumulate(map(len, tables), initial=0))  # of each row
        self.texts = list(chain.from_iterable([table.urls for table in tables]))
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
        answers = []
        for row, table, own, (start, end) in zip(
            rows, self._tables, pairwise(self._starts), pairwise(starts), strict=True
        ):
            row_edges = edges[slice(*own)]
            if start == end:  # as of most pages of a site that is known
                totals = CrawlTotals(links=len(row_edges))
                answers.append(Admitted(row, 0, NO_LINKS, b"", [], row_edges, totals, table.kinds))
                continue
            first, last = bisect_left(batch.new, start), bisect_left(batch.new, end)
            answers.append(
                admitted(
                    row,
                    batch.first_line + first,
                    batch.links.chosen(batch.new[first:last]),
                    batch.records[first * RECORD_BYTES : last * RECORD_BYTES],
                    batch.foreign[first:last],
                    row_edges,
                    table.kinds,
                )
            )
        return answers
