"""Peak memory of each role, and the time to the first batch, by the length of the list.

`fetcher run` with one worker and the null transport. Memory is the kernel's own record of each
process's peak (VmHWM). The first batch has reached a worker when its transport is first asked to
fetch (it writes that down); the first row is committed when the journal says so. Both are counted
from the start of the command. With --resume the longest list is also run to the half, interrupted,
resumed to its end, and resumed once more when there is nothing left to do.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
from pathlib import Path

from tools.bench.figures import Rows, Sample, sample
from tools.bench.jobs import Job, run_null
from tools.bench.lists import write_list
from tools.bench.options import add_limits, positive_int
from tools.bench.processes import Fleet
from tools.bench.table import Target, number, show_targets, table

MB_OF_A_ROLE = 100
FIRST_BATCH_S = 2
_ROLES = ("ventilator", "sink", "worker", "parent")


def add_options(parser: argparse.ArgumentParser) -> None:
    sizes = [10_000, 1_000_000, 10_000_000]
    parser.add_argument("--sizes", type=positive_int, nargs="+", default=sizes, metavar="LINES")
    parser.add_argument(
        "--batch-size", type=positive_int, default=200, help="lines handed out at a time"
    )
    parser.add_argument(
        "--resume", action=argparse.BooleanOptionalAction, default=True, help="see above"
    )
    add_limits(parser, 1800.0)


def run(options: argparse.Namespace) -> dict[str, Rows]:
    """Measure and print; the figures."""
    jobs: dict[str, Job] = {}
    with tempfile.TemporaryDirectory(prefix="bench-", dir=options.dir) as name, Fleet() as fleet:
        directory = Path(name)
        for size in sorted(options.sizes):
            urls = write_list(directory / "urls.txt", size)
            out = directory / "out"
            jobs[f"{size:,} lines"] = _run(fleet, urls, out, options)
            shutil.rmtree(out)
        if options.resume:
            _resume(fleet, urls, out, options, size, jobs)
    print(table("Peak memory (MB) and seconds from the start", _HEAD, _rows(jobs)), flush=True)
    show_targets(_targets(jobs))
    return {"jobs": {_key(name): _samples(job) for name, job in jobs.items()}}


def _key(name: str) -> str:
    return name.replace(",", "").replace(" ", "_")


def _samples(job: Job) -> dict[str, Sample]:
    figures = {f"{role}_mb": job.peaks.mb(role) for role in _ROLES}
    figures |= {"wall_s": job.wall_s, "first_batch_s": job.first_fetch_s or 0.0}
    return {name: sample([value]) for name, value in figures.items()}


def _run(
    fleet: Fleet, urls: Path, out: Path, options: argparse.Namespace, stop_at: int | None = None
) -> Job:
    size = ("--batch-size", options.batch_size)
    return run_null(fleet, urls, out, *size, limit_s=options.limit, stop_at=stop_at)


def _resume(
    fleet: Fleet,
    urls: Path,
    out: Path,
    options: argparse.Namespace,
    size: int,
    jobs: dict[str, Job],
) -> None:
    jobs[f"{size:,}, interrupted at the half"] = _run(fleet, urls, out, options, size // 2)
    jobs[f"{size:,}, the half resumed"] = _run(fleet, urls, out, options)
    jobs[f"{size:,}, complete, run again"] = _run(fleet, urls, out, options)


_HEAD = ("", *_ROLES, "first batch s", "first commit s", "wall s", "lines/s, commits")


def _rows(jobs: dict[str, Job]) -> list[list[float | str]]:
    return [
        [
            name,
            *(job.peaks.mb(role) for role in _ROLES),
            _seconds(job.first_fetch_s),
            _seconds(job.first_commit_s),
            job.wall_s,
            job.rows_per_s,
        ]
        for name, job in jobs.items()
    ]


def _seconds(value: float | None) -> str:
    return "-" if value is None else number(value)


def _targets(jobs: dict[str, Job]) -> list[Target]:
    targets = [
        Target(
            f"the {role}'s peak, any run",
            max(job.peaks.mb(role) for job in jobs.values()),
            MB_OF_A_ROLE,
            "MB",
            at_least=False,
        )
        for role in ("ventilator", "sink")
    ]
    # A resumed job first reads what is done already: shown in the table, but no target of its own.
    late = max(job.first_fetch_s or 0.0 for job in jobs.values() if not job.resumed)
    targets.append(Target("the first batch, new jobs", late, FIRST_BATCH_S, "s", at_least=False))
    return targets
