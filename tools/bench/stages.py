"""Where the time of a fetch goes: CPU microseconds per URL, layer by layer of the fetch core.

Each layer is the one before with more around it, in a process of its own, on one core with the
server on the other; a stage's cost is the difference. CPU time, not wall time, so that a server
that is slower than we are does not count. "The pipeline" is what `fetcher run` takes as a whole
beyond its worker's core: sockets, ventilator, sink, commits, start and end.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Final

from tools.bench.cases import Case, list_of, measurable, serving
from tools.bench.figures import Rows, sample
from tools.bench.lists import write_lines
from tools.bench.options import add_choice, add_limits, positive_float, positive_int
from tools.bench.processes import OWN_SERVERS, Fleet, cores, require_success
from tools.bench.programs import PROGRAMS, measure
from tools.bench.table import table

_CASES: Final = ("keepalive", "hosts", "https")
_LAYERS: Final = {
    "libcurl": "libcurl and the kernel (bare pycurl)",
    "loop": "gevent's loop, a greenlet per transfer",
    "exchange": "limits, headers, digest, address guard",
    "fetch": "URL check, attempts, the result",
    "pool": "batches, pool, rows as JSON, chunks",
    "whole": "the pipeline: three roles, commits, start and end",
}
_PROGRAMS: Final = {"libcurl": "pycurl_multi", "whole": "fetcher"}
_NAMES: Final = "name look-ups"


def add_options(parser: argparse.ArgumentParser) -> None:
    add_choice(parser, "cases", _CASES)
    parser.add_argument(
        "--runs", type=positive_int, default=3, help="of each layer; medians are shown"
    )
    parser.add_argument(
        "--scale", type=positive_float, default=0.5, help="of the speed lists' lengths"
    )
    add_limits(parser, 600.0)


def run(options: argparse.Namespace) -> dict[str, Rows]:
    """Measure and print; the figures of each case."""
    names = options.cases or list(_CASES)
    tables: dict[str, Rows] = {}
    for name, case in measurable(names):
        tables[name] = _measure(case, options)
        print(_shown(case, tables[name], options.runs), flush=True)
    return tables


def _measure(case: Case, options: argparse.Namespace) -> Rows:
    count = max(1, int(case.count * options.scale))
    with tempfile.TemporaryDirectory(prefix="bench-", dir=options.dir) as name, Fleet() as fleet:
        directory = Path(name)
        with serving(case, directory, fleet) as server:
            urls = write_lines(directory / "urls.txt", list_of(server.url, count))
            result_file = directory / "result_file"

            def layer(name: str) -> float:
                words = [word for text in server.settings for word in ("--set", text)]
                words += ["--set", f"worker.pool_size={case.pool}"]
                process = fleet.start(
                    *(
                        "-m",
                        "tools.bench.layers",
                        name,
                        urls,
                        result_file,
                        "-c",
                        OWN_SERVERS,
                        *words,
                    ),
                    core=cores()[1],
                )
                require_success(fleet.wait(process, options.limit), f"the layer {name}")
                return float(result_file.read_text("ascii"))

            def cpu_s(name: str) -> float:
                if name in _PROGRAMS:
                    program = PROGRAMS[_PROGRAMS[name]]
                    return measure(program, fleet, urls, case, server, options.limit).cpu_s
                return layer(name)

            names = [*_LAYERS, *(["names"] if case.tls else [])]
            done = _rounds(names, options.runs, cpu_s)
    return _costs({name: [each / count * 1e6 for each in costs] for name, costs in done.items()})


def _rounds(names: list[str], runs: int, once: Callable[[str], float]) -> dict[str, list[float]]:
    """So many rounds through all stages, because a machine's speed varies."""
    done: dict[str, list[float]] = {name: [] for name in names}
    for _ in range(runs):
        for name in names:
            done[name].append(once(name))
    return done


def _costs(so_far_us: dict[str, list[float]]) -> Rows:
    """Each stage's own cost, round by round, and the cost up to it; names before the last."""
    rows: Rows = {}
    before: list[float] = [0.0] * len(so_far_us["libcurl"])
    for name in _LAYERS:
        here = so_far_us[name]
        if name == "whole" and "names" in so_far_us:
            looked_up = so_far_us["names"]
            before = [a + b for a, b in zip(before, looked_up, strict=True)]
            rows["names"] = {"cpu_us": sample(looked_up), "so_far_cpu_us": sample(before)}
        own = [b - a for a, b in zip(before, here, strict=True)]
        rows[name] = {"cpu_us": sample(own), "so_far_cpu_us": sample(here)}
        before = here
    return rows


def _shown(case: Case, costs: Rows, runs: int) -> str:
    titles = _LAYERS | {"names": _NAMES}
    rows: list[list[float | str]] = [
        [titles[name], figures["cpu_us"].median, figures["so_far_cpu_us"].median]
        for name, figures in costs.items()
    ]
    title = f"{case.title}: CPU microseconds per URL, median of {runs}"
    return table(title, ("stage", "us", "us so far"), rows)
