"""How many workers one ventilator and one sink bear: thousands of simulated ones, two real roles.

Two measurements for each number of workers. At rest, all workers have lines and only send their
heartbeats: what that costs. At full speed, rows follow at once: what a line costs, and how many a
second there were here, where the ventilator has one core, and the sink and the simulated workers
share the other. With a core each, a role takes up to a million divided by its microseconds a line.
"""

from __future__ import annotations

import argparse
import contextlib
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

from tools.bench.figures import Rows, sample
from tools.bench.jobs import CommitWatch
from tools.bench.lists import write_list
from tools.bench.options import add_folder, positive_float, positive_int
from tools.bench.processes import Fleet, MeasurementError, cores, cpu_s, peak_bytes
from tools.bench.table import table
from tools.ports import free_ports

_REST_S: Final = 3600.0  # longer than any measurement
_A_PROCESS: Final = 500  # simulated workers in a process, for the limit of open files


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--workers", type=positive_int, nargs="+", default=[10, 100, 500, 1000, 2000]
    )
    parser.add_argument("--seconds", type=positive_float, default=15.0, help="of each measurement")
    parser.add_argument("--lines", type=positive_int, default=3_000_000, help="in the list")
    parser.add_argument(
        "--limit", type=positive_float, default=120.0, help="seconds until all have lines"
    )
    add_folder(parser)


class Load(NamedTuple):
    """The CPU seconds of a role a second, and its peak memory."""

    cpu: float
    mb: float


class Measured(NamedTuple):
    """One run: rows a second, and the two roles."""

    rows_per_s: float
    ventilator: Load
    sink: Load

    def line_us(self, role: Load) -> float:
        return role.cpu / self.rows_per_s * 1e6 if self.rows_per_s else 0.0


def run(options: argparse.Namespace) -> dict[str, Rows]:
    """Measure and print; the figures."""
    rows: list[list[float | str]] = []
    kept: Rows = {}
    with tempfile.TemporaryDirectory(prefix="bench-", dir=options.dir) as name, Fleet() as fleet:
        urls = write_list(Path(name) / "urls.txt", options.lines)
        for workers in options.workers:
            rest = _once(fleet, urls, Path(name) / f"rest{workers}", workers, _REST_S, options)
            full = _once(fleet, urls, Path(name) / f"full{workers}", workers, 0.0, options)
            kept[f"workers_{workers}"] = {
                "rest_ventilator_cpu_percent": sample([rest.ventilator.cpu * 100]),
                "rest_sink_cpu_percent": sample([rest.sink.cpu * 100]),
                "lines_per_s": sample([full.rows_per_s]),
                "ventilator_us": sample([full.line_us(full.ventilator)]),
                "sink_us": sample([full.line_us(full.sink)]),
                "ventilator_mb": sample([max(rest.ventilator.mb, full.ventilator.mb)]),
                "sink_mb": sample([max(rest.sink.mb, full.sink.mb)]),
            }
            rows.append(
                [str(workers), *(each.median for each in kept[f"workers_{workers}"].values())]
            )
    head = ["workers", "rest: vent. CPU %", "sink CPU %", "full: lines/s", "vent. us/line"]
    head += ["sink us/line", "vent. MB", "sink MB"]
    print(table("Simulated workers at one ventilator and one sink", head, rows), flush=True)
    return {"crowd": kept}


def _once(
    fleet: Fleet, urls: Path, out: Path, workers: int, hold_s: float, options: argparse.Namespace
) -> Measured:
    base = free_ports(5)
    ventilator, sink = f"tcp://127.0.0.1:{base}", f"tcp://127.0.0.1:{base + 3}"
    first, second = cores()
    meet = ("--ventilator", ventilator, "--sink", sink, "--quiet")
    roles = [
        fleet.start("-m", "fetcher", "sink", "-o", out, *meet, core=second),
        fleet.start("-m", "fetcher", "ventilator", urls, *meet, core=first),
    ]
    with _crowd(fleet, ventilator, sink, workers, hold_s, second):
        watch = CommitWatch(out)
        _wait_for_lines(roles, workers, hold_s, watch, options)
        before, began = [cpu_s(role.pid) for role in roles], time.monotonic()
        rows = watch.totals().rows
        time.sleep(options.seconds)
        took_s = time.monotonic() - began
        loads = [
            Load((cpu_s(role.pid) - earlier) / took_s, peak_bytes(role.pid) / 1e6)
            for role, earlier in zip(roles, before, strict=True)
        ]
        done = watch.totals().rows - rows
    for role in reversed(roles):
        fleet.end(role)
    return Measured(done / took_s, ventilator=loads[1], sink=loads[0])


@contextlib.contextmanager
def _crowd(
    fleet: Fleet, ventilator: str, sink: str, workers: int, hold_s: float, core: int
) -> Iterator[None]:
    """The simulated workers, in processes of a few hundred."""
    started = [
        fleet.start(
            *("-m", "tools.bench.crowd_main", ventilator, sink, first),
            *(min(_A_PROCESS, workers - first), hold_s),
            core=core,
            piped=True,
        )
        for first in range(0, workers, _A_PROCESS)
    ]
    try:
        yield
    finally:
        for process in started:
            fleet.end(process)


def _wait_for_lines(
    roles: list[subprocess.Popen[bytes]],
    workers: int,
    hold_s: float,
    watch: CommitWatch,
    options: argparse.Namespace,
) -> None:
    """Wait until rows come, or at rest until the ventilator has no more to do than at rest."""
    until = time.monotonic() + options.limit
    pause_s = min(options.seconds, 2.0)
    at_rest_s = pause_s * (0.2 + workers / 2000)  # of CPU; generous
    ventilator = roles[1].pid
    while hold_s == 0.0 and not watch.totals().rows:
        _require_living(roles, until)
        time.sleep(0.1)
    settled = 0
    before = cpu_s(ventilator)
    while settled < 3 and hold_s:
        time.sleep(pause_s)
        _require_living(roles, until)
        now = cpu_s(ventilator)
        settled = settled + 1 if now - before < at_rest_s else 0
        before = now


def _require_living(roles: list[subprocess.Popen[bytes]], until: float) -> None:
    for role in roles:
        if role.poll() is not None:
            raise MeasurementError(f"{role.args!r} ended with exit code {role.returncode}")
    if time.monotonic() > until:
        raise TimeoutError("the workers did not get their lines in time")
