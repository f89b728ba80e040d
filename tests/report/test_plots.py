"""The numbers of the plots."""

from __future__ import annotations

import pytest

from fetcher.report.plots import SizePlot, latency_plot, size_plot, time_plot
from fetcher.report.sketches import LogHistogram
from fetcher.report.timeline import Bin, Drawn, Point


def bin_of(rows: int, failed: int = 0, body_bytes: int = 0, found: int = 0, *ms: float) -> Bin:
    made = Bin()
    made.rows, made.failed, made.body_bytes, made.found = rows, failed, body_bytes, found
    for each in ms:
        made.latency_ms.add(each)
    return made


def drawn(*bins: Bin, width_s: float = 2.0) -> Drawn:
    points = [Point(n * width_s, 100 + n * width_s, each) for n, each in enumerate(bins)]
    return Drawn(points, width_s, [(4.0, 60.0)])


def test_rates_are_per_second_and_sums_run_on() -> None:
    plot = time_plot(drawn(bin_of(4, 1, 3000), bin_of(0), bin_of(2, 2, 1)))
    assert plot.ok_per_s == [1.5, 0.0, 0.0]
    assert plot.failed_per_s == [0.5, 0.0, 1.0]
    assert plot.bytes_per_s == [1500.0, 0.0, 0.5]
    assert (plot.rows, plot.done) == ([4, 0, 2], [4, 4, 6])
    assert (plot.worked_s, plot.at_s) == ([0.0, 2.0, 4.0], [100.0, 102.0, 104.0])
    assert (plot.width_s, plot.pauses) == (2.0, [(4.0, 60.0)])


def test_a_bin_without_an_answer_has_no_latency() -> None:
    plot = time_plot(drawn(bin_of(1), bin_of(3, 0, 0, 0, 10.0, 10.0, 500.0)))
    assert (plot.median_ms[0], plot.p90_ms[0], plot.p99_ms[0]) == (None, None, None)
    assert plot.median_ms[1] == pytest.approx(10, rel=0.04)
    assert plot.p90_ms[1] == plot.p99_ms[1] == 500.0


def test_only_a_crawl_has_found_lines() -> None:
    assert time_plot(drawn(bin_of(1), bin_of(1))).found == []
    assert time_plot(drawn(bin_of(1, found=0), bin_of(1, found=3))).found == [0, 3]


def test_numbers_have_four_digits() -> None:
    assert time_plot(drawn(bin_of(1, 0, 1), width_s=3.0)).bytes_per_s == [0.3333]


def histogram(*values: float) -> LogHistogram:
    made = LogHistogram()
    for value in values:
        made.add(value)
    return made


def test_sizes_begin_with_empty_bodies_and_their_shares_add_up() -> None:
    plot = size_plot(histogram(0, 0, 1, 1000))
    assert plot.from_bytes[:2] == [pytest.approx(0.7499, abs=1e-4), 1.0]
    assert plot.shares[:2] == [0.5, 0.25]
    assert sum(plot.shares) == pytest.approx(1)
    assert plot.shares[-1] == 0.0, "the last bound only ends the last step"
    assert len(plot.shares) == len(plot.from_bytes)


def test_a_plot_of_nothing_is_empty() -> None:
    assert size_plot(LogHistogram()) == SizePlot([], [])
    assert latency_plot({}).from_ms == []


def test_all_phases_have_the_same_bounds() -> None:
    plot = latency_plot({"dns": histogram(1.0), "total": histogram(100.0, 1.0)})
    assert plot.from_ms[0] == 1.0
    assert plot.from_ms[-2] == 100.0
    assert {len(shares) for shares in plot.shares.values()} == {len(plot.from_ms)}
    assert plot.shares["dns"][0] == 1.0
    assert (plot.shares["total"][0], plot.shares["total"][-2]) == (0.5, 0.5)
