"""What workers say of leases and hosts, told to those who decide on them."""

from __future__ import annotations

from fetcher.core import masks, wire
from fetcher.core.leases import WorkerReport
from fetcher.core.ledger import Ledger
from fetcher.core.referee import Referee


def tell_of_leases(ledger: Ledger, event: wire.AnyMessage, now: float) -> bool:
    """Tell the ledger; False where the event is none for it."""
    match event:
        case wire.Claim():
            ledger.claimed(event.worker, event.lease, now)
        case wire.Returned():
            ledger.returned(event.worker, event.lease, now, masks.unpack(event.mask))
        case wire.Finished():
            ledger.finished(event.worker, event.lease, now, masks.unpack(event.skipped))
        case wire.Heartbeat():
            ledger.heartbeat(event.worker, event.held, now, _report_of(event))
        case wire.Bye():
            ledger.left(event.worker, now, died=False)
        case wire.Gone():
            ledger.left(event.worker, now, died=True)
        case _:
            return False
    return True


def _report_of(beat: wire.Heartbeat) -> WorkerReport:
    return WorkerReport(
        parked=frozenset(beat.parked),
        longest_s=dict(zip(beat.held, beat.longest_s, strict=False)),
        slow={lease: masks.unpack(mask) for lease, mask in beat.slow.items()},
        waiting=beat.waiting,
        is_hungry=beat.is_hungry,
    )


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
