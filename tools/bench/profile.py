"""Where a URL's cost goes in one worker, function by function, next to bare pycurl.

C functions by their instructions (`valgrind --tool=callgrind`), which a busy machine does not
change; start and end do not count. Python functions by samples (`py-spy`), each with what
it calls in C. The worker is a process without its sockets to the other roles. A part whose program
is not installed is left out.
"""

from __future__ import annotations

import argparse
import re
import shutil
import sys
import sysconfig
import tempfile
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

from tools.bench import callgrind
from tools.bench.callgrind import Costs
from tools.bench.cases import TLS_GROUPS, Case, Server, list_of, measurable, serving
from tools.bench.figures import Rows, sample
from tools.bench.lists import write_lines
from tools.bench.options import add_choice, add_limits, int_from_0
from tools.bench.processes import OWN_SERVERS, Fleet, cores, require_success
from tools.bench.table import table

_CASES: Final = ("keepalive", "hosts", "https")
_MOST: Final = 15  # functions in a table
_POOL: Final = 64  # in flight under callgrind, which is slow
_SAMPLED_POOL: Final = 256
# Neither timeouts nor half-full chunks because of it.
_PATIENT: Final = (
    *("http.connect_timeout_s=300", "http.total_timeout_s=600"),
    "worker.chunk_interval_s=60",
)
_SAMPLES_PER_S: Final = 250
_LINE: Final = re.compile(r":\d+(?=\)$)")  # of the source
_LEAST_KI: Final = 0.5  # thousands of instructions, below which a library is left out


def add_options(parser: argparse.ArgumentParser) -> None:
    add_choice(parser, "cases", _CASES)
    parser.add_argument(
        "--counted", type=int_from_0, default=2000, help="URLs under valgrind; 0: none"
    )
    parser.add_argument(
        "--sampled", type=int_from_0, default=30_000, help="URLs under py-spy; 0: none"
    )
    add_limits(parser, 900.0)


def run(options: argparse.Namespace) -> dict[str, Rows]:
    """Measure and print; the tables of each case."""
    names = options.cases or list(_CASES)
    tables: dict[str, Rows] = {}
    for name, case in measurable(names):
        for kind, rows in _measured(case, options).items():
            tables[f"{name}_{kind}"] = rows
            if rows:
                print(_shown(f"{case.title}: {kind}", rows), flush=True)
    return {name: rows for name, rows in tables.items() if rows}


def _measured(case: Case, options: argparse.Namespace) -> dict[str, Rows]:
    with tempfile.TemporaryDirectory(prefix="bench-", dir=options.dir) as name, Fleet() as fleet:
        directory = Path(name)
        with serving(case, directory, fleet) as server:
            by_side: dict[str, Costs] = {}
            if not callgrind.is_there():
                print("no C functions, as valgrind is not installed")
            elif options.counted:
                by_side = {
                    side: _counted(side, directory, fleet, server, options)
                    for side in ("worker", "pycurl")
                }
            python = _sampled(directory, fleet, server, options)
    rows = c_rows(by_side["worker"], by_side["pycurl"]) if by_side else {}
    parts = part_rows(by_side["worker"], by_side["pycurl"]) if by_side else {}
    return {"parts": parts, "c": rows, "python": python}


# -- C functions -----------------------------------------------------------------------------


def _counted(
    side: str, directory: Path, fleet: Fleet, server: Server, options: argparse.Namespace
) -> Costs:
    urls = write_lines(directory / "urls.txt", list_of(server.url, options.counted))
    words = (_worker if side == "worker" else _pycurl)(urls, directory / "result_file", server)
    return callgrind.per_url(fleet, directory, words, options.limit)


def _worker(urls: Path, result_file: Path, server: Server, pool: int = _POOL) -> list[object]:
    settings = (*server.settings, *_PATIENT, f"worker.pool_size={pool}")
    words = [word for text in settings for word in ("--set", text)]
    return ["-m", "tools.bench.layers", "worker", urls, result_file, "-c", OWN_SERVERS, *words]


