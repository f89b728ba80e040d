"""Second copies of what is slow in flight when nothing else is left to do.

Law: no line has two copies at a time, nothing is copied that waits, and of a line that has two
leases the first committed row counts.
"""

from __future__ import annotations

from typing import Final

from msgspec.structs import replace

from fetcher import bitset
from fetcher.leases.lease_book import LeaseBook
from fetcher.leases.queue import Backlog
from fetcher.leases.types import Lease, LeaseState, Piece

TAIL_LINES: Final = 16  # of a copy


class TailCopies:
    """Chooses what is copied; counts copied lines, and knows which copies are not needed."""

    def __init__(self, book: LeaseBook, backlog: Backlog, tail_after_s: float) -> None:
        """`tail_after_s`: nothing is copied while something was handed out since."""
        self._book = book
        self._backlog = backlog
        self._tail_after_s = tail_after_s
        self._unneeded: list[tuple[int, int]] = []
        self.lines = 0

    def next(self, now: float) -> Piece | None:
        """The next to be handed out a second time."""
        for lease in self._book.leases.values():
            if self._backlog.is_frozen(lease.piece.batch):
                continue
            if now - lease.issued_at < self._tail_after_s:
                return None
            if lease.is_copy or lease.piece.is_lone or lease.state is not LeaseState.CLAIMED:
                continue
            mask = lease.slow & self._book.left_of(lease) & ~lease.copied
            if mask:
                mask = bitset.parts(mask, -(-mask.bit_count() // TAIL_LINES))[0]
                lease.copied |= mask
                self.lines += mask.bit_count()
                return replace(lease.piece, mask=mask, spared=0)
        return None

    def uncount(self, mask: int) -> None:
        """These lines of a copy came back unfetched."""
        self.lines -= mask.bit_count()

    def failed(self, copy: Lease, mask: int = -1) -> None:
        """The copy, or these lines of it, came to nothing: the lines may have another."""
        for other in self._book.others(copy):
            other.copied &= ~(copy.piece.mask & mask)

    def committed(self, lease: Lease, new: int) -> None:
        """These lines are committed now; if the lease is a copy, it need not fetch them."""
        if lease.is_copy and lease.piece.mask & new:
            self._unneeded.append((lease.id, lease.piece.mask & new))

    def unneeded(self) -> list[tuple[int, int]]:
        """Copies (lease, lines) whose lines are committed, since last asked."""
        told, self._unneeded = self._unneeded, []
        return told
