"""Rows in, sums out: bounded, and right as far as they say."""

from __future__ import annotations

import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fetcher.commit.rate import PAUSE_S
from fetcher.model import Outcome
from fetcher.report.aggregate import Aggregate, Row, RowTimings, pattern
from fetcher.report.sketches import Bounded, LogHistogram
from fetcher.report.timeline import MOST_BINS, MOST_POINTS, Timeline


@given(st.lists(st.floats(0.002, 1e9), min_size=1, max_size=300), st.floats(0.01, 1))
def test_a_quantile_is_right_to_the_width_of_a_bucket(values: list[float], share: float) -> None:
    histogram = LogHistogram()
    for value in values:
        histogram.add(value)
    exact = sorted(values)[math.ceil(share * len(values)) - 1]
    found = histogram.quantile(share)
    assert found is not None
    assert exact / 1.08 <= found <= exact * 1.08
    assert histogram.number == len(values)


def test_no_value_has_no_quantile_and_odd_ones_do_no_harm() -> None:
    histogram = LogHistogram()
    assert histogram.quantile(0.5) is histogram.mean is None
    for value in (0.0, 1e300, 5e-324):
        histogram.add(value)
    assert histogram.highest == 1e300


class Weight:
    def __init__(self) -> None:
        self.rows = 0


def test_a_bounded_table_keeps_the_heaviest_and_says_what_it_missed() -> None:
    table = Bounded[int, Weight](10, Weight, "rows")
    dice = random.Random(1)
    heavy = dict.fromkeys(range(5), 0)
    for step in range(20_000):
        key = dice.randrange(5) if step % 2 else dice.randrange(5, 100_000)
        table[key].rows += 1
        if key in heavy:
            heavy[key] += 1
    assert len(table) <= 20
    kept = dict(table.top("rows", 5))
    assert kept.keys() == heavy.keys()
    assert table.given_up > 0
    for key, rows in heavy.items():
        assert rows - table.missed["rows"] <= kept[key].rows <= rows


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


def row(line: int, outcome: Outcome = Outcome.OK, **fields: object) -> Row:
    return Row(line, f"http://Host-{line % 3}.test:81/x?{line}", outcome, **fields)  # type: ignore[arg-type]


def test_rows_are_counted_by_all_that_a_report_shows() -> None:
    sums = Aggregate()
    sums.add(row(1, status=200, body_bytes=10, wire_bytes=5, attempts=2, content_type="A/B; c=d"))
    sums.add(
        row(
            2,
            Outcome.TIMEOUT,
            error="took longer than 60 s",
            started_at=1e9,
            timings_ms=RowTimings(total=60_000.0),
        )
    )
    sums.add(row(3, Outcome.INVALID_URL, error="no scheme"))
    assert (sums.rows, sums.failed, sums.answered, sums.saved_by_retry) == (3, 2, 1, 1)
    assert sums.types["a/b"].rows == 1
    assert sums.hosts["host-2.test:81"].failed == 1
    assert sums.unanswered_ms.number == 1
    assert sums.untimed == 2


def test_only_lines_with_a_second_attempt_were_tried_again() -> None:
    sums = Aggregate()
    for line, attempts in enumerate((0, 0, 1, 1, 2, 3), 1):
        outcome = Outcome.CONNECT if attempts in (0, 3) else Outcome.OK
        sums.add(row(line, outcome, attempts=attempts))
    assert (sums.retried, sums.saved_by_retry) == (2, 1)
    assert sums.attempts == {0: 2, 1: 2, 2: 1, 3: 1}


def test_times_of_lines_that_were_never_sent_are_left_out() -> None:
    sums = Aggregate()
    nothing, blocked = RowTimings(total=0.0), RowTimings(dns=1.0, total=2.0)
    sums.add(row(1, Outcome.CONNECT, attempts=0, timings_ms=nothing))  # its host was given up
    sums.add(row(2, Outcome.CONNECT, attempts=1, timings_ms=nothing))  # before its second attempt
    for outcome in (Outcome.INVALID_URL, Outcome.BLOCKED, Outcome.ROBOTS):
        sums.add(row(3, outcome, timings_ms=blocked))
    assert sums.unanswered_ms.number == sums.phases_ms["dns"].number == 0
    assert all(host.timed == 0 for host in sums.hosts.values())
    # A redirect to what is blocked was an answer.
    sums.add(row(4, Outcome.BLOCKED, status=302, timings_ms=blocked))
    sums.add(row(5, status=200, timings_ms=nothing))
    assert sums.total_ms.number == 2


def test_rows_that_failed_are_counted_by_outcome_and_kind() -> None:
    sums = Aggregate()
    kinds = ("connect", "connect", "first_byte", None, "no word of ours")
    for line, kind in enumerate(kinds, 1):
        sums.add(row(line, Outcome.TIMEOUT, error="late", error_kind=kind))
    sums.add(row(6, Outcome.HTTP_ERROR, status=404, error="the server answered 404"))
    sums.add(row(7))
    assert [(failing.name, rows) for failing, rows in sums.kinds.most_common()] == [
        ("timeout connect", 2),
        ("timeout first_byte", 1),
        ("timeout", 1),
        ("timeout (unknown)", 1),
        ("http_error", 1),
    ]
    assert len(sums.errors) == 5, "the same words of another kind are another group"


def test_errors_that_differ_in_names_and_numbers_are_one_group() -> None:
    one = pattern("could not connect to a.test port 80 after 31 ms", "a.test:80")
    assert one == pattern("could not connect to b.test port 81 after 2.5 ms", "b.test")
