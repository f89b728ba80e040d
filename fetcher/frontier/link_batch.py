"""The links of one call to the frontier that lead to no line yet, and what becomes of each."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from fetcher.frontier.admitted import Edge
from fetcher.frontier.judge import Verdict
from fetcher.frontier.link_table import LinkTable

_Value = TypeVar("_Value")


@dataclass(slots=True)
class LinkBatch:
    """Links, and what is known about each, by its index."""

    links: LinkTable
    keys: list[bytes]
    verdicts: list[Verdict] = field(default_factory=list)
    origins: list[str] = field(default_factory=list)  # by web_urls.plain_origins
    # 0: not decided yet. Until links are admitted, one leads to a line only if its key text was
    # corrected.
    edges: list[Edge] = field(default_factory=list)
    is_corrected: bool = False
    new: list[int] = field(default_factory=list)  # the links that became lines
    first_line: int = 0  # of these
    records: bytes = b""  # of these
    foreign: list[bool] = field(default_factory=list)  # whether each of these is
    urls: list[str] = field(init=False)
    vias: list[str] = field(init=False)

    def __post_init__(self) -> None:
        self.urls, self.vias = self.links.texts(), self.links.vias()
        self.edges = self.edges or [0] * len(self.links)


def chosen(values: Sequence[_Value], indices: Sequence[int]) -> list[_Value]:
    """The values with these indices, which are ascending: most often all of them."""
    if len(indices) == len(values):
        return list(values)
    return list(map(values.__getitem__, indices))


def admitted_without_budgets(
    batch: LinkBatch, *, all_may_be: bool
) -> tuple[Sequence[int], dict[bytes, int]]:
    """Admit each key whose verdict allows it: the indices, and the lines by key.

    None of the links may lead to a line already. `all_may_be`: no verdict is a refusal.
    """
    keys, verdicts = batch.keys, batch.verdicts
    if all_may_be:
        lines = dict(zip(keys, itertools.count(batch.first_line)))
        if len(lines) == len(keys):  # as of pages that nothing has led to so far
            batch.edges = list(lines.values())
            return range(len(keys)), lines
        lines = dict(zip(dict.fromkeys(keys), itertools.count(batch.first_line)))
        batch.edges = list(map(lines.__getitem__, keys))
        firsts = dict(zip(reversed(keys), range(len(keys) - 1, -1, -1), strict=True))
        return sorted(firsts.values()), lines
    taken = [index for index, verdict in enumerate(verdicts) if type(verdict) is int]
    places = {keys[index]: index for index in reversed(taken)}  # the first of each key
    if len(places) < len(taken):
        taken = [index for index in taken if places[keys[index]] == index]
    lines = {keys[index]: line for line, index in enumerate(taken, batch.first_line)}
    edges = batch.edges = []
    told = zip(verdicts, batch.urls, batch.vias, strict=True)
    for index, (verdict, url, via) in enumerate(told):
        if type(verdict) is int or (lines and places.get(keys[index], index) < index):
            edges.append(lines[keys[index]])
        else:
            assert not isinstance(verdict, int)
            edges.append((verdict, url, via))
    return taken, lines
