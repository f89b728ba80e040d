"""`python -m tools.maze`: serves the maze until standard input ends.

Prints one JSON object a line: first the seeds, at the end the requests that each host saw.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys

from tools.maze import graph
from tools.maze.graph import Size
from tools.maze.server import serve


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tools.maze", description=__doc__)
    parser.add_argument("--pages", type=int, default=100_000, help="of the main host")
    parser.add_argument("--depth", type=int, default=12, help="of the crawl (%(default)s)")
    given = parser.parse_args()
    asyncio.run(_serve(Size(given.pages, given.depth)))


async def _serve(size: Size) -> None:
    sites = await serve(size)
    print(json.dumps([site.origin + graph.seed_of(site.host) for site in sites]), flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    print(json.dumps([json.loads(site.tally.hits_json()) for site in sites]), flush=True)


if __name__ == "__main__":
    main()
