"""A crawl: pages a second against a list and against Scrapy; links a second; a long log.

`whole`: a site of 20-KB pages with 50 links at nginx, on one core: as a crawl, its pages as a list,
and (a tenth of the pages) by Scrapy's CrawlSpider. `sink`: what the sink does with the links of
rows, from the chunk to the synced files, while its set of keys is large. `restart`: from the
command to the first hand-out of a crawl that has a long log.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from tools.bench import crawl_log, crawl_sink, linked_site, web
from tools.bench.figures import Rows, Sample, sample
from tools.bench.jobs import Job, run_job
from tools.bench.lists import write_lines
from tools.bench.options import add_choice, add_limits, positive_int
from tools.bench.processes import OWN_SERVERS, Fleet, MeasurementError, cores
from tools.bench.programs import timed_program
from tools.bench.table import Target, show_targets, table

_PARTS: Final = ("whole", "sink", "restart")
_PEER_SHARE: Final = 0.1  # of the pages, as it is slow
_POOL: Final = 256
_CRAWL, _LIST, _PEER = "fetcher_crawl", "fetcher_run", "scrapy"
_TITLES: Final = {_CRAWL: "fetcher crawl", _LIST: "fetcher run", _PEER: "Scrapy's CrawlSpider"}
_ROLES: Final = ("ventilator", "sink", "worker")
# Bounds of the figures.
_OF_LIST, _OF_PEER = 0.5, 10.0
_LINKS_PER_S: Final = 300_000
_BYTES_OF_KEY: Final = 24
_RESTART_S: Final = 15.0


def add_options(parser: argparse.ArgumentParser) -> None:
    add_choice(parser, "parts", _PARTS)
    parser.add_argument(
        "--runs", type=positive_int, default=3, help="of each program; medians are shown"
    )
    parser.add_argument("--pages", type=positive_int, default=20_000, help="of the site")
    parser.add_argument("--lines", type=positive_int, default=10_000_000, help="of the long log")
    parser.add_argument("--peer", action=argparse.BooleanOptionalAction, default=True)
    parser.add_argument("--set", action="append", default=[], help="a setting for fetcher")
    add_limits(parser, 900.0)


def run(options: argparse.Namespace) -> dict[str, Rows]:
    """Measure and print; the figures."""
    measures = {"whole": _whole, "sink": _sink, "restart": _restart}
    tables: dict[str, Rows] = {}
    targets: list[Target] = []
    for name in options.parts or _PARTS:
        if name == "whole" and not web.has_nginx():
            print("\nwhole: left out, as there is no nginx")
            continue
        with tempfile.TemporaryDirectory(prefix="bench-", dir=options.dir) as folder:
            rows, found = measures[name](Path(folder), options)
        tables[name] = rows
        targets += found
    show_targets(targets)
    return tables


# -- whole -----------------------------------------------------------------------------------


def _whole(folder: Path, options: argparse.Namespace) -> tuple[Rows, list[Target]]:
    few = max(1, int(options.pages * _PEER_SHARE))
    linked_site.write(folder / "pages" / "all", options.pages)
    linked_site.write(folder / "pages" / "few", few)
    jobs: dict[str, list[Job]] = {}
    log = folder / "access.log"
    with Fleet() as fleet, web.Web(folder, cores()[0], log=log) as server:
        base = f"http://127.0.0.1:{server.port}"
        for _ in range(options.runs):
            log.write_bytes(b"")
            jobs.setdefault(_CRAWL, []).append(_crawled(fleet, folder, f"{base}/all/", options))
            asked = _asked(log)
            jobs.setdefault(_LIST, []).append(_listed(fleet, folder, f"{base}/all/", options))
            if options.peer:
                jobs.setdefault(_PEER, []).append(_peer(fleet, folder, f"{base}/few/", options))
    # Scrapy requests its seed again if a page links to it.
    counts = {_CRAWL: {options.pages}, _LIST: {options.pages}, _PEER: {few, few + 1}}
    for name, done in jobs.items():
        if any(job.good not in counts[name] for job in done):
            raise MeasurementError(f"{_TITLES[name]}: {[job.good for job in done]} good pages")
    rows = {name: _samples(done) for name, done in jobs.items()}
    rows[_CRAWL]["most_requests_of_a_page"] = sample([max(asked.values())])
    _show_whole(rows)
    return rows, _whole_targets(rows)


def _asked(log: Path) -> Counter[bytes]:
    """Requests by path, apart from what is asked for once a host."""
    paths = [line.split(b'"', 2)[1].split(b" ")[1] for line in log.read_bytes().splitlines()]
    return Counter(path for path in paths if path.startswith(b"/all/"))


def _ours(fleet: Fleet, folder: Path, urls: Path, options: argparse.Namespace, command: str) -> Job:
    words = [word for setting in options.set for word in ("--set", setting)]
    out = folder / "out"
    try:
        return run_job(
            fleet,
            urls,
            out,
            *("-c", OWN_SERVERS, "--workers", 1, "--pool-size", _POOL, *words),
            limit_s=options.limit,
            core=cores()[1],
            command=command,
            by_role=True,
        )
    finally:
        shutil.rmtree(out, ignore_errors=True)


def _crawled(fleet: Fleet, folder: Path, base: str, options: argparse.Namespace) -> Job:
    seeds = write_lines(folder / "seeds.txt", [base + linked_site.path_of(0)])
    return _ours(fleet, folder, seeds, options, "crawl")


def _listed(fleet: Fleet, folder: Path, base: str, options: argparse.Namespace) -> Job:
    lines = (base + linked_site.path_of(number) for number in range(options.pages))
    return _ours(fleet, folder, write_lines(folder / "urls.txt", lines), options, "run")


def _peer(fleet: Fleet, folder: Path, base: str, options: argparse.Namespace) -> Job:
    seeds = write_lines(folder / "seeds.txt", [base + linked_site.path_of(0)])
    result = folder / "result"
    module = ("-m", "tools.bench.peers.crawl_spider", seeds, result, "--pool", _POOL)
    job = timed_program(_TITLES[_PEER], fleet, *module, limit_s=options.limit)
    job.good = int(result.read_bytes())
    return job


def _samples(done: Sequence[Job]) -> dict[str, Sample]:
    def each(of: Callable[[Job], float]) -> Sample:
        return sample(map(of, done))

    figures = {
        "pages_per_s": each(lambda job: job.good / job.wall_s),
        "cpu_us": each(lambda job: job.cpu_s / job.good * 1e6),
        "peak_mb": each(lambda job: job.peaks.sum_mb()),
    }
    if all(job.roles_cpu_s for job in done):
        for role in _ROLES:
            figures[f"{role}_mb"] = sample(job.peaks.mb(role) for job in done)
            figures[f"{role}_cpu_us"] = sample(
                job.roles_cpu_s.get(role, 0.0) / job.good * 1e6 for job in done
            )
    return figures


def _show_whole(rows: Rows) -> None:
    cells: list[list[float | str]] = [
        [
            _TITLES[name],
            figures["pages_per_s"].median,
            figures["cpu_us"].median,
            figures["peak_mb"].median,
            *(figures[f"{role}_cpu_us"].median if name != _PEER else "" for role in _ROLES),
        ]
        for name, figures in rows.items()
    ]
    head = ("", "pages/s", "us CPU / page", "peak MB, all", *_ROLES)
    print(table("20-KB pages with 50 links, one core", head, cells), flush=True)


def _whole_targets(rows: Rows) -> list[Target]:
    ours = rows[_CRAWL]["pages_per_s"].median
    of_list = ours / rows[_LIST]["pages_per_s"].median
    most = rows[_CRAWL]["most_requests_of_a_page"].highest
    targets = [
        Target("crawl / list", of_list, _OF_LIST, "times"),
        Target("requests of a page", most, 1, "", at_least=False),
    ]
    if _PEER in rows:
        of_peer = ours / rows[_PEER]["pages_per_s"].median
        targets.append(Target("crawl / Scrapy", of_peer, _OF_PEER, "times"))
    return targets


# -- the sink's links, and a long log --------------------------------------------------------


def _sink(folder: Path, options: argparse.Namespace) -> tuple[Rows, list[Target]]:
    rows, bytes_of_key = crawl_sink.measure(folder, options.lines, options.runs)
    cells: list[list[float | str]] = [
        [kind, *(figures[name].median for name in ("links_per_s", "cpu_us", "writing_us"))]
        for kind, figures in rows.items()
    ]
    title = f"Links in the sink, {options.lines:,} keys in its set"
    print(table(title, ("", "links/s", "us CPU / link", "us writing"), cells), flush=True)
    rows["keys"] = {"bytes": sample([bytes_of_key])}
    targets = [
        Target(f"links/s, {kind}", rows[kind]["links_per_s"].median, _LINKS_PER_S, "links/s")
        for kind in crawl_sink.KINDS
    ]
    memory = Target("memory of a URL", bytes_of_key, _BYTES_OF_KEY, "bytes", at_least=False)
    return rows, [*targets, memory]


def _restart(folder: Path, options: argparse.Namespace) -> tuple[Rows, list[Target]]:
    with Fleet() as fleet:
        job = crawl_log.restart(fleet, folder, options.lines, options.limit)
    figures = {"first_fetch_s": sample([job.first_fetch_s or job.wall_s])}
    figures |= {f"{role}_mb": sample([job.peaks.mb(role)]) for role in _ROLES}
    cells: list[list[float | str]] = [[name, each.median] for name, each in figures.items()]
    print(table(f"A restart with {options.lines:,} lines", ("", ""), cells), flush=True)
    first_s = figures["first_fetch_s"].median
    target = Target("from the command to the first hand-out", first_s, _RESTART_S, "s", False)
    return {"long_log": figures}, [target]
