"""Applies the events of workers to the ledger of leases and to the host broker."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import UNSET

from fetcher import bitset
from fetcher.leases.ledger import Ledger
from fetcher.leases.types import WorkerReport
from fetcher.politeness.host_broker import HostBroker
from fetcher.protocol import messages
from fetcher.settings.sections_routes import DEFAULT


def apply_to_ledger(
    ledger: Ledger, event: messages.AnyMessage, now: float, routes: Sequence[str] = (DEFAULT,)
) -> bool:
    """Apply an event; return False if it is not about leases. `routes`: their names."""
    match event:
        case messages.Claim():
            ledger.claimed(event.worker, event.lease, now)
        case messages.Returned():
            ledger.returned(event.worker, event.lease, now, bitset.unpack(event.mask))
        case messages.Finished():
            ledger.finished(event.worker, event.lease, now, bitset.unpack(event.skipped))
        case messages.Heartbeat():
            ledger.heartbeat(event.worker, event.held, now, _report_of(event, routes))
        case messages.Bye():
            ledger.worker_left(event.worker, now, died=False)
        case messages.Gone():
            ledger.worker_left(event.worker, now, died=True)
        case _:
            return False
    return True


def _report_of(beat: messages.Heartbeat, routes: Sequence[str]) -> WorkerReport:
    served = None
    if beat.routes is not UNSET:
        served = frozenset(number for number, name in enumerate(routes) if name in beat.routes)
    return WorkerReport(
        parked=frozenset(beat.parked),
        longest_s=dict(zip(beat.held, beat.longest_s, strict=False)),
        slow={lease: bitset.unpack(mask) for lease, mask in beat.slow.items()},
        waiting=beat.waiting,
        is_hungry=beat.is_hungry,
        routes=served,
    )


def apply_to_broker(broker: HostBroker, event: messages.AnyMessage, now: float) -> bool:
    """Apply an event; return False if it is not about hosts."""
    match event:
        case messages.Want():
            broker.want(event.worker, event.hosts, event.ticket, now)
        case messages.Release():
            given = zip(event.hosts, event.tickets, event.rests_s, strict=False)
            broker.release(event.worker, given, now)
        case messages.Owned():
            owned = zip(event.hosts, event.tickets, strict=False)
            rests = zip(event.resting, event.rests_s, strict=False)
            broker.owns(event.worker, owned, rests, event.answers, now)
        case _:
            return False
    return True
