"""What a command takes that has little to do: wall and CPU seconds, also by role.

`fetcher run` of few URLs, `fetcher get` and `--help`, from the start of the command to its end.
CPU is of all processes of the command together,
without the server's. The parts of the roles are measured in other runs than the whole; the rest is
the command's own process.
"""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from msgspec.structs import replace

from tools.bench.figures import Rows, Sample, sample
from tools.bench.lists import write_lines
from tools.bench.options import add_limits, positive_int
from tools.bench.processes import Fleet, children_cpu_s, require_success
from tools.bench.table import Target, show_targets, table
from tools.site.running import RunningSite

_ROLES: Final = ("sink", "ventilator", "worker", "direct_main")
_RUN_1: Final = "run of 1 URL"
_RUN: Final = {_RUN_1: 1, "run of 20 URLs": 20, "run of 1,000 URLs": 1000}
_CPU_BOUND_S: Final = {_RUN_1: 0.45, "--help": 0.15}
_WALL_BOUND_S: Final = {_RUN_1: 0.6}


@dataclass
class Figures:
    """The figures of one command, of each run."""

    wall_s: list[float] = field(default_factory=list)
    cpu_s: list[float] = field(default_factory=list)
    roles_cpu_s: dict[str, list[float]] = field(default_factory=dict)

    def samples(self) -> dict[str, Sample]:
        """Each figure of all runs; the command's own part is what the roles leave of the CPU."""
        roles = {role: sample(each) for role, each in self.roles_cpu_s.items()}
        own_s = statistics.median(self.cpu_s) - sum(each.median for each in roles.values())
        return {
            "wall_s": sample(self.wall_s),
            "cpu_s": sample(self.cpu_s),
            "command_cpu_s": replace(sample([own_s]), runs=len(self.cpu_s)),
        } | {f"{role}_cpu_s": each for role, each in roles.items()}


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--runs", type=positive_int, default=9, help="of each command; medians are shown"
    )
    parser.add_argument("--set", action="append", default=[], help="a setting for fetcher")
    add_limits(parser, 60.0)


def run(options: argparse.Namespace) -> dict[str, Rows]:
    """Measure and print; the figures."""
    figures: dict[str, Figures] = {}
    with (
        tempfile.TemporaryDirectory(prefix="bench-", dir=options.dir) as name,
        Fleet() as fleet,
        RunningSite(latency_ms=0) as site,
    ):
        directory = Path(name)
        commands = _commands(directory, site.base, options.set)
        for _ in range(options.runs):
            for title, words in commands.items():
                _once(fleet, directory, words, figures.setdefault(title, Figures()), options.limit)
    rows = {title: each.samples() for title, each in figures.items()}
    _show(rows, options.runs)
    return {"commands": rows}


def _commands(directory: Path, base: str, settings: Sequence[str]) -> dict[str, list[object]]:
    more = ["--own-servers", *(word for setting in settings for word in ("--set", setting))]
    commands: dict[str, list[object]] = {"--help": ["--help"]}
    commands["get"] = ["get", f"{base}/bytes/1000", *more]
    for title, count in _RUN.items():
        lines = (f"{base}/bytes/1000?n={n}" for n in range(count))
        urls = write_lines(directory / f"{count}.txt", lines)
        commands[title] = ["run", urls, "-o", directory / "out", "--quiet", *more]
    return commands


def _once(
    fleet: Fleet, directory: Path, words: Sequence[object], figures: Figures, limit_s: float
) -> None:
    """Run the command twice: as it is, and to see what its roles take."""
    before_s, began = children_cpu_s(), time.monotonic()
    process = fleet.start("-m", "fetcher", *words)
    code = process.wait(limit_s)
    figures.wall_s.append(time.monotonic() - began)
    figures.cpu_s.append(children_cpu_s() - before_s)
    require_success(code, f"fetcher {words[0]}")
    shutil.rmtree(directory / "out", ignore_errors=True)

    file = directory / "roles"
    process = fleet.start("-m", "tools.bench.accounted", file, *words)
    require_success(process.wait(limit_s), f"fetcher {words[0]}")
    for role, cpu_s in json.loads(file.read_text("ascii")).items():
        figures.roles_cpu_s.setdefault(role, []).append(cpu_s)
    shutil.rmtree(directory / "out", ignore_errors=True)


def _show(commands: Rows, runs: int) -> None:
    rows: list[list[float | str]] = []
    for title, figures in commands.items():
        parts = [
            figures[f"{part}_cpu_s"].median if f"{part}_cpu_s" in figures else ""
            for part in ("command", *_ROLES)
        ]
        rows.append([title, figures["wall_s"].median, figures["cpu_s"].median, *parts])
    head = ("", "wall s", "CPU s", "command", "sink", "ventilator", "workers", "get's process")
    print(table(f"Start and end of a command (medians of {runs})", head, rows), flush=True)
    targets = [
        Target(f"{title}, {key}", commands[title][key].median, bound, "s", at_least=False)
        for key, bounds in (("cpu_s", _CPU_BOUND_S), ("wall_s", _WALL_BOUND_S))
        for title, bound in bounds.items()
    ]
    show_targets(targets)
