"""Second copies of lines whose fetch is slow, when nothing else is left to hand out.

A line has at most one copy at a time, and a line that waits is never copied. Where a line has two
leases, the first committed row counts.
"""

from __future__ import annotations

from typing import Final

from msgspec.structs import replace

from fetcher import bitset
from fetcher.leases.frozen_shares import FrozenShares
from fetcher.leases.lease_book import LeaseBook
from fetcher.leases.types import BatchPart, Lease, LeaseState

TAIL_LINES: Final = 16  # of one copy


class TailCopies:
    """Chooses lines to copy, counts them, and knows which copies are no longer needed."""

    def __init__(self, book: LeaseBook, frozen: FrozenShares, tail_after_s: float) -> None:
        """`tail_after_s`: minimum age of a lease before its slow lines are copied."""
        self._book = book
        self._frozen = frozen
        self._tail_after_s = tail_after_s
        self._unneeded: list[tuple[int, int]] = []
        self.lines = 0  # copied so far

    def next(self, now: float, route: int = 0) -> BatchPart | None:
        """The next lines of a route to hand out a second time."""
        for lease in self._book.leases.values():
            if lease.part.route != route or self._frozen.has_frozen(lease.part.batch):
                continue
            if now - lease.issued_at < self._tail_after_s:
                return None
            if lease.is_copy or lease.part.is_isolated or lease.state is not LeaseState.CLAIMED:
                continue
            mask = lease.slow & self._book.uncommitted_mask(lease) & ~lease.copied
            if mask:
                mask = bitset.parts(mask, -(-mask.bit_count() // TAIL_LINES))[0]
                lease.copied |= mask
                self.lines += mask.bit_count()
                return replace(lease.part, mask=mask, spared=0)
        return None

    def uncount(self, mask: int) -> None:
        """These lines of a copy came back and were not fetched."""
        self.lines -= mask.bit_count()

    def failed(self, copy: Lease, mask: int = -1) -> None:
        """The copy, or these lines of it, failed: the lines may be copied again."""
        for other in self._book.others(copy):
            other.copied &= ~(copy.part.mask & mask)

    def committed(self, lease: Lease, new: int) -> None:
        """These lines are committed now; a copy need not fetch them."""
        if lease.is_copy and lease.part.mask & new:
            self._unneeded.append((lease.id, lease.part.mask & new))

    def unneeded(self) -> list[tuple[int, int]]:
        """Copies (lease, lines) whose lines were committed since the last call."""
        found, self._unneeded = self._unneeded, []
        return found
