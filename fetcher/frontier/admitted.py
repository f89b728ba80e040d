"""The links of rows, as the frontier takes them, and its decisions on them.

The new lines of one row have consecutive numbers, so their links and the first number are enough.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

import msgspec

from fetcher.frontier import line_lists
from fetcher.frontier.keys import KEY_BYTES
from fetcher.frontier.link_table import NO_LINKS, LinkTable
from fetcher.frontier.links import SAME_DEPTH, Link, kind_number
from fetcher.frontier.totals import CrawlTotals, Refusal

RECORD_BYTES: Final = KEY_BYTES + 8  # of a line in the keys' file: its key, its origin's number

_SAME_DEPTH_KINDS: Final = bytes(map(kind_number, SAME_DEPTH))

# The line that the link leads to; or why there is none, its URL, and its Via.
Edge = int | tuple[Refusal, str, str]


class RowLinks(msgspec.Struct, frozen=True):
    """The links of one row."""

    line: int  # 0: the links are seeds
    depth: int
    links: Sequence[Link]
    hops: int = 0
    left_out: dict[Refusal, int] = {}  # links that the worker counted, but did not send

    def place_of(self, via: str) -> tuple[int, int]:
        """Depth and hops of a line that this row found by such a link."""
        if not self.line:
            return self.depth, 0
        if via in SAME_DEPTH:
            return self.depth, self.hops + 1
        return self.depth + 1, 0


class NewLine(NamedTuple):
    """A line that the log gets."""

    line: int
    link: Link
    found_on: int  # the finder's line; 0: a seed
    depth: int
    hops: int  # steps at this depth since the last ordinary link
    record: bytes  # for the keys' file, RECORD_BYTES
    is_foreign: bool  # on a host that is not a seed's; see scope


class Admitted(msgspec.Struct, frozen=True):
    """What became of the links of one row, in their order."""

    row: RowLinks
    links: int
    to: list[Edge] | msgspec.Raw  # the edges of the links; Raw: all led to lines, see line_lists
    kinds: bytes = b""  # of the links: see links.packed_kinds
    unknown: int = 0  # the links that led to no line before
    first_line: int = 0
    new: LinkTable = NO_LINKS  # those that are lines of the log now, from `first_line` on
    records: bytes = b""  # of these lines for the keys' file, RECORD_BYTES each
    foreign: Sequence[bool] = ()  # whether each of these is on a host that is not a seed's

    @property
    def edges(self) -> Sequence[Edge]:
        """What became of each link."""
        return self.to if isinstance(self.to, list) else line_lists.unpacked(self.to)

    @property
    def lines(self) -> list[NewLine]:
        """The new lines one by one."""
        lines = []
        for number, (link, is_foreign) in enumerate(zip(self.new, self.foreign, strict=True)):
            depth, hops = self.row.place_of(link.via)
            record = self.records[number * RECORD_BYTES : (number + 1) * RECORD_BYTES]
            found = self.first_line + number
            lines.append(NewLine(found, link, self.row.line, depth, hops, record, is_foreign))
        return lines


def totals_of(answers: Sequence[Admitted]) -> CrawlTotals:
    """What became of the links of some rows, and of those that were left out before."""
    totals = CrawlTotals(sum([each.links for each in answers]))
    for each in answers:
        if each.unknown:  # not of most pages of a site that is known
            _count_unknown(each, totals)
        if each.row.left_out:
            totals.links += sum(each.row.left_out.values())
            for reason, count in each.row.left_out.items():
                totals.refuse(reason, count)
    return totals


def _count_unknown(found: Admitted, totals: CrawlTotals) -> None:
    """Count the links that led to no line before."""
    row, new = found.row, found.new
    # If not all of them are new lines, some are refused, or lead to a new line of another link.
    if len(new) < found.unknown and tuple in map(type, found.edges):
        reasons = [edge[0] for edge in found.edges if type(edge) is tuple]
        for reason in dict.fromkeys(reasons):  # one or two on nearly all pages
            totals.refuse(reason, reasons.count(reason))
    if not row.line:  # seeds have depth 0
        same = len(new)
    elif not new.has_any(_SAME_DEPTH_KINDS):  # as of nearly all pages
        same = 0
    else:
        same = sum([via in SAME_DEPTH for via in new.vias()])
    totals.count_lines(row.depth, same)
    totals.count_lines(row.depth + 1, len(new) - same)
