"""Requests that waited for one look-up are sent one after the other."""

from __future__ import annotations

import pytest

from fetcher.fetch.http.first_requests import FirstRequests


def test_requests_that_waited_for_one_look_up_are_kept_apart() -> None:
    first = FirstRequests(0.5)
    waits = [first.wait_s("a.test", 10.0, has_looked_up=True) for _ in range(3)]
    assert waits == [0.0, 0.5, 1.0]


def test_a_later_request_waits_if_those_before_it_are_still_late() -> None:
    first = FirstRequests(0.5)
    for _ in range(2):
        first.wait_s("a.test", 10.0, has_looked_up=True)
    assert first.wait_s("a.test", 10.75, has_looked_up=False) == pytest.approx(0.25)
    assert first.wait_s("a.test", 12.0, has_looked_up=False) == 0.0
    assert first.wait_s("a.test", 12.0, has_looked_up=False) == 0.0, "the turns do the rest"


def test_hosts_do_not_wait_for_each_other_and_are_forgotten() -> None:
    first = FirstRequests(0.5)
    for n in range(1000):
        assert first.wait_s(f"h{n}.test", float(n), has_looked_up=True) == 0.0
    assert len(first) == 1


def test_nobody_waits_without_a_delay() -> None:
    first = FirstRequests(0.0)
    assert [first.wait_s("a.test", 1.0, has_looked_up=True) for _ in range(2)] == [0.0, 0.0]
    assert len(first) == 0
