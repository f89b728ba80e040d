"""How throughput grows with worker processes, where every answer is late.

`fetcher run` against the local site, whose answers take --latency seconds. What is in flight bounds
the rate: processes * pool / latency. That is the ideal next to each figure; the rate is from the
first commit that was seen to the last, without the first and the last answers' wait.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
from pathlib import Path

from tools.bench.figures import Rows, sample
from tools.bench.jobs import Job, run_job
from tools.bench.lists import write_lines
from tools.bench.options import add_limits, positive_float, positive_int
from tools.bench.processes import OWN_SERVERS, Fleet, MeasurementError
from tools.bench.table import spread, table
from tools.site.running import RunningSite


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--processes", type=positive_int, nargs="+", default=[1, 2, 4], metavar="N")
    parser.add_argument(
        "--pool-size", type=positive_int, default=256, help="in flight in each process"
    )
    parser.add_argument(
        "--latency", type=positive_float, default=2.0, help="seconds that an answer takes"
    )
    parser.add_argument(
        "--rounds", type=positive_int, default=20, help="how often each pool is filled"
    )
    parser.add_argument("--runs", type=positive_int, default=3, help="medians are of so many runs")
    add_limits(parser, 300.0)


def run(options: argparse.Namespace) -> dict[str, Rows]:
    """Measure and print; the figures."""
    rows: list[list[float | str]] = []
    kept: Rows = {}
    with (
        tempfile.TemporaryDirectory(prefix="bench-", dir=options.dir) as name,
        Fleet() as fleet,
        RunningSite() as site,
    ):
        for processes in options.processes:
            done = [_once(fleet, site, Path(name), processes, options) for _ in range(options.runs)]
            rate, between = spread([job.rows_per_s for job in done])
            kept[f"processes_{processes}"] = {
                "lines_per_s": sample(job.rows_per_s for job in done),
                "cpu_us": sample(job.cpu_s / job.rows * 1e6 for job in done),
            }
            ideal = processes * options.pool_size / options.latency
            rows.append([f"{processes}", rate, between, ideal, 100 * rate / ideal])
    said = (
        f"Answers {options.latency:g} s late, {options.pool_size:,} in flight in each process, "
        f"median of {options.runs}"
    )
    head = ["worker processes", "lines/s", "lowest - highest", "ideal", "% of it"]
    print(table(said, head, rows), flush=True)
    return {f"pool_{options.pool_size}": kept}


def _once(
    fleet: Fleet, site: RunningSite, directory: Path, processes: int, options: argparse.Namespace
) -> Job:
    count = processes * options.pool_size * options.rounds
    path = f"/latency/{round(options.latency * 1000)}"
    urls = write_lines(
        directory / "urls.txt", (site.url(f"{path}?line={line}") for line in range(count))
    )
    out = directory / "out"
    job = run_job(
        fleet,
        urls,
        out,
        *("-c", OWN_SERVERS),
        *("--workers", processes, "--pool-size", options.pool_size),
        limit_s=options.limit,
    )
    if job.good != count:
        raise MeasurementError(f"{job.good} good rows for {count} lines")
    shutil.rmtree(out)
    return job
