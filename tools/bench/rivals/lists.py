"""The command line of each rival, and its result file."""

from __future__ import annotations

import argparse
import resource
from pathlib import Path
from typing import Final

TIMEOUT_S: Final = 60.0
SERVER: Final = "127.0.0.1"


def options(name: str) -> argparse.Namespace:
    """The command line: `urls`, `result_file`, `pool`, `ca` (a file of authorities, or None) and
    `names` (the port of the name server, or 0).
    """
    parser = argparse.ArgumentParser(prog=f"python -m tools.bench.rivals.{name}")
    parser.add_argument("urlfile", type=Path)
    parser.add_argument("result_file", type=Path, help="where the count goes")
    parser.add_argument("--pool", type=int, default=256)
    parser.add_argument("--ca", type=Path, default=None)
    parser.add_argument("--names", type=int, default=0)
    given = parser.parse_args()
    given.urls = given.urlfile.read_text("utf-8").split()
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return given


def tell(given: argparse.Namespace, good: int) -> None:
    """How many answers were whole and 200."""
    given.result_file.write_text(str(good), "ascii")
