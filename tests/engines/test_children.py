"""When a role's next process starts, by how the earlier ones ended."""

from __future__ import annotations

import itertools
import signal

from fetcher.engines.children import MAX_QUICK_DEATHS, Deaths
from fetcher.leases.poison import SPLIT
from fetcher.settings.schema import Job, Lease

CRASHED = -signal.SIGSEGV
FAILED = 1


def pauses(deaths: Deaths, code: int, count: int, rows: int = 7) -> list[float]:
    """After so many quick deaths in a row, with no progress of the job between them."""
    return [deaths.pause_s(code, lived_s=0.5, rows=rows) for _ in range(count)]


def test_what_fails_at_its_start_is_started_ever_less_often() -> None:
    deaths = Deaths()
    found = pauses(deaths, FAILED, MAX_QUICK_DEATHS - 1)
    assert found[0] < 1
    assert all(later >= before for before, later in itertools.pairwise(found))
    assert found[-1] == 10
    assert not deaths.is_hopeless
    pauses(deaths, FAILED, 1)
    assert deaths.is_hopeless


def test_the_crashes_that_find_one_line_of_a_batch_cost_no_time() -> None:
    left, needed = Job().batch_size, Lease().poison_deaths
    while left > 1:
        left = -(-left // SPLIT)
        needed += 1
    assert sum(pauses(Deaths(), CRASHED, needed)) < 3


def test_what_crashes_on_and_on_is_started_ever_less_often_and_given_up() -> None:
    deaths = Deaths()
    found = pauses(deaths, CRASHED, MAX_QUICK_DEATHS)
    assert found[-1] == 10
    assert deaths.is_hopeless


def test_progress_and_a_long_life_are_a_new_beginning() -> None:
    for lived_s, rows in ((0.5, 8), (60.0, 7)):
        deaths = Deaths()
        pauses(deaths, FAILED, MAX_QUICK_DEATHS - 1, rows=7)
        assert deaths.pause_s(FAILED, lived_s, rows) < 1
        assert not deaths.is_hopeless


def test_progress_counts_for_each_role_in_any_order() -> None:
    first, second = Deaths(), Deaths()
    for rows in range(2 * MAX_QUICK_DEATHS):
        for deaths in (first, second):
            assert deaths.pause_s(FAILED, 0.5, rows) < 1
    assert not second.is_hopeless
