"""How fast the rows of a job become a file of each form, and in how much memory.

The rows are those of `fetcher run` with the null transport. Each form is made by `fetcher export`
as a user starts it; seconds are of the whole command, its start and the file's fsync included. A
merge is of two OUTs: the job, and a retry of all of its lines.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from fetcher.export import forms
from tools.bench.figures import Rows, sample
from tools.bench.jobs import run_null
from tools.bench.lists import write_list
from tools.bench.options import add_limits, positive_int
from tools.bench.processes import Fleet, require_success, timed
from tools.bench.table import Target, show_targets, table

MB_OF_AN_EXPORT = 300


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--runs", type=positive_int, default=3, help="medians are of so many runs")
    parser.add_argument("--rows", type=positive_int, default=1_000_000, help="of the job")
    parser.add_argument("--forms", nargs="+", choices=forms.NAMES, default=list(forms.NAMES))
    add_limits(parser, 600.0)


def run(options: argparse.Namespace) -> dict[str, Rows]:
    """Measure and print; the figures."""
    rows: list[list[float | str]] = []
    kept: Rows = {}
    most = 0.0
    with tempfile.TemporaryDirectory(prefix="bench-", dir=options.dir) as name, Fleet() as fleet:
        directory = Path(name)
        for label, arguments in _cases(fleet, directory, options):
            path = directory / "rows"
            figures = [_once(fleet, path, arguments, options.limit) for _ in range(options.runs)]
            kept[label.replace(",", "").replace(" ", "_")] = {
                "rows_per_s": sample(options.rows / took_s for took_s, _, _ in figures),
                "cpu_us": sample(cpu_s / options.rows * 1e6 for _, _, cpu_s in figures),
                "peak_mb": sample(peak for _, peak, _ in figures),
                "file_bytes": sample([path.stat().st_size / options.rows]),
            }
            took_s = statistics.median(took_s for took_s, _, _ in figures)
            cpu_us = statistics.median(cpu_s for _, _, cpu_s in figures) / options.rows * 1e6
            peak = max(peak for _, peak, _ in figures)
            most = max(most, peak)
            rows.append([label, options.rows / took_s, cpu_us, peak, path.stat().st_size / 1e6])
    title = f"Export of {options.rows:,} rows (medians of {options.runs})"
    print(table(title, ("", "rows/s", "us CPU / row", "peak MB", "file MB"), rows), flush=True)
    show_targets([Target("an export's peak", most, MB_OF_AN_EXPORT, "MB", at_least=False)])
    return {"forms": kept}


def _cases(
    fleet: Fleet, directory: Path, options: argparse.Namespace
) -> Iterator[tuple[str, Sequence[object]]]:
    urls, out, again = (directory / name for name in ("urls.txt", "out", "again"))
    write_list(urls, options.rows)
    run_null(fleet, urls, out, limit_s=options.limit)
    for form in options.forms:
        yield form, (out, "--to", form)
    yield "jsonl, sorted by line", (out, "--to", "jsonl", "--sort", "line")
    command = ("-m", "fetcher", "retry", out, "--status=2xx", "-o", again, "-q", "--workers=1")
    process = fleet.start(*command, "--set=worker.transport=null")
    require_success(fleet.wait(process, options.limit), "fetcher retry")
    yield "jsonl, merged of two", (out, again, "--to", "jsonl")


def _once(
    fleet: Fleet, path: Path, arguments: Sequence[object], limit_s: float
) -> tuple[float, float, float]:
    """Seconds, the peak of memory in MB, and CPU seconds."""
    return timed(fleet, "export", *arguments, "-o", path, "--force", "-q", limit_s=limit_s)
