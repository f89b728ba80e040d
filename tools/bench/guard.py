"""A regression run of a few minutes: fetcher's costs as ratios to other programs' in the same run.

The cases are 1 KB over kept connections, 20 KB from a new host each (polite, too), and the same
over verified HTTPS. In each round every program runs once, and a ratio is of one round: CPU and
seconds per URL of fetcher, divided by those of bare pycurl and of aiohttp; and polite divided by
impolite. So a slower machine changes little. Medians and spreads are compared with the stored ones
(tools/bench/results/guard.json) of the same --scale; --store puts these in their place.

Exit codes: 0, nothing is worse; 2, an option or the stored file is wrong; 3, a ratio is worse than
the stored one by more than noise (all of its runs are above all stored runs, and its median by more
than 5 %); 4, nothing is stored, so nothing is measured.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Final

from tools.bench import comparison, figures
from tools.bench.cases import CASES, measurable
from tools.bench.figures import RESULTS, Rows, Sample, sample
from tools.bench.jobs import Job
from tools.bench.options import add_choice, add_limits, positive_float, positive_int
from tools.bench.programs import PROGRAMS
from tools.bench.speed import measure_case
from tools.bench.table import machine, number, table

EXIT_WORSE: Final = 3
EXIT_NOTHING_STORED: Final = 4
_FIGURES: Final = ("cpu_ratio", "time_ratio")
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
    add_choice(parser, "cases", RATIOS)
    parser.add_argument("--runs", type=positive_int, default=5, help="rounds; medians are compared")
    parser.add_argument(
        "--scale", type=positive_float, default=0.15, help="of the speed lists' lengths"
    )
    parser.add_argument("--store", action="store_true", help="keep the ratios for later runs")
    parser.add_argument("--results", type=Path, default=RESULTS, help="the folder of guard.json")
    parser.add_argument("--set", action="append", default=[], help="a setting for fetcher")
    add_limits(parser, 300.0)


def run(options: argparse.Namespace) -> int:
    """Measure, print and compare; the exit code."""
    # Start-up weighs more in short lists: only ratios of the same lists can be compared.
    origin = f"python -m tools.bench guard --scale {options.scale:g}"
    stored = figures.load("guard", options.results).tables
    kept = {name: table for name, table in stored.items() if table.origin == origin}
    names = options.cases or list(RATIOS)
    if options.store:
        figures.require_room("guard", options.results)
    elif not any(_has_ratio(kept[name].rows, name) for name in names if name in kept):
        _say_that_nothing_is_stored(options, origin, {table.origin for table in stored.values()})
        return EXIT_NOTHING_STORED
    print(machine(), flush=True)
    now: dict[str, Rows] = {}
    for name, case in measurable(names):
        programs = sorted({each for pair in RATIOS[name] for each in pair})
        now[name] = _ratios(measure_case(case, programs, options), RATIOS[name])
    for other in sorted({stored[name].origin for name in now if name in stored} - {origin}):
        print(f"\nNot compared, as their lists had another length: the ratios of `{other}`")
    found = comparison.changes(now, {name: table.rows for name, table in kept.items()})
    print(_table(found), flush=True)
    for other in {kept[name].machine for name in now if name in kept} - {figures.where()}:
        print(f"\nThe stored ratios are of another machine or other versions: {other}")
    if options.store:
        print(f"\nstored in {figures.save('guard', now, origin, options.results)}")
    return exit_code(found)


def _has_ratio(stored: Rows, case: str) -> bool:
    """Whether a ratio of the case can be compared with a stored one."""
    rows = (stored.get(f"{one}_per_{other}", {}) for one, other in RATIOS[case])
    return any(figure in row for row in rows for figure in _FIGURES)


def _say_that_nothing_is_stored(
    options: argparse.Namespace, origin: str, others: Collection[str]
) -> None:
    path = options.results / "guard.json"
    there = f"it has those of `{'`, `'.join(sorted(others))}`" if others else "it has none"
    print(
        f"{path}: no ratios of these cases for `{origin}` ({there}); nothing was measured. Store "
        "them with --store on a good version first",
        file=sys.stderr,
    )


def _ratios(
    jobs: Mapping[str, Sequence[tuple[int, Job]]], pairs: Sequence[tuple[str, str]]
) -> Rows:
    def ratio(one: str, other: str, figure: str) -> Sample:
        costs = zip(_costs(jobs[one], figure), _costs(jobs[other], figure), strict=True)
        return sample(a / b for a, b in costs)

    return {
        f"{one}_per_{other}": {figure: ratio(one, other, figure) for figure in _FIGURES}
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


def exit_code(found: Sequence[comparison.Change]) -> int:
    """The exit code; a line on stderr for each ratio that is worse."""
    worse = [change for change in found if change.is_worse]
    for change in worse:
        print(
            f"worse: {change.table}, {change.row}, {change.figure}: {change.now.median:.2f} "
            f"({100 * change.share:+.0f} %)",
            file=sys.stderr,
        )
    return EXIT_WORSE if worse else 0
