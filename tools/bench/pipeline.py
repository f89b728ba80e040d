"""How fast lines go through when fetching costs nothing: sink, worker, and the whole flow.

The null transport stands in for the network. The sink alone is fed chunks that were made
beforehand; the worker alone gets batches and its rows are only counted; each has a core of its own
and its peer the other. The whole is `fetcher run` with one worker, not pinned; its rate is given
over the wall time, start and end included, and from the first commit to the last.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from fetcher.settings.schema import Settings, Worker
from tools.bench.alone import Figure, rows_of, sink_alone, worker_alone
from tools.bench.figures import Rows, sample
from tools.bench.jobs import Job, run_null
from tools.bench.lists import write_list
from tools.bench.options import add_limits, positive_int
from tools.bench.processes import Fleet, MeasurementError, cores, pinned
from tools.bench.table import Target, show_targets, spread, table

SINK_ROWS_PER_S = 100_000
WORKER_ROWS_PER_S = 50_000


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--runs", type=positive_int, default=5, help="medians are of so many runs")
    parser.add_argument(
        "--sink-rows", type=positive_int, default=400_000, help="rows for the sink alone"
    )
    parser.add_argument(
        "--worker-lines", type=positive_int, default=300_000, help="for the worker alone"
    )
    parser.add_argument("--lines", type=positive_int, default=1_000_000, help="lines for the whole")
    parser.add_argument(
        "--batch-sizes", type=positive_int, nargs="+", default=[200, 500], metavar="N"
    )
    parser.add_argument("--only", nargs="+", choices=_PARTS, default=list(_PARTS))
    add_limits(parser, 300.0)


def run(options: argparse.Namespace) -> dict[str, Rows]:
    """Measure and print; the figures."""
    targets: list[Target] = []
    tables: dict[str, Rows] = {}
    with tempfile.TemporaryDirectory(prefix="bench-", dir=options.dir) as name:
        for part in options.only:
            tables[part] = _PARTS[part](options, Path(name), targets)
    show_targets(targets)
    return tables


def _repeat(runs: int, directory: Path, once: Callable[[Path], Figure]) -> list[Figure]:
    out = directory / "out"
    figures = []
    for _ in range(runs):
        figures.append(once(out))
        shutil.rmtree(out, ignore_errors=True)
    return figures


def _sink(options: argparse.Namespace, directory: Path, targets: list[Target]) -> Rows:
    def once(size: int, out: Path) -> Figure:
        return sink_alone(out, Settings(), options.sink_rows, size, options.limit)

    return _alone("sink", SINK_ROWS_PER_S, options, directory, targets, once)


def _worker(options: argparse.Namespace, directory: Path, targets: list[Target]) -> Rows:
    settings = Settings(worker=Worker(transport="null"))

    def once(size: int, _out: Path) -> Figure:
        return worker_alone(settings, options.worker_lines, size, options.limit)

    with pinned(cores()[1]):
        return _alone("worker", WORKER_ROWS_PER_S, options, directory, targets, once)


def _alone(
    role: str,
    bound: float,
    options: argparse.Namespace,
    directory: Path,
    targets: list[Target],
    once: Callable[[int, Path], Figure],
) -> Rows:
    rows: list[list[float | str]] = []
    kept: Rows = {}
    for size in options.batch_sizes:

        def of_this_size(out: Path, size: int = size) -> Figure:
            return once(size, out)

        figures = _repeat(options.runs, directory, of_this_size)
        kept[f"batches_of_{size}"] = rows_of(figures)
        rate, between = spread([figure.rows_per_s for figure in figures])
        role_us = spread([figure.role_us for figure in figures])[0]
        peer_us = spread([figure.peer_us for figure in figures])[0]
        rows.append([f"batches of {size}", rate, between, role_us, peer_us])
        targets.append(Target(f"the {role} alone, batches of {size}", rate, bound, "rows/s"))
    head = ["", "rows/s", "lowest - highest", f"us CPU/row, {role}", "its peer"]
    print(table(f"One {role} process alone, median of {options.runs}", head, rows), flush=True)
    return kept


def _whole(options: argparse.Namespace, directory: Path, _targets: list[Target]) -> Rows:
    urls = write_list(directory / "urls.txt", options.lines)
    rows: list[list[float | str]] = []
    kept: Rows = {}
    with Fleet() as fleet:
        for size in options.batch_sizes:
            jobs: list[Job] = []
            for _ in range(options.runs):
                out = directory / "out"
                jobs.append(run_null(fleet, urls, out, "--batch-size", size, limit_s=options.limit))
                _check(jobs[-1].rows, options.lines)
                shutil.rmtree(out)
            kept[f"batches_of_{size}"] = {
                "lines_per_s": sample(options.lines / job.wall_s for job in jobs),
                "steady_lines_per_s": sample(job.rows_per_s for job in jobs),
                "cpu_us": sample(job.cpu_s / options.lines * 1e6 for job in jobs),
            }
            wall, between = spread([options.lines / job.wall_s for job in jobs])
            commits = spread([job.rows_per_s for job in jobs])[0]
            cpu_us = spread([job.cpu_s / options.lines * 1e6 for job in jobs])[0]
            rows.append([f"batches of {size}", wall, between, commits, cpu_us])
    title = f"fetcher run, 1 worker, {options.lines:,} lines, median of {options.runs}"
    head = ["", "lines/s, wall", "lowest - highest", "commit to commit", "us CPU/line, all roles"]
    print(table(title, head, rows), flush=True)
    return kept


def _check(rows: int, lines: int) -> None:
    if rows != lines:
        raise MeasurementError(f"{rows} rows for {lines} lines")


_PARTS = {"sink": _sink, "worker": _worker, "whole": _whole}
