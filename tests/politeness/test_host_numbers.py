"""Names and numbers of hosts, and hosts of the broker that have no name."""

from __future__ import annotations

from fetcher.politeness.host_broker import number_of
from fetcher.politeness.host_numbers import HostNumbers

A, B = number_of("a.test"), number_of("b.test")


def no_rests() -> list[tuple[str, float]]:
    return []


def test_a_host_that_is_wanted_has_its_name() -> None:
    numbers = HostNumbers()
    assert numbers.number("a.test") == numbers.number("a.test") == A
    assert numbers.known([(A, 5), (B, 6)]) == [("a.test", 5)]
    assert numbers.unknown([(A, 5)], no_rests) == []


def test_a_host_without_a_name_is_given_back_with_the_rest_that_it_needs() -> None:
    numbers = HostNumbers()
    numbers.number("a.test")
    assert numbers.pop("a.test") == A
    assert numbers.known([(A, 5)]) == []
    rests = [("a.test", 1.5), ("c.test", 9.0)]
    assert numbers.unknown([(A, 5), (B, 6)], lambda: rests) == [(A, 5, 1.5), (B, 6, 0.0)]


def test_a_host_without_a_name_can_be_given_back() -> None:
    assert HostNumbers().pop("a.test") == A


def test_a_worker_that_owns_all_hosts_needs_no_names() -> None:
    numbers = HostNumbers()
    numbers.number("a.test")
    numbers.forget_all()
    assert numbers.known([(A, 5)]) == []
    assert numbers.number("a.test") == A
    assert numbers.known([(A, 5)]) == [("a.test", 5)]


def test_the_rests_are_read_only_if_a_host_is_unknown() -> None:
    numbers = HostNumbers()
    numbers.number("a.test")

    def never() -> list[tuple[str, float]]:
        raise AssertionError("nothing is unknown")

    assert numbers.unknown([(A, 5)], never) == []
