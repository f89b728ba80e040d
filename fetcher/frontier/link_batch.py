"""The links of one call to the frontier, and what becomes of each."""

from __future__ import annotations

import itertools
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TypeVar

from fetcher.frontier.admitted import RECORD_BYTES, Admitted, Edge, RowLinks, admitted
from fetcher.frontier.judge import Verdict
from fetcher.frontier.links import Link, packed_kinds

_Value = TypeVar("_Value")


@dataclass(slots=True)
class LinkBatch:
    """The links of one call, and what is known about each, by its index."""

    links: Sequence[Link]
    keys: list[bytes]
    edges: list[Edge]  # 0: not decided yet
    asked: list[int]  # the links that lead to no line yet, in ascending order
    verdicts: list[Verdict] = field(default_factory=list)  # on the links in `asked`
    origins: list[str] = field(default_factory=list)  # of these, by web_urls.plain_origins
    is_corrected: bool = False  # whether links in `asked` may lead to a line after all
    new: list[int] = field(default_factory=list)  # the links that became lines
    first_line: int = 0  # of these
    records: bytes = b""  # of these
    foreign: list[bool] = field(default_factory=list)  # whether each of these is

    def set_edges(self, edges: Iterable[Edge]) -> None:
        """Decide about all links in `asked`."""
        if len(self.asked) == len(self.links):
            self.edges = list(edges)
            return
        for at, edge in zip(self.asked, edges, strict=True):
            self.edges[at] = edge


def chosen(values: list[_Value], indices: Sequence[int]) -> list[_Value]:
    """The values with these indices, which are ascending: most often all of them."""
    return values if len(indices) == len(values) else [values[index] for index in indices]


def admitted_without_budgets(
    batch: LinkBatch, *, all_may_be: bool
) -> tuple[Sequence[int], dict[bytes, int]]:
    """Admit each key whose verdict allows it: the indices in `asked`, and the lines by key.

    None of the links may lead to a line already. `all_may_be`: no verdict is a refusal.
    """
    asked, verdicts, edges, links = batch.asked, batch.verdicts, batch.edges, batch.links
    keys = chosen(batch.keys, asked)
    if all_may_be:
        lines = dict(zip(keys, itertools.count(batch.first_line)))
        if len(lines) == len(keys):  # as of pages that nothing has led to so far
            batch.set_edges(lines.values())
            return range(len(keys)), lines
    taken = [index for index, verdict in enumerate(verdicts) if type(verdict) is int]
    places = {keys[index]: index for index in reversed(taken)}  # the first of each key
    if len(places) < len(taken):
        taken = [index for index in taken if places[keys[index]] == index]
    lines = {keys[index]: line for line, index in enumerate(taken, batch.first_line)}
    if not taken:  # as of pages that lead to other sites alone
        for at, verdict in zip(asked, verdicts, strict=True):
            assert not isinstance(verdict, int)
            link = links[at]
            edges[at] = verdict, link.url, link.via
        return taken, lines
    for index, (at, verdict) in enumerate(zip(asked, verdicts, strict=True)):
        if type(verdict) is int or (lines and places.get(keys[index], index) < index):
            edges[at] = lines[keys[index]]
        else:
            assert not isinstance(verdict, int)
            link = links[at]
            edges[at] = verdict, link.url, link.via
    return taken, lines


def answers_to(rows: Sequence[RowLinks], starts: Sequence[int], batch: LinkBatch) -> list[Admitted]:
    """The decisions on the links of each row; `starts`: the index of each row's first link."""
    answers = []
    for row, (start, end) in zip(rows, pairwise(starts), strict=True):
        first, last = bisect_left(batch.new, start), bisect_left(batch.new, end)
        are_all_new = last - first == end - start
        new = (
            list(batch.links[start:end])
            if are_all_new
            else [batch.links[at] for at in batch.new[first:last]]
        )
        records = batch.records[first * RECORD_BYTES : last * RECORD_BYTES]
        foreign, edges = batch.foreign[first:last], batch.edges[start:end]
        kinds = packed_kinds([link.via for link in batch.links[start:end]])
        line = batch.first_line + first
        answers.append(admitted(row, line, new, records, foreign, edges, kinds))
    return answers
