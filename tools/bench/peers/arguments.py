"""The command line of each peer, and its result file."""

from __future__ import annotations

import argparse
import resource
from pathlib import Path
from typing import Final

SERVER: Final = "127.0.0.1"
PER_HOST: Final = 2  # requests to a host at once, where a peer is polite: fetcher's defaults
DELAY_S: Final = 0.2


def options(name: str) -> argparse.Namespace:
    """The command line: `urls`, `result_file`, `pool`, `timeout` (seconds of a request), `ca` (a
    file of authorities, or None), `groups` (for TLS; "": the library's own), `names` (the port of
    the name server, or 0), `polite` and `assets`.
    """
    parser = argparse.ArgumentParser(prog=f"python -m tools.bench.peers.{name}")
    parser.add_argument("urlfile", type=Path)
    parser.add_argument("result_file", type=Path, help="where the count goes")
    parser.add_argument("--pool", type=int, default=256)
    parser.add_argument("--timeout", type=float, default=60.0)
    parser.add_argument("--ca", type=Path, default=None)
    parser.add_argument("--groups", default="")
    parser.add_argument("--names", type=int, default=0)
    parser.add_argument("--polite", action="store_true")
    parser.add_argument("--assets", action="store_true", help="of a crawl: what pages show, too")
    given = parser.parse_args()
    given.urls = given.urlfile.read_text("utf-8").split()
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return given


def write_count(given: argparse.Namespace, good: int) -> None:
    """How many answers were whole and 200."""
    given.result_file.write_text(str(good), "ascii")
