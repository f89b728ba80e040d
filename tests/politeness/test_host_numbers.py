"""The numbers of hosts: all processes of a job, and of all versions, must agree on them."""

from __future__ import annotations

from fetcher.politeness.host_numbers import number_of, numbers_of


def test_a_number_is_the_same_in_every_process_and_version() -> None:
    assert number_of("a.test") == 861057076649597007
    assert number_of("h:8080") == 2350617665436063405
    assert number_of("\ud800.test") == 8282700700586748742


def test_hosts_get_the_same_numbers_together_and_alone() -> None:
    hosts = [f"h{n}.test" for n in range(300)]
    assert numbers_of(hosts) == [number_of(host) for host in hosts]
    assert max(numbers_of(hosts)) < 1 << 63
    assert numbers_of([]) == []
