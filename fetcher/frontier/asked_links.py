"""The links of several rows, looked up together: one by one, they are only a line each.

Those that lead to no line yet go to a LinkBatch.
"""

from __future__ import annotations

import struct
from bisect import bisect_left
from collections.abc import Callable, Sequence
from itertools import accumulate, chain, pairwise
from typing import Final

from fetcher.frontier import line_lists
from fetcher.frontier.admitted import RECORD_BYTES, Admitted, Edge, RowLinks
from fetcher.frontier.key_table import Numbers
from fetcher.frontier.keys import KEY_BYTES, as_keys, digests_of
from fetcher.frontier.link_batch import LinkBatch
from fetcher.frontier.link_table import LinkTable, joined
from fetcher.frontier.links import Link, encoded

_ONE_KEY: Final = struct.Struct(f"{KEY_BYTES}s")


class AskedLinks:
    """The links of rows, numbered in their order, and their keys."""

    def __init__(
        self, tables: Sequence[LinkTable], text_of: Callable[[Link], str], seed: int
    ) -> None:
        """`text_of`: see LinkTable.key_texts; `seed`: of the keys."""
        self._tables = tables
        # Row by row, as the URLs of all rows and their keys would not fit into the CPU's caches.
        keys = [
            b"".join(digests_of(_key_texts(table, text_of) if table.rest else table.urls, seed))
            for table in tables
        ]
        self._counts = [len(each) // KEY_BYTES for each in keys]  # of the links of each row
        self.most = max(self._counts, default=0)
        self._starts = list(accumulate(self._counts, initial=0))
        self.keys = b"".join(keys)  # KEY_BYTES each

    def keys_of(self, numbers: Sequence[int]) -> list[bytes]:
        """The keys of the links with these numbers."""
        keys = as_keys((self.keys,)).take(numbers, axis=0).tobytes()
        return list(chain.from_iterable(_ONE_KEY.iter_unpack(keys)))

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
        self,
        rows: Sequence[RowLinks],
        lines: Numbers,
        unknown: Sequence[int],
        batch: LinkBatch,
        starts: Sequence[int],
    ) -> list[Admitted]:
        """The decisions on the links of each row.

        `lines`: of all links; `unknown`: the numbers of those that led to none before, which are in
        `batch`; `starts`: the index there of each row's first one.
        """
        answers = self.known(rows, lines)
        for at, (start, end) in enumerate(pairwise(starts)):
            if start < end:
                edges = batch.edges[start:end]
                if len(edges) < answers[at].links:  # the others lead to lines
                    begin, new = self._starts[at], edges
                    edges = lines[begin : self._starts[at + 1]].tolist()
                    for number, edge in zip(unknown[start:end], new, strict=True):
                        edges[number - begin] = edge
                answers[at] = _with_unknown(answers[at], edges, batch, start, end)
        return answers

    def known(self, rows: Sequence[RowLinks], lines: Numbers) -> list[Admitted]:
        """The same, if all links lead to lines of the log."""
        parts = line_lists.parts(lines, self._starts)
        each = zip(rows, self._counts, parts, self._tables, strict=True)
        return [
            Admitted(row, count, part if count else [], table.kinds)
            for row, count, part, table in each
        ]


def _key_texts(table: LinkTable, text_of: Callable[[Link], str]) -> list[bytes]:
    texts = [*table.urls]
    for at, text in table.key_texts(text_of):
        (texts[at],) = encoded((text,))
    return texts


def _with_unknown(
    found: Admitted, edges: list[Edge], batch: LinkBatch, start: int, end: int
) -> Admitted:
    """The decisions on a row of which the links `start` to `end` - 1 of the batch are."""
    first, last = bisect_left(batch.new, start), bisect_left(batch.new, end)
    return Admitted(
        found.row,
        found.links,
        edges,
        found.kinds,
        end - start,
        batch.first_line + first,
        batch.links.chosen(batch.new[first:last]),
        batch.records[first * RECORD_BYTES : last * RECORD_BYTES],
        batch.foreign[first:last],
    )
