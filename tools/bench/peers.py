"""The whole of `fetcher run` against the program that articles teach (tools.bench.article).

Both fetch the same lists from the local site with the same number of processes and the same pool
size; the site has one core, the clients (all of their processes) the other. Their runs alternate.
Wall time counts from the start of the command to its end, so start-up is included; fetcher's rows
are then committed, the article's are merely written. CPU and memory are of all processes of a
program together; pages that processes share count for each. The article's batches are several
pools long, which favours it, as it waits for the last URL of each. The late site gets a larger
pool: with a small one, both can only wait.
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tools.bench.jobs import Job, run_job
from tools.bench.lists import write_lines
from tools.bench.processes import Fleet, Peaks, children_cpu_s, cores, pin, require_success
from tools.bench.table import number, table
from tools.site.running import RunningSite


@dataclass(frozen=True)
class Load:
    """What is fetched in one comparison."""

    title: str
    path: str
    count: int
    pool_size: int
    latency_ms: float = 0


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--runs", type=int, default=3, help="of each program; medians are shown")
    parser.add_argument("--bytes", type=int, default=20_000, help="URLs of 1,000 bytes; 0: none")
    parser.add_argument("--pages", type=int, default=10_000, help="URLs of the demo's mix; 0: none")
    parser.add_argument("--slow", type=int, default=6000, help="URLs of the late site; 0: none")
    parser.add_argument("--latency-ms", type=float, default=2000, help="of the late site")
    parser.add_argument("--processes", type=int, default=1, help="worker processes of each program")
    parser.add_argument("--pool-size", type=int, default=256, help="of each worker process")
    parser.add_argument("--slow-pool-size", type=int, default=2000, help="for the late site")
    parser.add_argument(
        "--article-pools", type=int, default=4, help="the article's batch, in pools"
    )
    parser.add_argument("--set", action="append", default=[], help="a setting for fetcher")
    parser.add_argument("--limit", type=float, default=600.0, help="seconds that a run may take")
    parser.add_argument("--dir", type=Path, default=None, help="where the temporary files go")


def run(options: argparse.Namespace) -> None:
    """Measure and print."""
    pool, large_pool = options.pool_size, options.slow_pool_size
    late = f"{options.latency_ms:g} ms late"
    loads = [
        Load("1,000 bytes each", "/bytes/1000?n={}", options.bytes, pool),
        Load("the demo's pages", "/page/{}", options.pages, pool),
        Load(late, "/bytes/1000?n={}", options.slow, large_pool, options.latency_ms),
    ]
    site_core, client_core = cores()
    print(
        f"site on core {site_core}, clients on core {client_core}; {options.processes} worker "
        f"process(es); the article's batches: {options.article_pools} pools"
    )
    for load in loads:
        if load.count:
            _compare(load, options)


def _compare(load: Load, options: argparse.Namespace) -> None:
    programs = {"fetcher": _fetcher, "article": _article}
    jobs: dict[str, list[Job]] = {name: [] for name in programs}
    with (
        tempfile.TemporaryDirectory(prefix="bench-", dir=options.dir) as name,
        RunningSite(latency_ms=load.latency_ms) as site,
        Fleet() as fleet,
    ):
        pin(cores()[0], site.pid)
        directory = Path(name)
        paths = (load.path.format(number) for number in range(load.count))
        urls = write_lines(directory / "urls.txt", map(site.url, paths))
        for _ in range(options.runs):
            for program, fetch in programs.items():
                job = fetch(fleet, urls, directory / "out", load.pool_size, options)
                if job.rows != load.count:
                    raise RuntimeError(f"{program}: {job.rows} rows for {load.count} lines")
                jobs[program].append(job)
    rows = [_row(program, runs, load.count) for program, runs in jobs.items()]
    ratio = [_ratio(rows[0][column], rows[1][column]) for column in (1, 3, 4)]
    rows.append(["fetcher / article", ratio[0], "", ratio[1], ratio[2]])
    title = f"{load.title}: {load.count:,} URLs, pool of {load.pool_size}, median of {options.runs}"
    head = ("", "URLs/s", "lowest - highest", "CPU s / 1000 URLs", "peak MB, all processes")
    print(table(title, head, rows), flush=True)


def _row(program: str, jobs: list[Job], count: int) -> list[float | str]:
    def median(of: Callable[[Job], float]) -> float:
        return statistics.median(map(of, jobs))

    rates = [count / job.wall_s for job in jobs]
    return [
        program,
        median(lambda job: count / job.wall_s),
        f"{number(min(rates))} - {number(max(rates))}",
        median(lambda job: job.cpu_s / count * 1000),
        median(lambda job: job.peaks.sum_mb()),
    ]


def _ratio(ours: float | str, theirs: float | str) -> str:
    assert isinstance(ours, float)
    assert isinstance(theirs, float)
    return f"x {ours / theirs:.2f}"


def _fetcher(fleet: Fleet, urls: Path, out: Path, pool: int, options: argparse.Namespace) -> Job:
    settings = [word for assignment in options.set for word in ("--set", assignment)]
    try:
        return run_job(
            fleet,
            urls,
            out,
            *("--workers", options.processes, "--pool-size", pool, *settings),
            limit_s=options.limit,
            core=cores()[1],
        )
    finally:
        shutil.rmtree(out, ignore_errors=True)


def _article(fleet: Fleet, urls: Path, out: Path, pool: int, options: argparse.Namespace) -> Job:
    file = out.with_suffix(".jsonl")
    peaks = Peaks()
    cpu_before = children_cpu_s()
    began = time.monotonic()
    process = fleet.start(
        *("-m", "tools.bench.article", urls, file, "--processes", options.processes),
        *("--pool-size", pool, "--batch-size", options.article_pools * pool),
        core=cores()[1],
    )
    require_success(fleet.wait(process, options.limit, peaks=peaks), "the article's program")
    wall_s = time.monotonic() - began
    with file.open("rb") as lines:
        rows = sum(1 for _ in lines)
    return Job(wall_s=wall_s, cpu_s=children_cpu_s() - cpu_before, rows=rows, peaks=peaks)
