"""Hosts by name and by number, and what happens to a host that has no name here."""

from __future__ import annotations

from fetcher.politeness.host_broker import number_of
from fetcher.politeness.host_numbers import HostNumbers

A, B = number_of("a.test"), number_of("b.test")


def no_rests() -> list[tuple[str, float]]:
    return []


def test_a_host_that_the_broker_was_told_about_has_its_name() -> None:
    numbers = HostNumbers()
    assert numbers.number("a.test") == numbers.number("a.test") == A
    assert numbers.known([(A, 5), (B, 6)]) == [("a.test", 5)]
    assert numbers.unknown([(A, 5)], no_rests) == []


def test_a_host_without_a_name_is_given_back_with_the_rest_that_it_needs() -> None:
    numbers = HostNumbers()
    numbers.number("a.test")
    assert numbers.forget("a.test") == A
    assert numbers.known([(A, 5)]) == []
    rests = [("a.test", 1.5), ("c.test", 9.0)]
    assert numbers.unknown([(A, 5), (B, 6)], lambda: rests) == [(A, 5, 1.5), (B, 6, 0.0)]


def test_a_host_that_was_never_told_can_be_forgotten() -> None:
    assert HostNumbers().forget("a.test") == A


def test_with_all_hosts_no_names_are_needed() -> None:
    numbers = HostNumbers()
    numbers.number("a.test")
    numbers.forget_all()
    assert numbers.known([(A, 5)]) == []
    assert numbers.number("a.test") == A
    assert numbers.known([(A, 5)]) == [("a.test", 5)]


def test_the_rests_are_looked_at_only_where_a_host_is_unknown() -> None:
    numbers = HostNumbers()
    numbers.number("a.test")

    def never() -> list[tuple[str, float]]:
        raise AssertionError("nothing is unknown")

    assert numbers.unknown([(A, 5)], never) == []
