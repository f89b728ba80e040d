"""Compares `fetcher run` with other programs, one process each, on the same lists.

The server has one core; the client (all processes of it) the other. The programs' runs alternate.
Wall time counts from the start of a command to its end, so start-up is included. fetcher's rows are
then committed; the others keep nothing, except where the first table says so. Slow programs get
shorter lists; those that are not installed are left out. CPU and memory are of all processes of a
program together; pages that processes share count for each. On nginx where it is installed (see
tools.bench.web), else on the local site.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from tools.bench.cases import CASES, Case, list_of, measurable, serving
from tools.bench.figures import Rows, Sample, sample
from tools.bench.jobs import Job
from tools.bench.lists import write_lines
from tools.bench.options import add_choice, add_limits, positive_float, positive_int
from tools.bench.processes import Fleet, MeasurementError, cores
from tools.bench.programs import OURS, PROGRAMS, Program, measure
from tools.bench.table import Target, number, show_targets, table

_PEERS = [name for name in PROGRAMS if name not in OURS]


def add_options(parser: argparse.ArgumentParser) -> None:
    add_choice(parser, "cases", CASES)
    parser.add_argument(
        "--runs", type=positive_int, default=5, help="of each program; medians are shown"
    )
    parser.add_argument("--scale", type=positive_float, default=1.0, help="of the lists' lengths")
    parser.add_argument("--peers", nargs="*", choices=_PEERS, default=_PEERS)
    parser.add_argument("--set", action="append", default=[], help="a setting for fetcher")
    add_limits(parser, 600.0)


def run(options: argparse.Namespace) -> dict[str, Rows]:
    """Measure and print; the figures of each case."""
    names = options.cases or list(CASES)
    server_core, client_core = cores()
    print(f"server on core {server_core}, clients on core {client_core}")
    print(work_table(list(PROGRAMS.values())), flush=True)
    targets: list[Target] = []
    tables: dict[str, Rows] = {}
    for name, case in measurable(names):
        jobs = measure_case(case, [*OURS, *options.peers], options)
        tables[name] = {program: _samples(case, done) for program, done in jobs.items()}
        _show(case, tables[name])
        targets += _targets(case, tables[name])
    show_targets(targets)
    return tables


def work_table(programs: Sequence[Program]) -> str:
    """Who does which work for each URL."""
    head = ("", "looks names up", "verifies certificates", "limits for a host", "keeps")
    rows = [[each.title, each.names, each.verifies, each.limits, each.keeps] for each in programs]
    return table("The work that each program does", head, rows, left=True)


def measure_case(
    case: Case, names: Sequence[str], options: argparse.Namespace
) -> dict[str, list[tuple[int, Job]]]:
    """For each of these programs that is installed, all runs, with their lists' lengths."""
    programs = installed(case, names)
    jobs: dict[str, list[tuple[int, Job]]] = {program.name: [] for program in programs}
    with tempfile.TemporaryDirectory(prefix="bench-", dir=options.dir) as name, Fleet() as fleet:
        directory = Path(name)
        with serving(case, directory, fleet) as server:
            for _ in range(options.runs):
                for program in programs:
                    count = max(1, int(case.count * options.scale * program.share))
                    urls = write_lines(directory / "urls.txt", list_of(server.url, count))
                    job = measure(program, fleet, urls, case, server, options.limit, options.set)
                    if job.good != count and case.name != "demo":
                        raise MeasurementError(f"{program.title}: {job.good} good of {count} URLs")
                    jobs[program.name].append((count, job))
    return jobs


def installed(case: Case, names: Sequence[str]) -> list[Program]:
    """Those of the case's programs that are named and installed; says which are left out."""
    wanted = [PROGRAMS[name] for name in case.programs if name in names]
    for program in wanted:
        if not program.is_there:
            print(f"\n{case.title}: {program.title} is left out, as it is not installed")
    return [program for program in wanted if program.is_there]


def _samples(case: Case, done: Sequence[tuple[int, Job]]) -> dict[str, Sample]:
    def each(of: Callable[[int, Job], float]) -> Sample:
        return sample(of(count, job) for count, job in done)

    figures = {
        "urls_per_s": each(lambda count, job: count / job.wall_s),
        "cpu_us": each(lambda count, job: job.cpu_s / count * 1e6),
        "peak_mb": each(lambda _, job: job.peaks.sum_mb()),
        "urls": each(lambda count, _: count),
    }
    if any(job.first_commit_s is not None for _, job in done):
        # From the first request, which came so long before the first commit.
        late_s = (case.latency_ms or 0) / 1000
        steady = each(lambda _, job: job.good / (job.committing_s + late_s or job.wall_s))
        figures |= {"steady_urls_per_s": steady, "worker_mb": each(lambda _, job: _worker_mb(job))}
    return figures


def _worker_mb(job: Job) -> float:
    return job.peaks.mb("worker")


def _show(case: Case, rows: Rows) -> None:
    ours = rows["fetcher"]["urls_per_s"].median
    cells: list[list[float | str]] = []
    for name, figures in rows.items():
        rate = figures["urls_per_s"]
        cells.append(
            [
                PROGRAMS[name].title,
                rate.median,
                f"{number(rate.lowest)} - {number(rate.highest)}",
                f"x {ours / rate.median:.2f}",
                figures["cpu_us"].median,
                figures["peak_mb"].median,
            ]
        )
    server = "the local site" if case.on_site else "nginx"
    runs = rows["fetcher"]["urls_per_s"].runs
    title = f"{case.title}: {server}, pool of {case.pool:,}, median of {runs}"
    head = ("", "URLs/s", "lowest - highest", "fetcher / it", "us CPU / URL", "peak MB, all")
    print(table(title, head, cells), flush=True)


def _targets(case: Case, rows: Rows) -> list[Target]:
    targets = []
    ours = rows["fetcher"]
    if case.rate:
        rate = ours["steady_urls_per_s" if case.latency_ms else "urls_per_s"].median
        targets.append(Target(case.title, rate, case.rate, "URLs/s"))
    for peer, ratio in case.at_least.items():
        if peer in rows:
            what = f"{case.title}, fetcher / {PROGRAMS[peer].title}"
            times = ours["urls_per_s"].median / rows[peer]["urls_per_s"].median
            targets.append(Target(what, times, ratio, "times"))
    if case.peak_mb:
        what = f"{case.title}, the worker's memory"
        peak_mb = ours["worker_mb"].median
        targets.append(Target(what, peak_mb, case.peak_mb, "MB", at_least=False))
    return targets
