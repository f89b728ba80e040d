"""The slow case: a thousand hosts whose answers are 2 s late, asked politely.

The list names the hosts in turns. Polite programs send at most 2 requests to a host at once, 0.2 s
apart, so that each host alone needs the ideal time, whatever the program; curl has no such limit,
but at most 300 requests at once; bare pycurl has as many as the polite ones together. Names are
looked up as in `speed`. Seconds are from the start of a command to its end.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path
from typing import Final

from tools.bench import last_row, web
from tools.bench.binaries import CURL_MOST
from tools.bench.cases import Case, Server
from tools.bench.figures import Rows
from tools.bench.ideal import Limits, list_s
from tools.bench.lists import write_lines
from tools.bench.options import float_from_0, positive_int
from tools.bench.peers.arguments import DELAY_S, PER_HOST
from tools.bench.processes import Fleet, cores, pin
from tools.bench.programs import PROGRAMS
from tools.site.running import RunningSite

_PROGRAMS: Final = ("fetcher_polite", "aiohttp_polite", "scrapy_polite", "curl", "pycurl_multi")


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--hosts", type=positive_int, default=1000)
    parser.add_argument("--urls-per-host", type=positive_int, default=10)
    parser.add_argument(
        "--latency", type=float_from_0, default=2.0, help="seconds that an answer takes"
    )
    parser.add_argument("--programs", nargs="+", choices=_PROGRAMS, default=list(_PROGRAMS))
    last_row.add_options(parser, runs=3)


def run(options: argparse.Namespace) -> dict[str, Rows]:
    """Measure and print; the figures."""
    count = options.hosts * options.urls_per_host
    pool = options.hosts * PER_HOST
    case = Case("slow", "slow", "", count, pool, _PROGRAMS)
    with (
        tempfile.TemporaryDirectory(prefix="bench-", dir=options.dir) as name,
        Fleet() as fleet,
        RunningSite(latency_ms=options.latency * 1000) as site,
    ):
        core = cores()[0]
        pin(core, site.pid)
        names = web.start_names(fleet, core)
        server = Server("", (f"dns.servers=127.0.0.1:{names}",), None, names, site.port)
        urls = write_lines(
            Path(name) / "urls.txt",
            (
                f"http://h{n % options.hosts}.{web.DOMAIN}:{site.port}/bytes/1000?n={n}"
                for n in range(count)
            ),
        )
        jobs = last_row.measure_all(fleet, urls, case, server, options, (), good=count)
    ideals_s = {name: _ideal_s(name, options, count, pool) for name in jobs}
    rows = last_row.rows_of(jobs, ideals_s, count)
    last_row.show(
        f"{count:,} URLs of {options.hosts:,} hosts, answers {options.latency:g} s late, at most "
        f"{pool:,} in flight (curl: {CURL_MOST}), median of {options.runs}",
        rows,
    )
    return {"hosts": rows}


def _ideal_s(name: str, options: argparse.Namespace, count: int, pool: int) -> float:
    requests = ((str(n % options.hosts), options.latency) for n in range(count))
    if PROGRAMS[name].polite:
        return list_s(requests, Limits(pool, PER_HOST, DELAY_S))
    return list_s(requests, Limits(min(pool, CURL_MOST) if name == "curl" else pool))
