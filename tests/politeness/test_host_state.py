"""The items that wait for one host."""

from __future__ import annotations

import pytest

from fetcher.politeness.host_state import HostState


@pytest.mark.parametrize("count", [0, 1, 31, 32, 33, 100])
def test_items_stay_in_order_however_many_wait_and_one_may_go_first(count: int) -> None:
    host: HostState[int] = HostState("h", "owned")
    for number in range(count):
        host.push(number, first=False)
    host.push(-1, first=True)
    assert list(host.waiting) == [-1, *range(count)]


def test_hosts_share_no_items() -> None:
    one: HostState[int] = HostState("a", "owned")
    one.push(1, first=False)
    assert not HostState[int]("b", "owned").waiting
