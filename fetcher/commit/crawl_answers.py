"""The sink's answers about a crawl: how far it is, and the lines of its log.

Only committed lines are sent.
"""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

from msgspec import UNSET, UnsetType

from fetcher import bitset
from fetcher.commit.committer import Committer
from fetcher.protocol.bounds import MAX_PAGE_BYTES, MAX_PAGE_LINES
from fetcher.protocol.messages import CrawlState, LogPage

if TYPE_CHECKING:
    from fetcher.commit.growth import Growth  # loads numpy, which lists do not need


def state_of(growth: Growth) -> CrawlState:
    """The committed state of the crawl."""
    record = growth.committed
    return CrawlState(record.seeds, record.has_all_seeds, record.ready_lines, record.totals)


def page(
    committer: Committer,
    first: int | UnsetType,
    batch_size: int,
    most_lines: int = MAX_PAGE_LINES,
) -> LogPage | UnsetType:
    """A page of the lines from `first` on that have no row, as many as fit; UNSET: none are new.

    No line is sent before all seeds are committed, because the seeds decide the scope.
    """
    growth = committer.growth
    if growth is None or first is UNSET or not growth.committed.has_all_seeds:
        return UNSET
    end = min(growth.committed.ready_lines + 1, first + most_lines)
    if first >= end:
        return UNSET
    mask = committer.uncommitted(first, end, batch_size)
    if not mask:
        return LogPage(first, end, b"", b"")
    texts: list[bytes] = []
    size = 0
    found = growth.files.log_texts(first, first + mask.bit_length())
    for text in bitset.chosen(found, mask):
        size += len(text) + 1
        if size > MAX_PAGE_BYTES:
            offset = next(islice(bitset.offsets(mask), len(texts), None))
            end, mask = first + offset, mask & ((1 << offset) - 1)
            break
        texts.append(text)
    return LogPage(first, end, bitset.pack(mask), b"\n".join(texts))
