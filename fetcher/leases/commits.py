"""What a commit changes: the leases of its lines end or progress, and texts leave the memory."""

from __future__ import annotations

from fetcher.leases.ledger_state import LedgerState
from fetcher.leases.types import Lease, LeaseState, OpenBatch


def commit(state: LedgerState, batch: int, mask: int, now: float) -> int:
    """Note the committed lines of a batch: all of them. Returns those that no route has added."""
    ahead = mask
    for route, opened in state.book.opened(batch):
        ahead &= ~opened.lines
        _commit(state, batch, route, opened, mask, now)
    return ahead


def _commit(
    state: LedgerState, batch: int, route: int, opened: OpenBatch, mask: int, now: float
) -> None:
    new = opened.remaining & mask
    opened.remaining &= ~mask
    for lease_id in list(opened.leases):
        _progress(state, state.book.leases[lease_id], new, opened.remaining, now)
    state.poison.committed(batch, new)
    if not opened.remaining:
        state.book.close(batch, route)
    elif new and 2 * opened.remaining.bit_count() <= opened.in_memory.bit_count():
        state.book.shrink(opened, route)


def _progress(state: LedgerState, lease: Lease, new: int, remaining: int, now: float) -> None:
    """Lines of its batch were committed."""
    state.copies.committed(lease, new)
    if not lease.part.mask & remaining:
        state.end(lease.id)
    elif lease.part.mask & new:
        lease.has_progressed = True
        if lease.state is LeaseState.CLAIMED:
            lease.expires_at = state.clock(lease, now) + state.rules.stall_s
