"""Decides which routes have a worker with too little to do while others have lines to spare."""

from __future__ import annotations

from fetcher.leases.ledger_state import LedgerState
from fetcher.leases.types import Lease, LeaseState


def hungry_routes(state: LedgerState) -> list[int]:
    """The routes of which workers should return lines that they have not begun.

    All lines of such a route are handed out, some worker of it has too little to do, and others
    may have lines to spare.
    """
    claimed = [lease for lease in state.book.claimed() if not lease.is_parked]
    busy = {lease.worker for lease in claimed} - state.workers.hungry
    return [route for route in state.routes if _is_hungry(state, route, claimed, busy)]


def _is_hungry(state: LedgerState, route: int, claimed: list[Lease], busy: set[str]) -> bool:
    if busy.issuperset(state.workers.serving(route)) or not state.is_end(route):
        return False
    return any(each.part.route == route and each.worker in busy for each in claimed) or any(
        lease.state is LeaseState.SENT and lease.part.route == route
        for lease in state.book.leases.values()
    )
