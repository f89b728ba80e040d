"""The numbers of the plots: short parallel lists, as the plot library takes them."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping

import msgspec

from fetcher.report.sketches import LogHistogram
from fetcher.report.timeline import Drawn

_PER_DECADE = 8  # steps of a plotted distribution
_LEAST_MS = 0.1  # all shorter times are one step of the distribution


class TimePlot(msgspec.Struct, frozen=True):
    """Over time of work: rows and bytes per second, milliseconds; None where nothing ended."""

    width_s: float
    worked_s: list[float]
    at_s: list[float]
    rows: list[int]
    ok_per_s: list[float]
    failed_per_s: list[float]
    bytes_per_s: list[float]
    median_ms: list[float | None]
    p90_ms: list[float | None]
    p99_ms: list[float | None]
    done: list[int]  # rows up to the end of each bin
    found: list[int]  # lines of a crawl that were found up to there; [] for a list
    pauses: list[tuple[float, float]]  # where in time of work, and for how many seconds


class LatencyPlot(msgspec.Struct, frozen=True):
    """By phase, the share (0 to 1) of its values from each bound to the next one.

    Where the first bound is below `least_ms`, it stands for 0.
    """

    least_ms: float
    from_ms: list[float]
    shares: dict[str, list[float]]


class SizePlot(msgspec.Struct, frozen=True):
    """The share (0 to 1) of the bodies whose size lies from each bound to the next one."""

    from_bytes: list[float]
    shares: list[float]


def time_plot(drawn: Drawn) -> TimePlot:
    """Rates and latencies of each bin."""
    bins = [point.bin for point in drawn.points]
    width_s = drawn.width_s
    found = list(itertools.accumulate(each.found for each in bins))
    return TimePlot(
        width_s=width_s,
        worked_s=[point.worked_s for point in drawn.points],
        at_s=[point.at_s for point in drawn.points],
        rows=[each.rows for each in bins],
        ok_per_s=[_short((each.rows - each.failed) / width_s) for each in bins],
        failed_per_s=[_short(each.failed / width_s) for each in bins],
        bytes_per_s=[_short(each.body_bytes / width_s) for each in bins],
        median_ms=[_quantile(each.latency_ms, 0.5) for each in bins],
        p90_ms=[_quantile(each.latency_ms, 0.9) for each in bins],
        p99_ms=[_quantile(each.latency_ms, 0.99) for each in bins],
        done=list(itertools.accumulate(each.rows for each in bins)),
        found=found if any(found) else [],
        pauses=drawn.pauses,
    )


def latency_plot(phases: dict[str, LogHistogram]) -> LatencyPlot:
    """The distributions of all phases over the same bounds."""
    below = round(math.log10(_LEAST_MS) * _PER_DECADE) - 1
    coarse = {name: _from_step(below, of.coarse(_PER_DECADE)) for name, of in phases.items()}
    buckets = _span([bucket for of in coarse.values() for bucket in of])
    return LatencyPlot(
        least_ms=_LEAST_MS,
        from_ms=_bounds(buckets),
        shares={
            name: [round(of.get(bucket, 0) / phases[name].number, 6) for bucket in buckets]
            for name, of in coarse.items()
        },
    )


def size_plot(sizes: LogHistogram) -> SizePlot:
    """The distribution of sizes; empty bodies are in the first step, below one byte."""
    counts = _from_step(-1, sizes.coarse(_PER_DECADE))
    buckets = _span(list(counts))
    return SizePlot(
        _bounds(buckets), [round(counts.get(bucket, 0) / sizes.number, 6) for bucket in buckets]
    )


def _from_step(lowest: int, counts: Mapping[int, int]) -> dict[int, int]:
    """The same counts, with all lower steps added to `lowest`."""
    found: dict[int, int] = {}
    for step, count in counts.items():
        found[max(step, lowest)] = found.get(max(step, lowest), 0) + count
    return found


def _span(buckets: list[int]) -> range:
    return range(min(buckets), max(buckets) + 2) if buckets else range(0)


def _bounds(buckets: range) -> list[float]:
    return [_short(10 ** (bucket / _PER_DECADE)) for bucket in buckets]


def _quantile(of: LogHistogram, share: float) -> float | None:
    found = of.quantile(share)
    return None if found is None else _short(found)


def _short(value: float) -> float:
    """Rounded to four digits: more cannot be seen, and would make the page larger."""
    return float(f"{value:.4g}")
