"""Measures the cost of storing bodies, and of each form of rows, compared with storing nothing.

Pages of 20 KB over kept connections, all of fetcher on one core and the server on the other. Runs
of all forms alternate. URLs/s are from the start of the command to its end, so start-up is
included; bytes on disk are of the whole OUT, its journal included, and tell little of real pages,
which do not pack so well.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from tools.bench.jobs import Job
from tools.bench.lists import write_lines
from tools.bench.processes import Fleet
from tools.bench.speed import Case, Server, list_of, ours, serving
from tools.bench.table import number, table

_FORMS: Final[dict[str, Sequence[str]]] = {
    "none": (),
    "inline": ("output.bodies=inline",),
    "inline-zstd": ("output.bodies=inline", "output.compression=zstd"),
    "files": ("output.bodies=files",),
    "warc": ("output.bodies=warc",),
    "msgpack": ("output.rows=msgpack",),
    "zstd": ("output.compression=zstd",),
    "handler": ("worker.handler=tools.bench.bodies:handler",),
}
# A query of its own makes each page another URL, and all of them one body.
_URL: Final = "http://127.0.0.1:{port}/20000?n={n}"


def handler(page: object) -> dict[str, int]:
    """The least that one can do."""
    return {"answer": 42}


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--runs", type=int, default=3, help="of each form; medians are shown")
    parser.add_argument("--urls", type=int, default=40_000, help="in each run")
    parser.add_argument("--forms", nargs="+", choices=list(_FORMS), default=list(_FORMS))
    parser.add_argument("--limit", type=float, default=600.0, help="seconds that a run may take")
    parser.add_argument("--dir", type=Path, default=None, help="where the temporary files go")


def run(options: argparse.Namespace) -> None:
    """Measure and print."""
    case = Case("bodies", "20 KB, keep-alive", _URL, options.urls, 256, ())
    done: dict[str, list[tuple[Job, int]]] = {form: [] for form in options.forms}
    with tempfile.TemporaryDirectory(prefix="bench-", dir=options.dir) as name, Fleet() as fleet:
        directory = Path(name)
        with serving(case, directory, fleet) as server:
            urls = write_lines(directory / "urls.txt", list_of(server.url, options.urls))
            for _ in range(options.runs):
                for form, jobs in done.items():
                    job, size = _once(fleet, urls, case, server, options.limit, _FORMS[form])
                    if job.good != options.urls:
                        raise RuntimeError(f"{form}: {job.good} good of {options.urls} URLs")
                    jobs.append((job, size))
    _show(done, options)


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


def _show(done: dict[str, list[tuple[Job, int]]], options: argparse.Namespace) -> None:
    rates = {form: [options.urls / job.wall_s for job, _ in jobs] for form, jobs in done.items()}
    plain = statistics.median(next(iter(rates.values())))
    rows: list[list[float | str]] = []
    for form, jobs in done.items():
        rate = statistics.median(rates[form])
        rows.append(
            [
                form,
                rate,
                f"{number(min(rates[form]))} - {number(max(rates[form]))}",
                f"x {rate / plain:.2f}",
                statistics.median(job.cpu_s for job, _ in jobs) / options.urls * 1e6,
                statistics.median(size for _, size in jobs) / options.urls,
            ]
        )
    first = next(iter(done))
    head = ("", "URLs/s", "lowest - highest", f"of {first}", "us CPU / URL", "bytes / URL")
    title = f"{options.urls:,} pages of 20 KB, keep-alive (medians of {options.runs})"
    print(table(title, head, rows), flush=True)
