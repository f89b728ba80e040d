"""A mix as on the internet: late names and answers, dead hosts, redirects, gzip, 404, 503, HTTPS.

Three URLs for each host. Of the hosts, 60 in 100 speak HTTPS, with a verified certificate, and 5
are dead: their name does not exist, nobody listens, or nobody answers the connect. The name server
is up to --names-late late, each answer --latency. Every program looks names up itself, is polite,
tries each URL once and gives a request 5 s. fetcher does not let a host rest after a 503,
as the others do not. The ideal counts these waits alone, with as many
requests at once as the programs have. Seconds are from the start of a command to its end.
"""

from __future__ import annotations

import argparse
import contextlib
import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

from tools.bench import last_row, names, web
from tools.bench.cases import Case, Server, secure_settings
from tools.bench.figures import Rows
from tools.bench.ideal import Limits, list_s
from tools.bench.lists import write_lines
from tools.bench.options import float_from_0, positive_int
from tools.bench.peers.arguments import DELAY_S, PER_HOST
from tools.bench.processes import Fleet, cores, pin
from tools.ports import free_ports
from tools.site.running import RunningSite

_PROGRAMS: Final = ("fetcher_polite", "aiohttp_polite", "scrapy_polite")
_TIMEOUT_S: Final = 5.0
_URLS_PER_HOST: Final = 3
# Of a hundred hosts, by their number.
_NO_NAME, _REFUSED, _SILENT = range(30, 32), range(60, 62), range(90, 91)
_PLAIN_HOSTS: Final = 40
# Of twenty URLs, by their number; all others are plain pages of 20 KB.
_PATHS: Final = {
    **dict.fromkeys((1, 11), "/redirect/1"),
    **dict.fromkeys((2, 5, 8, 13, 16, 19), "/gzip/20000"),
    7: "/status/404",
    17: "/status/503",
}


class Target(NamedTuple):
    """One URL of the mix, and what to expect of it."""

    url: str
    is_good: bool  # the last answer is a 200
    wait_s: float  # until then, or until it has failed

    @property
    def host(self) -> str:
        return self.url.split("/", 3)[2]


class Ports(NamedTuple):
    """Where live hosts answer, and where dead ones do not."""

    plain: int
    tls: int
    refused: int
    silent: int


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--urls", type=positive_int, default=4000)
    parser.add_argument("--pool-size", type=positive_int, default=256, help="in flight")
    parser.add_argument(
        "--latency", type=float_from_0, default=0.5, help="seconds that an answer takes"
    )
    parser.add_argument("--names-late", type=float_from_0, default=0.2, help="seconds, at most")
    parser.add_argument("--programs", nargs="+", choices=_PROGRAMS, default=list(_PROGRAMS))
    last_row.add_options(parser, runs=3)


def run(options: argparse.Namespace) -> dict[str, Rows]:
    """Measure and print; the figures."""
    if not web.has_nginx():
        print("\nleft out, as there is no nginx")
        return {}
    core = cores()[0]
    case = Case("mix", "mix", "", options.urls, options.pool_size, _PROGRAMS)
    with (
        tempfile.TemporaryDirectory(prefix="bench-", dir=options.dir) as name,
        Fleet() as fleet,
        RunningSite(latency_ms=options.latency * 1000) as site,
        web.Web(Path(name), core, site.port) as server,
        _silent_port() as silent,
    ):
        pin(core, site.pid)
        late_ms = options.names_late * 1000
        names_port = web.start_names(fleet, core, late_ms)
        ports = Ports(server.port, server.tls_port, free_ports(1), silent)
        found = list(targets(options.urls, ports, options.latency, late_ms))
        urls = write_lines(Path(name) / "urls.txt", (target.url for target in found))
        settings = (
            *(f"http.total_timeout_s={_TIMEOUT_S}", f"http.connect_timeout_s={_TIMEOUT_S}"),
            *("retry.attempts=1", "dns.tries=1"),
            "polite.rest_s=0.1",  # after a 503: the others do not wait then
        )
        front = Server(
            *("", (*secure_settings(names_port, server.ca_file), *settings), server.ca_file),
            *(names_port, server.tls_port, _TIMEOUT_S),
        )
        good = sum(target.is_good for target in found)
        spared = len(found) // 100  # a busy machine may take 5 s for one
        jobs = last_row.measure_all(fleet, urls, case, front, options, (), good=good, spared=spared)
    limits = Limits(options.pool_size, PER_HOST, DELAY_S)
    ideal_s = list_s(((target.host, target.wait_s) for target in found), limits)
    rows = last_row.rows_of(jobs, dict.fromkeys(jobs, ideal_s), len(found))
    last_row.show(
        f"A mix of {len(found):,} URLs, {good:,} of them good, {options.pool_size} in flight, "
        f"answers {options.latency:g} s late, median of {options.runs}",
        rows,
    )
    return {"mix": rows}


def targets(count: int, ports: Ports, latency_s: float, late_ms: float) -> Iterator[Target]:
    """The list: a host's URLs are some places apart, as they are when pages' links are mixed."""
    hosts = -(-count // _URLS_PER_HOST)
    known: set[int] = set()
    for n in range(count):
        number = n % hosts
        host, path = _host(number), _PATHS.get(n % 20, "/bytes/20000")
        name_s = 0.0 if number in known else names.delay_s(host, late_ms)
        known.add(number)
        answers_s = latency_s * (2 if path.startswith("/redirect") else 1)
        yield _target(number, host, path, ports, name_s, answers_s)


def _host(number: int) -> str:
    gone = f"{names.GONE}." if number % 100 in _NO_NAME else ""
    return f"h{number}.{gone}{web.DOMAIN}"


def _target(
    number: int, host: str, path: str, ports: Ports, name_s: float, answers_s: float
) -> Target:
    of_hundred = number % 100
    if of_hundred in _NO_NAME:
        return Target(f"http://{host}:{ports.plain}{path}", False, name_s)
    if of_hundred in _REFUSED:
        return Target(f"http://{host}:{ports.refused}{path}", False, name_s)
    if of_hundred in _SILENT:
        return Target(f"http://{host}:{ports.silent}{path}", False, _TIMEOUT_S)
    is_plain = of_hundred < _PLAIN_HOSTS
    scheme, port = ("http", ports.plain) if is_plain else ("https", ports.tls)
    is_good = not path.startswith("/status")
    return Target(f"{scheme}://{host}:{port}{path}", is_good, name_s + answers_s)


@contextlib.contextmanager
def _silent_port() -> Iterator[int]:
    """A port that answers no connect: its queue of connections is full, and nobody takes them."""
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(socket.socket())
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        for _ in range(4):
            filler = stack.enter_context(socket.socket())
            filler.setblocking(False)
            with contextlib.suppress(BlockingIOError):
                filler.connect(listener.getsockname())
        yield listener.getsockname()[1]
