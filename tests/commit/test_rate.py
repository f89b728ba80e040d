"""The two rates of a job: now, and on average over its time at work."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fetcher.commit.rate import PAUSE_S, Rate, Work, WorkClock, recent, together


def test_the_rate_now_is_of_the_last_ten_seconds() -> None:
    rate = Rate()
    for second in range(60):
        rate.add(second, 100 * second if second < 30 else 3000 + 7 * (second - 30))
    assert rate.per_s() == pytest.approx(7)


def test_both_ways_to_the_rate_now_agree_on_a_steady_job() -> None:
    rate, marks = Rate(), []
    for second in range(100):
        rate.add(second, 25 * second)
        if second % 5 == 0:
            marks.append((second, 25 * second))
    assert recent(marks, 25 * 99, 99) == pytest.approx(rate.per_s()) == pytest.approx(25)


@pytest.mark.parametrize(
    ("marks", "rows", "now_s", "per_s"),
    [
        ([], 0, 100, None),
        ([(100, 10)], 10, 100.5, None),  # whole seconds say nothing yet
        ([(100, 10)], 30, 104, 5.0),
        ([(0, 0), (85, 900), (90, 950), (95, 990)], 1000, 100, 5.0),
        ([(0, 0), (40, 1000)], 1000, 100, 0.0),  # it stands still, however fast it was
        ([(100, 10)], 30, 90, None),  # the clock was set back
    ],
)
def test_the_rate_now_by_marks(
    marks: list[tuple[int, int]], rows: int, now_s: float, per_s: float | None
) -> None:
    assert recent(marks, rows, now_s) == per_s


def test_time_between_runs_and_long_pauses_are_not_time_at_work() -> None:
    clock = WorkClock()
    assert clock.committed(5, 1.0) is None, "nobody has opened the job"
    clock.resume(None, 0, 100.0)
    clock.committed(10, 104.0)
    first = clock.committed(40, 110.0)
    assert first == Work(40, 10.0)

    again = WorkClock()
    again.resume(first, 40, 90_000.0)
    again.committed(60, 90_005.0)
    again.committed(61, 90_005.0 + PAUSE_S)
    whole = again.committed(90, 90_010.0 + PAUSE_S)
    assert whole == Work(90, 20.0)
    assert whole.per_s == 4.5
    assert whole.since(first) == Work(50, 10.0)


def test_a_ventilator_that_opens_the_job_again_takes_only_the_time_since_the_last_commit() -> None:
    clock = WorkClock()
    clock.resume(None, 0, 0.0)
    before = clock.committed(10, 5.0)
    clock.resume(before, 10, 65.0)
    assert clock.committed(20, 70.0) == Work(20, 10.0)


def test_the_work_of_a_job_that_an_older_version_began_is_not_known() -> None:
    clock = WorkClock()
    clock.resume(None, 700, 0.0)
    assert clock.committed(800, 5.0) is None


def test_a_clock_that_is_set_back_takes_no_time_away() -> None:
    assert Work(10, 5.0).plus(2, -3600.0) == Work(12, 5.0)
    assert Work().per_s is None
    assert Work(5, 0.0).per_s is None


@given(st.lists(st.tuples(st.integers(0, 1000), st.floats(0, 1e6)), max_size=5))
def test_several_sinks_work_at_the_same_time(given: list[tuple[int, float]]) -> None:
    whole = together(Work(rows, seconds) for rows, seconds in given)
    assert whole.rows == sum(rows for rows, _ in given)
    assert whole.seconds == max((seconds for _, seconds in given), default=0.0)
