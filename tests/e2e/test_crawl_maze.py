"""`fetcher crawl` finds exactly what a hostile site has, also when its roles are killed."""

from __future__ import annotations

import contextlib
import functools
import json
import random
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from support import jobs
from support.waiting import wait_until
from tools.maze import graph, oracle
from tools.maze.graph import Size

pytestmark = pytest.mark.promise

_OF_ROBOTS = {"/robots.txt", "/sitemap.xml"}
_KILLS = 12


class Maze:
    """A running maze: its seeds, and the requests that each host saw until it ended."""

    def __init__(self, process: subprocess.Popen[str], size: Size) -> None:
        self._process = process
        self.size = size
        self.seeds: list[str] = json.loads(self._line())

    def _line(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline()

    def hits(self) -> list[dict[str, int]]:
        """End the maze; the number of requests by request target, for each host."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        return [
            {target: count for target, count in hits.items() if target not in _OF_ROBOTS}
            for hits in json.loads(self._line())
        ]

    def pages(self, host: int) -> set[str]:
        """The request targets that a right crawl asks a host for."""
        return oracle.requests_of(host, self.size)


@contextlib.contextmanager
def maze(pages: int, depth: int) -> Iterator[Maze]:
    """A maze that does not outlive the block."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tools.maze", f"--pages={pages}", f"--depth={depth}"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=jobs.ROOT,
        text=True,
    )
    try:
        yield Maze(process, Size(pages, depth))
    finally:
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout):
            assert pipe is not None
            pipe.close()


def require_rows(out: Path, at: Maze) -> None:
    """One row for each page that a right crawl finds, and nothing else."""
    rows = Counter(row.url for row in jobs.rows(out))
    origins = [seed[: seed.index("/", 8)] for seed in at.seeds]
    right = {origin + target for host, origin in enumerate(origins) for target in at.pages(host)}
    assert rows.keys() - right == set(), "pages that a right crawl does not fetch"
    assert right - rows.keys() == set(), "pages that a right crawl fetches"
    assert rows == Counter(right)


def command(at: Maze, out: Path) -> tuple[object, ...]:
    return ("crawl", *at.seeds, "-o", out, "--depth", at.size.depth, "--workers=2")


def test_a_maze_is_crawled_as_its_oracle_says_with_one_request_for_each_page(
    tmp_path: Path,
) -> None:
    out = tmp_path / "out"
    with maze(pages=2000, depth=9) as at:
        done = jobs.call(*command(at, out))
        assert done.returncode == 0, done.stderr
        hits = at.hits()
        for host in range(graph.HOSTS):
            # A page that asks for a cookie first is asked for again, with the cookie.
            asked = {page: 1 + page.startswith("/bounce/") for page in at.pages(host)}
            assert hits[host] == asked, host
        assert not any(page.startswith("/never") for page in hits[graph.MAIN])
        require_rows(out, at)
    verdict = jobs.call("verify", out)
    assert verdict.returncode == 0, verdict.stdout + verdict.stderr


@pytest.mark.slow
def test_a_large_maze_is_crawled_as_its_oracle_says_though_roles_are_killed(
    tmp_path: Path,
) -> None:
    out, dice = tmp_path / "out", random.Random(16)
    lease = ("--set=lease.silent_s=2", "--set=lease.unclaimed_s=5")
    with maze(pages=100_000, depth=12) as at:
        total = sum(len(at.pages(host)) for host in range(graph.HOSTS))
        moments = sorted(dice.sample(range(total // 20, total * 19 // 20), _KILLS))
        with jobs.forked(*command(at, out), *lease) as job:
            for count in moments:
                reached = functools.partial(_has_rows, out, count)
                wait_until(reached, 600, f"{count} of {total} rows")
                job.kill(dice.choice(("worker", "sink", "ventilator")))
            code, _, error = job.wait(600)
            assert code == 0, error
        require_rows(out, at)
        hits = at.hits()
        for host in range(graph.HOSTS):
            assert hits[host].keys() == at.pages(host), host


def _has_rows(out: Path, count: int) -> bool:
    return jobs.committed(out) >= count
