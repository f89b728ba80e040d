"""Compares `fetcher run` with other programs, one process each, on the same lists.

The server has one core; the client (all processes of it) the other. The programs' runs alternate.
Wall time counts from the start of a command to its end, so start-up is included. fetcher's rows are
then committed; the others keep nothing, and look no names up. Slow programs get shorter lists.
CPU and memory are of all processes of a program together; pages that processes share count for
each. On nginx where it is installed (see tools.bench.web), else on the local site.
"""

from __future__ import annotations

import argparse
import contextlib
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from tools.bench import web
from tools.bench.jobs import Job, run_job
from tools.bench.lists import write_lines
from tools.bench.processes import ROOT, Fleet, Peaks, children_cpu_s, cores, pin, require_success
from tools.bench.table import Target, number, show_targets, table
from tools.site.running import RunningSite

_RIVALS: Final = {
    "article": "the article's program",
    "requests_pool": "requests, tuned",
    "scrapy_spider": "Scrapy",
    "aiohttp_loop": "aiohttp + uvloop",
    "pycurl_multi": "bare pycurl",
}
# Lists that take each about as long as ours, as far as that is known.
_SHARES: Final = {"article": 0.06, "requests_pool": 0.12, "scrapy_spider": 0.04}


@dataclass(frozen=True)
class Case:
    """What is fetched in one comparison."""

    name: str
    title: str
    url: str  # with {port} or {base}, {n} and {address}
    count: int
    pool: int
    rivals: tuple[str, ...]
    at_least: dict[str, float] = field(default_factory=dict)  # ratios to rivals
    rate: float = 0.0  # URLs/s
    peak_mb: float = 0.0  # of our worker
    tls: bool = False
    latency_ms: float | None = None  # of the local site, which is then the server

    @property
    def on_site(self) -> bool:
        return self.latency_ms is not None or not web.has_nginx()


_ALL: Final = tuple(_RIVALS)
CASES: Final = {
    case.name: case
    for case in (
        Case(
            "keepalive",
            "1 KB keep-alive, one host",
            "http://127.0.0.1:{port}/1000?n={n}",
            *(250_000, 256, _ALL),
            at_least={"aiohttp_loop": 1.0, "article": 15.0, "scrapy_spider": 20.0},
            rate=10_000,
        ),
        Case(
            "hosts",
            "20 KB, a new host each",
            "http://{address}:{port}/20000",
            *(120_000, 256, _ALL),
            at_least={"aiohttp_loop": 1.5},
        ),
        Case(
            "https",
            "20 KB HTTPS verified, a new host each",
            f"https://h{{n}}.{web.DOMAIN}:{{port}}/20000",
            *(40_000, 256, ("aiohttp_loop", "pycurl_multi")),
            at_least={"aiohttp_loop": 1.5, "pycurl_multi": 0.85},
            tls=True,
        ),
        Case(
            "late",
            "2 s latency, 5,000 in flight",
            "{base}/bytes/1000?n={n}",
            *(100_000, 5000, ("aiohttp_loop", "pycurl_multi")),
            rate=0.95 * 2500,
            peak_mb=200,
            latency_ms=2000,
        ),
        Case(
            "wide",
            "2 s latency, 10,000 in flight",
            "{base}/bytes/1000?n={n}",
            *(60_000, 10_000, ("pycurl_multi",)),
            latency_ms=2000,
        ),
        Case(
            "demo",
            "the demo's pages",
            "{base}/page/{n}",
            *(20_000, 256, ("article", "aiohttp_loop")),
            latency_ms=0,
        ),
    )
}


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("cases", nargs="*", default=[], help=f"of {', '.join(CASES)}; none: all")
    parser.add_argument("--runs", type=int, default=5, help="of each program; medians are shown")
    parser.add_argument("--scale", type=float, default=1.0, help="of the lists' lengths")
    parser.add_argument("--rivals", nargs="+", choices=_ALL, default=list(_ALL))
    parser.add_argument("--set", action="append", default=[], help="a setting for fetcher")
    parser.add_argument("--limit", type=float, default=600.0, help="seconds that a run may take")
    parser.add_argument("--dir", type=Path, default=None, help="where the temporary files go")


def run(options: argparse.Namespace) -> None:
    """Measure and print."""
    unknown = [name for name in options.cases if name not in CASES]
    if unknown:
        raise SystemExit(f"no such case: {', '.join(unknown)} (there are {', '.join(CASES)})")
    server_core, client_core = cores()
    print(f"server on core {server_core}, clients on core {client_core}")
    targets: list[Target] = []
    for name in options.cases or CASES:
        case = CASES[name]
        if case.tls and not web.has_nginx():
            print(f"\n{case.title}: left out, as there is no nginx")
            continue
        targets += _compare(case, options)
    show_targets(targets)


@dataclass(frozen=True)
class Server:
    """What the programs of a case must know of its server."""

    url: str  # with {n} and {address}
    settings: list[str] = field(default_factory=list)  # that fetcher needs
    ca_file: Path | None = None
    names: int = 0  # the name server's port


@contextlib.contextmanager
def serving(case: Case, directory: Path, fleet: Fleet) -> Iterator[Server]:
    """The case's server, for the length of a `with` block."""
    core = cores()[0]
    if case.on_site:
        with RunningSite(latency_ms=case.latency_ms or 0) as site:
            pin(core, site.pid)
            path = case.url.replace("{port}/1000", "{port}/bytes/1000")
            path = path.replace("{port}/20000", "{port}/bytes/20000")
            yield Server(path.replace("{base}", site.base).replace("{port}", str(site.port)))
        return
    with web.Web(directory, core) as server:
        if not case.tls:
            yield Server(case.url.replace("{port}", str(server.port)))
            return
        names = web.start_names(fleet, core)
        yield Server(
            case.url.replace("{port}", str(server.tls_port)),
            [f"dns.servers=127.0.0.1:{names}", f"http.ca_file={server.ca_file}"],
            server.ca_file,
            names,
        )


