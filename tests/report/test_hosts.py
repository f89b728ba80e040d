"""The three rankings of hosts."""

from __future__ import annotations

import pytest

from fetcher.report.aggregate import Host
from fetcher.report.hosts import hosts
from fetcher.report.sketches import Bounded


def table(**rows: tuple[int, int, float]) -> Bounded[str, Host]:
    """Hosts with their rows, how many of them failed, and the mean time of each row in ms."""
    made = Bounded[str, Host](5000, Host, "rows", "failed", "took_ms")
    for name, (count, failed, mean_ms) in rows.items():
        host = made[name]
        host.rows = host.timed = count
        host.failed = failed
        host.took_ms, host.longest_ms = count * mean_ms, 2 * mean_ms
    return made


def test_hosts_are_ranked_by_mean_time_by_failed_rows_and_by_rows() -> None:
    found = hosts(table(a=(1, 1, 50.0), b=(9, 0, 10.0), c=(4, 3, 20.0)))
    assert [each.name for each in found.slowest] == ["a", "c", "b"]
    assert [each.name for each in found.failing] == ["c", "a"]
    assert [each.name for each in found.busiest] == ["b", "c", "a"]
    assert (found.known, found.given_up, found.slowest_least) == (3, 0, 1)
    first = found.slowest[0]
    assert (first.rows, first.failed, first.mean_ms, first.longest_ms) == (1, 1, 50.0, 100.0)


@pytest.mark.parametrize(("rows", "least"), [(40, 30), (29, 10), (9, 3), (2, 1)])
def test_a_slow_host_needs_as_many_rows_as_enough_hosts_have(rows: int, least: int) -> None:
    many = {f"h{n}": (rows, 0, 1.0) for n in range(15)}
    found = hosts(table(**many, unlucky=(1, 0, 9000.0)))
    assert found.slowest_least == least
    assert (found.slowest[0].name == "unlucky") == (least == 1)


def test_a_ranking_has_at_most_15_hosts_and_equal_ones_are_ordered_by_name() -> None:
    found = hosts(table(**{f"h{n:02}": (1, 1, 1.0) for n in range(20)}))
    names = [f"h{n:02}" for n in range(15)]
    for ranking in (found.slowest, found.failing, found.busiest):
        assert [each.name for each in ranking] == names


def test_a_host_without_times_or_bodies_shows_none() -> None:
    made = table(a=(2, 0, 1.0))
    made["a"].timed = 0
    found = hosts(made)
    assert found.slowest == []
    (host,) = found.busiest
    assert (host.mean_ms, host.longest_ms, host.body_bytes) == (None, None, None)
    made["a"].bodies, made["a"].body_bytes = 1, 0
    assert hosts(made).busiest[0].body_bytes == 0


def test_a_long_or_hostile_name_is_cut_and_escaped() -> None:
    found = hosts(table(**{"\u202e" + "a" * 200: (1, 0, 1.0)}))
    assert found.busiest[0].name == "\\u202e" + "a" * 98 + "…"
