"""The course of a job in a bounded number of points."""

from __future__ import annotations

import itertools

import pytest

from fetcher.watch.history import History, Point


def test_a_long_history_keeps_its_beginning_and_its_end_in_few_points() -> None:
    history = History()
    for second in range(100_000):
        history.add(Point(second, second, 1))
    points = history.since(-1)
    assert 250 < len(points) <= 600
    assert points[0].at_s == 0
    assert points[-1].at_s > 99_000
    steps = {b.at_s - a.at_s for a, b in itertools.pairwise(points)}
    assert steps == {history.step_s}
    assert history.since(points[-2].at_s) == points[-1:]


def test_no_peak_is_lost_between_two_points() -> None:
    history = History()
    for half in range(10_000):
        history.add(Point(half / 2, half, 900 if half in (3, 4_001) else 7))
    points = history.since(-1)
    assert history.step_s > 1
    assert sum(point.most_in_flight == 900 for point in points) == 2
    assert {point.most_in_flight for point in points} == {7, 900}


def test_points_that_come_sooner_than_a_step_are_left_out() -> None:
    history = History()
    for at_s in (10.0, 10.5, 11.0, 11.9, 12.1):
        history.add(Point(at_s, int(at_s), 1))
    assert [point.at_s for point in history.since(0)] == [10.0, 11.0, 12.1]


@pytest.mark.parametrize(("since_s", "count"), [(0, 3), (1, 2), (2.9, 1), (3, 0), (99, 0)])
def test_only_later_points_are_asked_for(since_s: float, count: int) -> None:
    history = History()
    for at_s in (1, 2, 3):
        history.add(Point(at_s, 0, 0))
    assert len(history.since(since_s)) == count