def _compare(case: Case, options: argparse.Namespace) -> list[Target]:
    rivals = [name for name in case.rivals if name in options.rivals]
    jobs: dict[str, list[tuple[int, Job]]] = {name: [] for name in ("fetcher", *rivals)}
    with tempfile.TemporaryDirectory(prefix="bench-", dir=options.dir) as name, Fleet() as fleet:
        directory = Path(name)
        with serving(case, directory, fleet) as server:
            for _ in range(options.runs):
                for program, done in jobs.items():
                    count = max(1, int(case.count * options.scale * _SHARES.get(program, 1)))
                    urls = write_lines(directory / "urls.txt", list_of(server.url, count))
                    if program == "fetcher":
                        out = directory / "out"
                        job = ours(fleet, urls, out, case, server, options.limit, options.set)
                    else:
                        job = rival(program, fleet, urls, case, server, options.limit)
                    if job.good != count and case.name != "demo":
                        raise RuntimeError(f"{program}: {job.good} good of {count} URLs")
                    done.append((count, job))
    return _show(case, jobs, options.runs)


def list_of(url: str, count: int) -> Iterator[str]:
    """The case's URLs, each with its number, or its host of its own, in."""
    for n in range(1, count + 1):
        address = f"127.{1 + n // 64_516 % 250}.{n // 254 % 254}.{n % 254 + 1}"
        yield url.replace("{n}", str(n)).replace("{address}", address)


def _show(case: Case, jobs: dict[str, list[tuple[int, Job]]], runs: int) -> list[Target]:
    def median(program: str, of: Callable[[int, Job], float]) -> float:
        return statistics.median(of(count, job) for count, job in jobs[program])

    rates = {name: median(name, lambda count, job: count / job.wall_s) for name in jobs}
    ours = rates["fetcher"]
    rows: list[list[float | str]] = []
    for name, done in jobs.items():
        each = [count / job.wall_s for count, job in done]
        rows.append(
            [
                _RIVALS.get(name, name),
                rates[name],
                f"{number(min(each))} - {number(max(each))}",
                f"x {ours / rates[name]:.2f}",
                median(name, lambda count, job: job.cpu_s / count * 1e6),
                median(name, lambda _, job: job.peaks.sum_mb()),
            ]
        )
    server = "the local site" if case.on_site else "nginx"
    title = f"{case.title}: {server}, pool of {case.pool:,}, median of {runs}"
    head = ("", "URLs/s", "lowest - highest", "fetcher / it", "us CPU / URL", "peak MB, all")
    print(table(title, head, rows), flush=True)
    return _targets(case, rates, median)


def _targets(
    case: Case,
    rates: dict[str, float],
    median: Callable[[str, Callable[[int, Job], float]], float],
) -> list[Target]:
    targets = []
    if case.rate:
        rate = rates["fetcher"]
        if case.latency_ms:  # from the first request, which came so long before the first commit
            late_s = case.latency_ms / 1000
            rate = median("fetcher", lambda _, job: job.good / (job.committing_s + late_s))
        targets.append(Target(case.title, rate, case.rate, "URLs/s"))
    for rival, ratio in case.at_least.items():
        if rival in rates:
            what = f"{case.title}, fetcher / {_RIVALS[rival]}"
            targets.append(Target(what, rates["fetcher"] / rates[rival], ratio, "times"))
    if case.peak_mb:
        peak_mb = median("fetcher", lambda _, job: job.peaks.mb("worker"))
        what = f"{case.title}, the worker's memory"
        targets.append(Target(what, peak_mb, case.peak_mb, "MB", at_least=False))
    return targets


def ours(
    fleet: Fleet,
    urls: Path,
    out: Path,
    case: Case,
    server: Server,
    limit_s: float,
    more: Sequence[str] = (),
    look: Callable[[Path], object] = lambda out: None,
) -> Job:
    """One run of `fetcher run`; `more` settings than the case needs; `look` at OUT at the end."""
    words = [word for setting in (*server.settings, *more) for word in ("--set", setting)]
    own = ROOT / "conf" / "own-servers.toml"
    try:
        job = run_job(
            fleet,
            urls,
            out,
            *("-c", own, "--workers", 1, "--pool-size", case.pool, *words),
            limit_s=limit_s,
            core=cores()[1],
        )
        look(out)
        return job
    finally:
        shutil.rmtree(out, ignore_errors=True)


def rival(name: str, fleet: Fleet, urls: Path, case: Case, server: Server, limit_s: float) -> Job:
    """One run of another program."""
    result_file = urls.with_name("result")
    words: list[object] = ["--pool", case.pool]
    if name == "article":
        words = ["--pool-size", case.pool, "--batch-size", 4 * case.pool, "--processes", 1]
    elif case.tls:
        words += ["--ca", server.ca_file, "--names", server.names]
    peaks = Peaks()
    cpu_before = children_cpu_s()
    began = time.monotonic()
    process = fleet.start(
        "-m", f"tools.bench.rivals.{name}", urls, result_file, *words, core=cores()[1]
    )
    require_success(fleet.wait(process, limit_s, peaks=peaks), _RIVALS[name])
    wall_s = time.monotonic() - began
    rows = result_file.read_bytes()
    good = rows.count(b'"status": 200') if name == "article" else int(rows)
    return Job(wall_s=wall_s, cpu_s=children_cpu_s() - cpu_before, good=good, peaks=peaks)
