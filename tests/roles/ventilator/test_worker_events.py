"""Events of workers change the ledger and the host broker, and nothing else does."""

from __future__ import annotations

import pytest

from fetcher.leases.ledger import Ledger
from fetcher.leases.types import LeaseState
from fetcher.politeness.host_broker import HostBroker
from fetcher.protocol import messages
from fetcher.roles.ventilator.worker_events import apply_to_broker, apply_to_ledger
from support.leasing import batch, ledger, take


def begun() -> tuple[Ledger, int]:
    """A ledger with a lease that this worker has claimed."""
    made = ledger(batch(), batch(1))
    lease = take(made).lease
    assert apply_to_ledger(made, messages.Claim("w", lease), 1.0)
    return made, lease


def test_a_claim_gives_the_lease_to_its_worker() -> None:
    made, number = begun()
    (lease,) = (each for each in made.leases if each.id == number)
    assert (lease.state, lease.worker) == (LeaseState.CLAIMED, "w")


def test_returned_lines_are_handed_out_again() -> None:
    made, lease = begun()
    assert apply_to_ledger(made, messages.Returned("w", lease, b"\xf0\x00"), 2.0)
    masks = {take(made, 2.0).mask for _ in range(2)}
    assert 0b11110000 in masks


def test_a_finished_lease_waits_for_the_commit_of_its_rows() -> None:
    made, number = begun()
    assert apply_to_ledger(made, messages.Finished("w", number, b"\x01"), 2.0)
    (lease,) = (each for each in made.leases if each.id == number)
    assert (lease.state, lease.skipped) == (LeaseState.FINISHED, 1)


@pytest.mark.parametrize("event", [messages.Bye("w"), messages.Gone("w")])
def test_a_worker_that_leaves_or_dies_is_forgotten(event: messages.AnyMessage) -> None:
    made, _ = begun()
    assert apply_to_ledger(made, event, 2.0)
    assert made.workers == []


def test_a_death_is_counted_and_a_departure_is_not() -> None:
    deaths = []
    for event in (messages.Bye("w"), messages.Gone("w")):
        made, _ = begun()
        apply_to_ledger(made, event, 2.0)
        suspects = made.suspects_if_changed() or []
        deaths.append({suspect.deaths for suspect in suspects})
    assert deaths == [set(), {1}]


def test_a_heartbeat_keeps_a_worker_and_says_what_is_slow() -> None:
    made, number = begun()
    beat = messages.Heartbeat(
        *("w", 4, 1, 0), held=[number], parked=[], longest_s=[25.0], slow={number: b"\x05"}
    )
    assert apply_to_ledger(made, beat, 4.0)
    (lease,) = (each for each in made.leases if each.id == number)
    assert lease.slow == 0b101
    made.tick(8.0)
    assert made.workers == ["w"]
    made.tick(9.5)
    assert made.workers == []


@pytest.mark.parametrize("event", [messages.Want("w", 1, [7]), messages.Look(), messages.Closed()])
def test_other_events_do_not_concern_the_ledger(event: messages.AnyMessage) -> None:
    assert not apply_to_ledger(ledger(), event, 1.0)


def test_wanted_hosts_are_granted_and_released_ones_granted_to_others() -> None:
    broker = HostBroker()
    assert apply_to_broker(broker, messages.Want("a", 1, [7, 8]), 0.0)
    assert apply_to_broker(broker, messages.Want("b", 2, [7]), 0.0)
    assert broker.grants(0.0) == {"a": ([7, 8], [1, 1])}
    assert apply_to_broker(broker, messages.Release("a", [7], [1], [2.0]), 1.0)
    assert broker.grants(2.9) == {}
    assert broker.grants(3.0) == {"b": ([7], [2])}


def test_owned_hosts_belong_to_who_says_so() -> None:
    broker = HostBroker()
    assert apply_to_broker(broker, messages.Owned("a", [7], [3], [8], [5.0], 0), 0.0)
    apply_to_broker(broker, messages.Want("b", 1, [7, 8]), 0.0)
    assert broker.grants(0.0) == {}, "7 is owned, and 8 rests"
    assert broker.grants(5.0) == {"b": ([8], [1])}


def test_other_events_do_not_concern_the_broker() -> None:
    assert not apply_to_broker(HostBroker(), messages.Claim("w", 1), 0.0)
