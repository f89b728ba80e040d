"""What politeness costs: the same list with it and without, a new host each.

No request has to wait, as each host gets one: all of the difference is work of the program. With
one worker, that worker has the turns of all hosts; several workers have to ask for them. nginx has
one core, all processes of the program the other. The runs alternate, and each ratio is that of two
runs next to each other.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path
from typing import Final

from tools.bench.cases import CASES, list_of, serving
from tools.bench.figures import Rows, Sample, sample
from tools.bench.jobs import Job
from tools.bench.lists import write_lines
from tools.bench.options import add_limits, positive_float, positive_int
from tools.bench.processes import Fleet, MeasurementError
from tools.bench.programs import POLITE_SETTING, ours
from tools.bench.table import Target, show_targets, table

_CASE: Final = CASES["hosts"]
_LEAST_RATIO: Final = 0.95  # of the rates, polite to impolite
_MANNERS: Final = {"impolite": (), "polite": (POLITE_SETTING,)}

Runs = dict[str, list[Job]]  # by manners


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--workers", type=positive_int, nargs="+", default=[1, 4])
    parser.add_argument("--runs", type=positive_int, default=5, help="of each; medians are shown")
    parser.add_argument(
        "--scale", type=positive_float, default=0.12, help="of the speed list's length"
    )
    add_limits(parser, 600.0)


def run(options: argparse.Namespace) -> dict[str, Rows]:
    """Measure and print; the figures."""
    count = max(1, int(_CASE.count * options.scale))
    with tempfile.TemporaryDirectory(prefix="bench-", dir=options.dir) as name, Fleet() as fleet:
        directory = Path(name)
        with serving(_CASE, directory, fleet) as server:
            urls = write_lines(directory / "urls.txt", list_of(server.url, count))

            def once(workers: int, manners: str) -> Job:
                out, more = directory / "out", _MANNERS[manners]
                job = ours(fleet, urls, out, _CASE, server, options.limit, more, workers=workers)
                if job.good != count:
                    raise MeasurementError(f"{workers} workers: {job.good} good of {count} URLs")
                return job

            done: dict[int, Runs] = {
                w: {manners: [] for manners in _MANNERS} for w in options.workers
            }
            for _ in range(options.runs):
                for workers, runs in done.items():
                    for manners, jobs in runs.items():
                        jobs.append(once(workers, manners))
    rows = {f"{workers}_workers": _figures(count, runs) for workers, runs in done.items()}
    _show(rows, options.runs)
    return {"hosts": rows}


def _figures(count: int, runs: Runs) -> dict[str, Sample]:
    pairs = list(zip(runs["polite"], runs["impolite"], strict=True))
    figures = {
        "rate_ratio": sample(without.wall_s / polite.wall_s for polite, without in pairs),
        "cpu_ratio": sample(without.cpu_s / polite.cpu_s for polite, without in pairs),
    }
    for manners, jobs in runs.items():
        figures[f"{manners}_urls_per_s"] = sample(count / job.wall_s for job in jobs)
        figures[f"{manners}_cpu_us"] = sample(job.cpu_s / count * 1e6 for job in jobs)
    return figures


def _show(rows: Rows, runs: int) -> None:
    names = [f"{manners}_{figure}" for figure in ("urls_per_s", "cpu_us") for manners in _MANNERS]
    names += ["rate_ratio", "cpu_ratio"]
    cells: list[list[float | str]] = [
        [name, *(figures[each].median for each in names)] for name, figures in rows.items()
    ]
    head = (
        "",
        "URLs/s",
        "polite",
        "us CPU / URL",
        "polite",
        "rate, polite / not",
        "CPU, not / polite",
    )
    print(table(f"{_CASE.title}, with politeness and without, median of {runs}", head, cells))
    show_targets(
        [
            Target(
                f"{name}, rate of polite / impolite", each["rate_ratio"].median, _LEAST_RATIO, ""
            )
            for name, each in rows.items()
        ]
    )
