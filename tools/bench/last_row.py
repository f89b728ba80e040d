"""Compares the time of programs to the end of a list with the ideal, in which only waits count."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path

from tools.bench.cases import Case, Server
from tools.bench.figures import Rows, Sample, sample
from tools.bench.jobs import Job
from tools.bench.options import add_limits, positive_int
from tools.bench.processes import Fleet, MeasurementError
from tools.bench.programs import PROGRAMS, measure
from tools.bench.table import number, table


def add_options(parser: argparse.ArgumentParser, runs: int) -> None:
    """The options that such benchmarks share."""
    parser.add_argument(
        "--runs", type=positive_int, default=runs, help="of each program; medians are shown"
    )
    add_limits(parser, 300.0)


def measure_all(
    fleet: Fleet,
    urls: Path,
    case: Case,
    server: Server,
    options: argparse.Namespace,
    settings: Sequence[str],
    *,
    good: int,
    spared: int = 0,
) -> dict[str, list[Job]]:
    """All runs, the programs in turns.

    Raises MeasurementError where more than `spared` of the `good` answers are missing.
    """
    wanted = [name for name in case.programs if name in options.programs]
    jobs: dict[str, list[Job]] = {name: [] for name in wanted if PROGRAMS[name].is_there}
    for _ in range(options.runs):
        for name, done in jobs.items():
            program = PROGRAMS[name]
            job = measure(program, fleet, urls, case, server, options.limit, settings)
            if abs(job.good - good) > spared:
                raise MeasurementError(f"{program.title}: {job.good} good of {good} good answers")
            done.append(job)
    return jobs


def rows_of(jobs: Mapping[str, Sequence[Job]], ideals_s: Mapping[str, float], urls: int) -> Rows:
    """The figures of all runs."""
    return {name: _samples(done, ideals_s[name], urls) for name, done in jobs.items()}


def _samples(done: Sequence[Job], ideal_s: float, urls: int) -> dict[str, Sample]:
    return {
        "wall_s": sample(job.wall_s for job in done),
        "ideal_s": sample([ideal_s]),
        "ideal_share": sample(ideal_s / job.wall_s for job in done),
        "urls_per_s": sample(urls / job.wall_s for job in done),
        "cpu_us": sample(job.cpu_s / urls * 1e6 for job in done),
        "peak_mb": sample(job.peaks.sum_mb() for job in done),
        "good": sample(job.good for job in done),
    }


def show(title: str, rows: Rows) -> None:
    """Print the table."""
    cells: list[list[float | str]] = []
    for name, figures in rows.items():
        wall = figures["wall_s"]
        cells.append(
            [
                PROGRAMS[name].title,
                wall.median,
                f"{number(wall.lowest)} - {number(wall.highest)}",
                figures["ideal_s"].median,
                f"{100 * figures['ideal_share'].median:.0f} %",
                figures["urls_per_s"].median,
                figures["cpu_us"].median,
                figures["peak_mb"].median,
            ]
        )
    head = ("", "s to the end", "lowest - highest", "ideal s", "ideal / it")
    print(table(title, (*head, "URLs/s", "us CPU / URL", "peak MB, all"), cells), flush=True)
