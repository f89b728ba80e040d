"""Measures the cost of storing bodies, and of each form of rows, compared with storing nothing.

Pages of 20 KB over kept connections, all of fetcher on one core and the server on the other. Runs
of all forms alternate. URLs/s are from the start of the command to its end, so start-up is
included; bytes on disk are of the whole OUT, its journal included, and tell little of real pages,
which do not pack so well.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from tools.bench.cases import Case, Server, list_of, serving
from tools.bench.figures import Rows, Sample, sample
from tools.bench.jobs import Job
from tools.bench.lists import write_lines
from tools.bench.options import add_limits, positive_int
from tools.bench.processes import Fleet, MeasurementError
from tools.bench.programs import ours
from tools.bench.table import number, table

_FORMS: Final[dict[str, Sequence[str]]] = {
    "none": (),
    "inline": ("output.bodies=inline",),
    "inline-zstd": ("output.bodies=inline", "output.compression=zstd"),
    "files": ("output.bodies=files",),
    "warc": ("output.bodies=warc",),
    "msgpack": ("output.rows=msgpack",),
    "zstd": ("output.compression=zstd",),
    "handler": ("worker.handler=tools.bench.handler:handler",),
}
# A query of its own makes each page another URL, and all of them one body.
_URL: Final = "http://127.0.0.1:{port}/20000?n={n}"


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--runs", type=positive_int, default=3, help="of each form; medians are shown"
    )
    parser.add_argument("--urls", type=positive_int, default=40_000, help="in each run")
    parser.add_argument("--forms", nargs="+", choices=list(_FORMS), default=list(_FORMS))
    add_limits(parser, 600.0)


def run(options: argparse.Namespace) -> dict[str, Rows]:
    """Measure and print; the figures of each form."""
    case = Case("bodies", "20 KB, keep-alive", _URL, options.urls, 256, ("fetcher",))
    done: dict[str, list[tuple[Job, int]]] = {form: [] for form in options.forms}
    with tempfile.TemporaryDirectory(prefix="bench-", dir=options.dir) as name, Fleet() as fleet:
        directory = Path(name)
        with serving(case, directory, fleet) as server:
            urls = write_lines(directory / "urls.txt", list_of(server.url, options.urls))
            for _ in range(options.runs):
                for form, jobs in done.items():
                    job, size = _once(fleet, urls, case, server, options.limit, _FORMS[form])
                    if job.good != options.urls:
                        raise MeasurementError(f"{form}: {job.good} good of {options.urls} URLs")
                    jobs.append((job, size))
    rows = {form: _samples(jobs, options.urls) for form, jobs in done.items()}
    _show(rows, options)
    return {"forms": rows}


def _once(
    fleet: Fleet, urls: Path, case: Case, server: Server, limit_s: float, settings: Sequence[str]
) -> tuple[Job, int]:
    """One run, and the bytes that it left."""
    sizes: list[int] = []

    def look(out: Path) -> None:
        sizes.append(_bytes_in(out))

    job = ours(fleet, urls, urls.with_name("out"), case, server, limit_s, settings, look)
    return job, sum(sizes)


def _bytes_in(directory: Path) -> int:
    return sum(path.stat().st_size for path in directory.rglob("*") if path.is_file())


def _samples(jobs: Sequence[tuple[Job, int]], urls: int) -> dict[str, Sample]:
    return {
        "urls_per_s": sample(urls / job.wall_s for job, _ in jobs),
        "cpu_us": sample(job.cpu_s / urls * 1e6 for job, _ in jobs),
        "out_bytes": sample(size / urls for _, size in jobs),
    }


def _show(forms: Rows, options: argparse.Namespace) -> None:
    first = next(iter(forms))
    plain = forms[first]["urls_per_s"].median
    rows: list[list[float | str]] = []
    for form, figures in forms.items():
        rate = figures["urls_per_s"]
        rows.append(
            [
                form,
                rate.median,
                f"{number(rate.lowest)} - {number(rate.highest)}",
                f"x {rate.median / plain:.2f}",
                figures["cpu_us"].median,
                figures["out_bytes"].median,
            ]
        )
    head = ("", "URLs/s", "lowest - highest", f"of {first}", "us CPU / URL", "bytes / URL")
    title = f"{options.urls:,} pages of 20 KB, keep-alive (medians of {options.runs})"
    print(table(title, head, rows), flush=True)
