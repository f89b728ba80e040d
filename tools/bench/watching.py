"""What it costs to watch a job, and how long a report of it takes.

First `fetcher run` with one worker and the null transport, which makes rows far faster than any
server would let it: unwatched, with the live page served, with viewers who ask for it
once a second each, and with every role's metrics read once a second. These alternate. CPU is of
all roles, without the viewers. Then `fetcher report` of all those rows, as a user starts it.
"""

from __future__ import annotations

import argparse
import contextlib
import http.client
import shutil
import statistics
import tempfile
import threading
import urllib.request
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from tools.bench.figures import Rows, Sample, sample
from tools.bench.jobs import Job, run_null
from tools.bench.lists import write_list
from tools.bench.options import add_limits, positive_int
from tools.bench.processes import Fleet, MeasurementError, timed
from tools.bench.table import Target, show_targets, spread, table
from tools.ports import free_ports

_VIEWERS: Final = 5
_EVERY_S: Final = 1.0  # as the page asks
_FIRST_S: Final = 0.05  # until all have answered once: a short job is soon over
_MOST_COST: Final = 1.05  # of the CPU without viewers
_REPORT_S: Final = 60.0
_REPORT_MB: Final = 300.0


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--runs", type=positive_int, default=5, help="medians are of so many runs")
    parser.add_argument("--rows", type=positive_int, default=1_000_000, help="of each job")
    add_limits(parser, 600.0)


def run(options: argparse.Namespace) -> dict[str, Rows]:
    """Measure and print; the figures."""
    ways = {
        "unwatched": _unseen,
        "the page is served": _page,
        f"{_VIEWERS} viewers of the page": _viewed,
        "metrics of each role are read": _metrics,
    }
    jobs: dict[str, list[Job]] = {way: [] for way in ways}
    with tempfile.TemporaryDirectory(prefix="bench-", dir=options.dir) as name, Fleet() as fleet:
        directory = Path(name)
        urls = write_list(directory / "urls.txt", options.rows)
        out = directory / "out"
        for _ in range(options.runs):
            for way, watched in ways.items():
                shutil.rmtree(out, ignore_errors=True)
                with watched() as settings:
                    words = [word for each in settings for word in ("--set", each)]
                    jobs[way].append(run_null(fleet, urls, out, *words, limit_s=options.limit))
        targets = _show(jobs, options)
        reports = _reports(fleet, out, options)
    targets += _report_targets(reports["page"])
    show_targets(targets)
    watched_jobs = {_key(way): _samples(done, options.rows) for way, done in jobs.items()}
    return {"jobs": watched_jobs, "reports": reports}


def _key(way: str) -> str:
    return way.replace(" ", "_")


def _samples(jobs: Sequence[Job], rows: int) -> dict[str, Sample]:
    return {
        "lines_per_s": sample(job.rows_per_s for job in jobs),
        "cpu_us": sample(job.cpu_s / rows * 1e6 for job in jobs),
    }


@contextlib.contextmanager
def _unseen() -> Iterator[Sequence[str]]:
    yield ()


@contextlib.contextmanager
def _page() -> Iterator[Sequence[str]]:
    yield (f"monitor.http={free_ports(1)}",)


@contextlib.contextmanager
def _viewed() -> Iterator[Sequence[str]]:
    port = free_ports(1)
    with _asking([f"http://127.0.0.1:{port}/live.json?since=0"] * _VIEWERS):
        yield (f"monitor.http={port}",)


@contextlib.contextmanager
def _metrics() -> Iterator[Sequence[str]]:
    first = free_ports(3)
    with _asking([f"http://127.0.0.1:{first + number}/metrics" for number in range(3)]):
        roles = ("ventilator", "sink", "worker")
        yield [f"metrics.{role}_port={first + number}" for number, role in enumerate(roles)]


@contextlib.contextmanager
def _asking(urls: Sequence[str]) -> Iterator[None]:
    """Ask for each of these once a second, in a thread.

    Raises MeasurementError where one never answered.
    """
    done = threading.Event()
    answers = [0] * len(urls)

    def ask() -> None:
        while not done.wait(_EVERY_S if all(answers) else _FIRST_S):
            for number, url in enumerate(urls):
                with contextlib.suppress(OSError, http.client.HTTPException):
                    with urllib.request.urlopen(url, timeout=5) as answer:
                        answer.read()
                    answers[number] += 1

    asking = threading.Thread(target=ask)
    asking.start()
    try:
        yield
    finally:
        done.set()
        asking.join()
    if not all(answers):
        raise MeasurementError(f"of {', '.join(urls)} not all answered: {answers}")


def _show(jobs: dict[str, list[Job]], options: argparse.Namespace) -> list[Target]:
    cpu_us = {
        way: statistics.median(job.cpu_s for job in done) / options.rows * 1e6
        for way, done in jobs.items()
    }
    plain = next(iter(cpu_us.values()))
    rows: list[list[float | str]] = []
    for way, done in jobs.items():
        rate, rates = spread([job.rows_per_s for job in done])
        rows.append([way, rate, rates, cpu_us[way], f"x {cpu_us[way] / plain:.2f}"])
    title = f"{options.rows:,} lines, nothing fetched (medians of {options.runs})"
    head = ("", "lines/s", "lowest - highest", "us CPU / line", "of the first")
    print(table(title, head, rows), flush=True)
    return [
        Target(f"CPU where {way}", cost / plain, _MOST_COST, "times", at_least=False)
        for way, cost in list(cpu_us.items())[1:]
    ]


def _reports(fleet: Fleet, out: Path, options: argparse.Namespace) -> Rows:
    page = out.with_name("page.html")
    rows: list[list[float | str]] = []
    kept: Rows = {}
    for name, words in {"page": ("-o", page), "text": ("--text",)}.items():
        figures = []
        for _ in range(options.runs):
            page.unlink(missing_ok=True)
            figures.append(timed(fleet, "report", out, *words, "-q", limit_s=options.limit))
        took_s, peak_mb, cpu_s = (sample(each) for each in zip(*figures, strict=True))
        kept[name] = {"wall_s": took_s, "peak_mb": peak_mb, "cpu_s": cpu_s}
        size_kb = page.stat().st_size / 1e3 if page.exists() else 0.0
        rows.append([name, took_s.median, cpu_s.median, peak_mb.highest, size_kb])
    title = f"`fetcher report` of {options.rows:,} rows (medians of {options.runs})"
    print(table(title, ("", "seconds", "CPU s", "peak MB", "kB"), rows), flush=True)
    return kept


def _report_targets(page: dict[str, Sample]) -> list[Target]:
    took_s, peak_mb = page["wall_s"].median, page["peak_mb"].highest
    return [
        Target("a report", took_s, _REPORT_S, "s", at_least=False),
        Target("a report's peak", peak_mb, _REPORT_MB, "MB", at_least=False),
    ]
