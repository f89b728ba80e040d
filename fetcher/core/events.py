"""What workers say of leases and hosts, told to those who decide on them."""

from __future__ import annotations

from fetcher.core import wire
from fetcher.core.ledger import Ledger
from fetcher.core.referee import Referee


def tell_of_leases(ledger: Ledger, event: wire.AnyMessage, now: float) -> bool:
    """Tell the ledger; False where the event is none for it."""
    match event:
        case wire.Claim():
            ledger.claimed(event.worker, event.lease, now)
        case wire.Returned():
            ledger.returned(event.worker, event.lease, now)
        case wire.Finished():
            ledger.finished(event.worker, event.lease, now)
        case wire.Heartbeat():
            ledger.heartbeat(event.worker, event.held, now, event.parked)
        case wire.Bye():
            ledger.left(event.worker, now, died=False)
        case wire.Gone():
            ledger.left(event.worker, now, died=True)
        case _:
            return False
    return True


def tell_of_hosts(referee: Referee, event: wire.AnyMessage, now: float) -> bool:
    """Tell the referee; False where the event is none for it."""
    match event:
        case wire.Want():
            referee.want(event.worker, event.hosts, event.ticket, now)
        case wire.Release():
            given = zip(event.hosts, event.tickets, event.rests_s, strict=False)
            referee.release(event.worker, given, now)
        case wire.Owned():
            owned = zip(event.hosts, event.tickets, strict=False)
            referee.owns(event.worker, owned, now)
        case _:
            return False
    return True
