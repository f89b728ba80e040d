"""A regression run of a few minutes: fetcher's costs as ratios to other programs' in the same run.

The cases are 1 KB over kept connections, 20 KB from a new host each (polite, too), and the same
over verified HTTPS. In each round every program runs once, and a ratio is of one round: CPU and
seconds per URL of fetcher, divided by those of bare pycurl and of aiohttp; and polite divided by
impolite. So a slower machine changes little. Medians and spreads are compared with the stored ones
(tools/bench/results/guard.json) of the same --scale; --store puts these in their place.

Exit codes: 0, nothing is worse; 3, a ratio is worse than the stored one by more than noise (all of
its runs are above all stored runs, and its median by more than 5 %); 4, nothing is stored.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from tools.bench import comparison, figures
from tools.bench.cases import CASES, chosen, measurable
from tools.bench.figures import RESULTS, Rows, Sample, sample
from tools.bench.jobs import Job
from tools.bench.programs import PROGRAMS
from tools.bench.speed import measure_case
from tools.bench.table import machine, number, table

EXIT_WORSE: Final = 3
EXIT_NOTHING_STORED: Final = 4
_PEERS: Final = ("pycurl_multi", "aiohttp_loop")
# Which costs are divided by which, for each case.
RATIOS: Final[Mapping[str, Sequence[tuple[str, str]]]] = {
    "keepalive": [("fetcher", peer) for peer in _PEERS],
    "hosts": [
        *(("fetcher", peer) for peer in _PEERS),
        *(("fetcher_polite", peer) for peer in _PEERS),
        ("fetcher_polite", "fetcher"),
    ],
    "https": [("fetcher", peer) for peer in _PEERS],
}


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("cases", nargs="*", default=[], help=f"of {', '.join(RATIOS)}; none: all")
    parser.add_argument("--runs", type=int, default=5, help="rounds; medians are compared")
    parser.add_argument("--scale", type=float, default=0.15, help="of the speed lists' lengths")
    parser.add_argument("--store", action="store_true", help="keep the ratios for later runs")
    parser.add_argument("--results", type=Path, default=RESULTS, help="the folder of guard.json")
    parser.add_argument("--set", action="append", default=[], help="a setting for fetcher")
    parser.add_argument("--limit", type=float, default=300.0, help="seconds that a run may take")
    parser.add_argument("--dir", type=Path, default=None, help="where the temporary files go")


def run(options: argparse.Namespace) -> int:
    """Measure, print and compare; the exit code."""
    names = chosen(options.cases, RATIOS)
    print(machine(), flush=True)
    now: dict[str, Rows] = {}
    for name, case in measurable(names):
        programs = sorted({each for pair in RATIOS[name] for each in pair})
        now[name] = _ratios(measure_case(case, programs, options), RATIOS[name])
    # Start-up weighs more in short lists: only ratios of the same lists can be compared.
    origin = f"python -m tools.bench guard --scale {options.scale:g}"
    stored = figures.load("guard", options.results).tables
    kept = {name: table for name, table in stored.items() if table.origin == origin}
    for other in sorted({stored[name].origin for name in now if name in stored} - {origin}):
        print(f"\nNot compared, as their lists had another length: the ratios of `{other}`")
    found = comparison.changes(now, {name: table.rows for name, table in kept.items()})
    print(_table(found), flush=True)
    for other in {kept[name].machine for name in now if name in kept} - {figures.where()}:
        print(f"\nThe stored ratios are of another machine or other versions: {other}")
    if options.store:
        print(f"\nstored in {figures.save('guard', now, origin, options.results)}")
    return exit_code(found, options)


def _ratios(
    jobs: Mapping[str, Sequence[tuple[int, Job]]], pairs: Sequence[tuple[str, str]]
) -> Rows:
    def ratio(one: str, other: str, figure: str) -> Sample:
        costs = zip(_costs(jobs[one], figure), _costs(jobs[other], figure), strict=True)
        return sample(a / b for a, b in costs)

    return {
        f"{one}_per_{other}": {
            figure: ratio(one, other, figure) for figure in ("cpu_ratio", "time_ratio")
        }
        for one, other in pairs
    }


def _costs(done: Sequence[tuple[int, Job]], figure: str) -> list[float]:
    """Seconds of one URL in each round: of CPU time or of wall time."""
    is_cpu = figure == "cpu_ratio"
    return [(job.cpu_s if is_cpu else job.wall_s) / count for count, job in done]


def _table(found: Sequence[comparison.Change]) -> str:
    rows: list[list[float | str]] = []
    for change in found:
        one, other = (PROGRAMS[name].title for name in change.row.split("_per_"))
        rows.append(
            [
                f"{CASES[change.table].title}: {one} / {other}",
                "CPU" if change.figure == "cpu_ratio" else "time",
                *_cells(change.now),
                *(_cells(change.stored) if change.stored else ("-", "-")),
                f"{100 * change.share:+.0f} %" if change.stored else "-",
                change.verdict,
            ]
        )
    head = ("cost of a URL", "of", "now", "lowest - highest", "stored", "lowest - highest", "", "")
    return table("fetcher's costs as ratios (less is better)", head, rows)


def _cells(each: Sample) -> tuple[str, str]:
    return f"{each.median:.2f}", f"{number(each.lowest)} - {number(each.highest)}"


def exit_code(found: Sequence[comparison.Change], options: argparse.Namespace) -> int:
    """The exit code; a line on stderr for each ratio that is worse."""
    worse = [change for change in found if change.is_worse]
    for change in worse:
        print(
            f"worse: {change.table}, {change.row}, {change.figure}: {change.now.median:.2f} "
            f"({100 * change.share:+.0f} %)",
            file=sys.stderr,
        )
    if worse:
        return EXIT_WORSE
    if all(change.stored is None for change in found) and not options.store:
        print(
            f"nothing to compare with: {options.results} has no stored ratios of such lists; "
            "run it with --store on a good version first",
            file=sys.stderr,
        )
        return EXIT_NOTHING_STORED
    return 0
