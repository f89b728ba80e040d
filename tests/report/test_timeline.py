"""Rows in bins of time: few bins, and no bins for pauses."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fetcher.commit.rate import PAUSE_S
from fetcher.report.timeline import MOST_BINS, MOST_POINTS, Timeline


def test_a_timeline_stays_small_whatever_times_come() -> None:
    timeline = Timeline()
    dice = random.Random(2)
    for _ in range(20_000):
        timeline.at(1_700_000_000 + dice.random() * 10_000_000).rows += 1
    drawn = timeline.drawn()
    assert len(drawn.points) <= MOST_POINTS <= MOST_BINS
    assert sum(point.bin.rows for point in drawn.points) == 20_000


def test_a_pause_of_the_job_is_cut_out_and_reported() -> None:
    timeline = Timeline()
    for second in range(60):
        timeline.at(1_700_000_000 + second).rows += 1
        timeline.at(1_700_300_000 + second).rows += 1
    drawn = timeline.drawn()
    (pause,) = drawn.pauses
    assert pause[1] == pytest.approx(300_000 - 60, abs=2)
    assert len(drawn.points) * drawn.width_s < 130 < PAUSE_S


@given(st.lists(st.floats(0, 4e9), min_size=1, max_size=400))
def test_no_row_is_lost_whatever_times_come(times: list[float]) -> None:
    timeline = Timeline()
    for at_s in times:
        timeline.at(at_s).rows += 1
    drawn = timeline.drawn()
    assert len(drawn.points) <= MOST_POINTS
    assert sum(point.bin.rows for point in drawn.points) == len(times)
    assert timeline.drawn() is not drawn, "a drawing changes nothing"
    assert sum(point.bin.rows for point in timeline.drawn().points) == len(times)


def test_a_time_falls_into_the_bin_that_begins_before_it() -> None:
    timeline = Timeline()
    timeline.at(1000.0).rows += 1
    timeline.at(1000.06).rows += 1
    timeline.at(1000.07).failed += 1
    drawn = timeline.drawn()
    assert drawn.width_s == 1 / 16
    assert [(point.at_s, point.bin.rows, point.bin.failed) for point in drawn.points] == [
        (1000.0, 2, 0),
        (1000.0625, 0, 1),
    ]


def test_empty_bins_between_two_rows_are_drawn_as_zero() -> None:
    timeline = Timeline()
    for at_s in (100.0, 100.25):
        timeline.at(at_s).rows += 1
    drawn = timeline.drawn()
    assert [point.bin.rows for point in drawn.points] == [1, 0, 0, 0, 1]
    assert [point.worked_s for point in drawn.points] == [0.0, 0.0625, 0.125, 0.1875, 0.25]
    assert drawn.pauses == []


def test_wider_bins_keep_all_that_was_counted() -> None:
    timeline = Timeline()
    for second in range(2000):
        bin_ = timeline.at(float(second))
        bin_.rows += 1
        bin_.found += 2
        bin_.failed += 3
        bin_.body_bytes += 4
        bin_.latency_ms.add(5.0)
    bins = [point.bin for point in timeline.drawn().points]
    assert sum(each.rows for each in bins) == 2000
    assert sum(each.found for each in bins) == 4000
    assert sum(each.failed for each in bins) == 6000
    assert sum(each.body_bytes for each in bins) == 8000
    assert sum(each.latency_ms.number for each in bins) == 2000


def test_an_empty_timeline_has_no_point() -> None:
    assert Timeline().drawn().points == []
