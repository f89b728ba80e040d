"""Measures everything that docs/benchmarks.md shows, keeps the figures and writes the page.

All of it takes about 35 minutes on a quiet machine with two cores, and each part at most 5. --only
measures some parts; the figures of the others stay as they are.
"""

from __future__ import annotations

import argparse
import shlex
import time
from collections.abc import Callable
from typing import Final

from tools.bench import figures
from tools.bench.options import add_folder

PARTS: Final = {
    "pipeline": ("pipeline --runs 3 --batch-sizes 500",),
    "memory": ("memory --sizes 10000000",),
    "keepalive": ("speed keepalive --runs 3 --scale 0.6",),
    "hosts": ("speed hosts --runs 3 --scale 0.3",),
    "politeness": ("politeness --runs 3 --scale 0.2",),
    "https": ("speed https --runs 3 --scale 0.15",),
    "late": (
        "speed late --runs 3 --scale 0.2",
        "speed wide --runs 1 --scale 0.5",
        "speed demo --runs 3 --scale 0.3",
    ),
    "start": ("start --runs 9",),
    "slow": ("slow --runs 2 --urls-per-host 4",),
    "mix": ("mix --runs 3 --urls 3000",),
    "stages": ("stages --runs 2 --scale 0.08",),
    "profile": ("profile",),
    "bodies": ("bodies --runs 3 --urls 15000",),
    "export": ("export --runs 3 --rows 200000",),
    "watching": ("watching --runs 3 --rows 400000",),
    "curve": ("curve --runs 3 --lines 400000",),
    "crawl": ("crawl whole --runs 3 --pages 12000", "crawl sink restart --runs 3"),
    "crowd": ("crowd --seconds 10",),
}


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--only", nargs="+", choices=list(PARTS), default=list(PARTS))
    add_folder(parser)


def run(options: argparse.Namespace, main: Callable[[list[str]], int]) -> int:
    """Run each part's benchmarks, then write the page; the exit code.

    `main` runs one benchmark by its command line, and returns its exit code.
    """
    figures.load_all()  # a file that cannot be read is found now, and not at the end
    began = time.monotonic()
    for part in options.only:
        for command in PARTS[part]:
            print(f"\n== {command} ({time.monotonic() - began:.0f} s so far)", flush=True)
            directory = ["--dir", str(options.dir)] if options.dir else []
            code = main([*shlex.split(command), "--save", *directory])
            if code:
                return code
    print(f"\nall of it took {time.monotonic() - began:.0f} s")
    return main(["docs"])
