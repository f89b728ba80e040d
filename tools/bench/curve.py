"""What keys cost: the same job over TCP on loopback, without them and with them, in turns.

First the sink alone, on a core of its own, fed with chunks that were made beforehand. Then
ventilator, sink and one worker process with the null transport, each started by its own command:
the rate is from the first commit that was seen to the last; all roles share all cores.
"""

from __future__ import annotations

import argparse
import contextlib
import shutil
import tempfile
import time
from pathlib import Path

from fetcher.security import keygen
from fetcher.settings.schema import Settings
from tools.bench.alone import Figure, rows_of, sink_alone
from tools.bench.figures import Rows, sample
from tools.bench.jobs import CommitWatch, Job
from tools.bench.lists import write_list
from tools.bench.options import add_limits, positive_int
from tools.bench.processes import Fleet, MeasurementError, children_cpu_s, require_success
from tools.bench.table import spread, table
from tools.ports import free_ports

_PORTS = 5
_WORKER = "bench"


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--runs", type=positive_int, default=5, help="medians are of so many runs")
    parser.add_argument(
        "--sink-rows", type=positive_int, default=400_000, help="rows for the sink alone"
    )
    parser.add_argument("--lines", type=positive_int, default=1_000_000, help="lines of the job")
    add_limits(parser, 300.0)


def run(options: argparse.Namespace) -> dict[str, Rows]:
    """Measure and print; the figures."""
    with tempfile.TemporaryDirectory(prefix="bench-", dir=options.dir) as name:
        directory = Path(name)
        urls = write_list(directory / "urls.txt", options.lines)
        keygen.init(directory / "keys", (_WORKER,))
        sinks = _sinks(options, directory)
        jobs: dict[str, list[Job]] = {"without keys": [], "with keys": []}
        for _ in range(options.runs):
            for title, done in jobs.items():
                keys = directory / "keys" if title == "with keys" else None
                done.append(_once(urls, directory / "out", keys, options.limit))
                if done[-1].rows != options.lines:
                    raise MeasurementError(f"{done[-1].rows} rows for {options.lines} lines")
                shutil.rmtree(directory / "out")
    rows: list[list[float | str]] = []
    for title, done in jobs.items():
        rate, between = spread([job.rows_per_s for job in done])
        cpu_us = spread([job.cpu_s / options.lines * 1e6 for job in done])[0]
        rows.append([title, rate, between, cpu_us])
    head = ["", "lines/s", "lowest - highest", "us CPU/line, all roles"]
    said = f"Three roles over TCP, {options.lines:,} lines, median of {options.runs}"
    print(table(said, head, rows), flush=True)
    roles = {
        _key(title): {
            "lines_per_s": sample(job.rows_per_s for job in done),
            "cpu_us": sample(job.cpu_s / options.lines * 1e6 for job in done),
        }
        for title, done in jobs.items()
    }
    return {"sink": sinks, "roles": roles}


def _key(title: str) -> str:
    return title.replace(" ", "_")


def _sinks(options: argparse.Namespace, directory: Path) -> Rows:
    figures: dict[str, list[Figure]] = {"without keys": [], "with keys": []}
    settings, out = Settings(), directory / "out"
    for _ in range(options.runs):
        for title, done in figures.items():
            figure = sink_alone(
                *(out, settings, options.sink_rows, settings.job.batch_size, options.limit),
                sink=f"tcp://127.0.0.1:{free_ports(_PORTS)}",
                folder=directory / "keys" if title == "with keys" else None,
            )
            done.append(figure)
            shutil.rmtree(out)
    rows: list[list[float | str]] = []
    for title, done in figures.items():
        rate, between = spread([figure.rows_per_s for figure in done])
        rows.append([title, rate, between, spread([figure.role_us for figure in done])[0]])
    head = ["", "rows/s", "lowest - highest", "us CPU/row, sink"]
    print(table(f"One sink alone over TCP, median of {options.runs}", head, rows), flush=True)
    return {_key(title): rows_of(done) for title, done in figures.items()}


def _once(urls: Path, out: Path, keys: Path | None, limit_s: float) -> Job:
    base = free_ports(_PORTS)
    where = (
        *("--ventilator", f"tcp://127.0.0.1:{base}", "--sink", f"tcp://127.0.0.1:{base + 3}"),
        *("--set", "worker.transport=null"),
    )

    def under(folder: str) -> tuple[object, ...]:
        return (*where, "--keys", keys / folder) if keys is not None else where

    job, watch = Job(), CommitWatch(out)
    cpu_before = children_cpu_s()
    with Fleet() as fleet, contextlib.closing(watch):
        sink = fleet.start("-m", "fetcher", "sink", "-o", out, *under("sink"))
        ventilator = fleet.start("-m", "fetcher", "ventilator", urls, *under("ventilator"))
        worker = fleet.start(
            *("-m", "fetcher", "worker", "--processes", 1, "--quiet"),
            *under(f"workers/{_WORKER}"),
        )

        def look() -> None:
            rows = watch.totals().rows
            if rows > job.rows:
                now = time.monotonic()
                if job.first_commit_s is None:
                    job.first_commit_s, job.first_rows = now, rows
                job.rows, job.last_commit_s = rows, now

        require_success(fleet.wait(sink, limit_s, look), "fetcher sink")
        look()
        require_success(fleet.wait(ventilator, limit_s), "fetcher ventilator")
        require_success(fleet.wait(worker, limit_s), "fetcher worker")
    job.cpu_s = children_cpu_s() - cpu_before
    return job
