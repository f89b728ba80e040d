"""How many unclaimed leases may be out."""

from __future__ import annotations

from fetcher.leases.flow_control import REST_S, FlowControl
from fetcher.leases.types import BatchPart, Lease, LeaseState


def sent(flow: FlowControl, number: int = 1) -> Lease:
    flow.sent()
    return Lease(number, BatchPart(0, 1), 0.0, 90.0)


def test_so_many_leases_for_each_worker_and_at_least_for_one_may_be_unclaimed() -> None:
    flow = FlowControl(2)
    sent(flow)
    assert flow.is_open(0)
    sent(flow)
    assert not flow.is_open(1)
    assert flow.is_open(2)


def test_a_claimed_an_ended_and_an_excluded_lease_count_no_longer() -> None:
    flow = FlowControl(1)
    lease = sent(flow)
    flow.claimed(lease, 0)
    assert flow.is_open(1)
    flow.remove(sent(flow))
    assert flow.is_open(1)
    excluded = sent(flow)
    flow.exclude(excluded)
    flow.exclude(excluded)
    assert flow.is_open(1)
    flow.include(excluded)
    flow.include(excluded)
    assert not flow.is_open(1)
    flow.remove(excluded)
    assert flow.is_open(1)


def test_a_finished_lease_is_neither_excluded_nor_removed_twice() -> None:
    flow = FlowControl(1)
    lease = sent(flow)
    flow.claimed(lease, 0)
    lease.state = LeaseState.CLAIMED
    flow.exclude(lease)
    flow.remove(lease)
    sent(flow)
    assert not flow.is_open(1)


def test_it_rests_when_each_worker_has_returned_a_lease_until_a_claim_or_for_a_while() -> None:
    flow = FlowControl(2)
    flow.returned(2, 1.0)
    assert not flow.is_resting(1.0)
    flow.returned(2, 1.1)
    assert flow.is_resting(1.1)
    assert not flow.is_resting(1.1 + REST_S)
    flow.claimed(sent(flow), 1.2)
    assert not flow.is_resting(1.2)
    flow.returned(2, 1.2)
    assert flow.is_resting(1.2), "one return is enough after a claim"