def _pycurl(urls: Path, result_file: Path, server: Server) -> list[object]:
    tls = ("--ca", server.ca_file, "--groups", TLS_GROUPS) if server.ca_file else ()
    options = ("--pool", _POOL, "--timeout", 600, *tls)
    return ["-m", "tools.bench.peers.pycurl_multi", urls, result_file, *options]


def part_rows(worker: Costs, pycurl: Costs) -> Rows:
    """Thousands of instructions for a URL, by library, the largest first."""
    sides = {"worker_ki": _by_library(worker), "pycurl_ki": _by_library(pycurl)}
    largest = sorted(sides["worker_ki"].items(), key=lambda item: -item[1])
    rows: Rows = {
        library: {side: sample([ki.get(library, 0.0)]) for side, ki in sides.items()}
        for library, most in largest
        if most >= _LEAST_KI
    }
    rows["all"] = {side: sample([sum(ki.values())]) for side, ki in sides.items()}
    return rows


def _by_library(functions: Costs) -> Mapping[str, float]:
    totals: defaultdict[str, float] = defaultdict(float)
    for (library, _), instructions in functions.items():
        totals[library] += instructions / 1000
    return totals


def c_rows(worker: Costs, pycurl: Costs) -> Rows:
    """The C functions that take most of a URL's instructions in the worker."""
    total = sum(worker.values())
    largest = sorted(worker.items(), key=lambda item: -item[1])[:_MOST]
    return {
        f"{function}, {library}": {
            "worker_ki": sample([instructions / 1000]),
            "pycurl_ki": sample([pycurl.get((library, function), 0.0) / 1000]),
            "share": sample([instructions / total]),
        }
        for (library, function), instructions in largest
    }


# -- Python functions ------------------------------------------------------------------------


def _sampled(directory: Path, fleet: Fleet, server: Server, options: argparse.Namespace) -> Rows:
    # Next to this Python, which PATH need not have.
    program = shutil.which("py-spy", path=sysconfig.get_path("scripts")) or shutil.which("py-spy")
    if program is None:
        print("no Python functions, as py-spy is not installed")
    if program is None or not options.sampled:
        return {}
    # With TLS, a URL takes several times as long.
    count = max(1, options.sampled // (5 if server.ca_file else 1))
    urls = write_lines(directory / "urls.txt", list_of(server.url, count))
    out, result_file = directory / "samples", directory / "result_file"
    process = fleet.start(
        *("record", "--rate", _SAMPLES_PER_S, "--function", "--format", "raw", "--output", out),
        *("--", sys.executable, *_worker(urls, result_file, server, _SAMPLED_POOL)),
        program=program,
        core=cores()[1],
    )
    require_success(fleet.wait(process, options.limit), "py-spy")
    cpu_us = float(result_file.read_text("ascii")) / count * 1e6
    return python_rows(out.read_text("utf-8").splitlines(), cpu_us)


def python_rows(stacks: Iterable[str], cpu_us: float) -> Rows:
    """The Python functions that most samples hit: their shares, and of `cpu_us` for a URL.

    `stacks`: as `py-spy record --format raw` writes them. The time of imports does not count.
    """
    hits: Counter[str] = Counter()
    for line in stacks:
        stack, _, count = line.rpartition(" ")
        function = _LINE.sub("", stack.rpartition(";")[2])
        if function and "<frozen importlib" not in stack:
            hits[function] += int(count)
    total = hits.total()
    return {
        function: {"share": sample([n / total]), "cpu_us": sample([n / total * cpu_us])}
        for function, n in hits.most_common(_MOST)
    }


def _shown(title: str, rows: Rows) -> str:
    figures = list(next(iter(rows.values())))
    cells: list[list[float | str]] = [
        [name, *(row[figure].median for figure in figures)] for name, row in rows.items()
    ]
    return table(title, ("", *figures), cells)
