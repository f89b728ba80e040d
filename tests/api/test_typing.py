"""A user's strictly typed program type-checks, and mistakes in it are found."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import fetcher
from support import jobs

PROGRAM = """
from collections.abc import Iterator
from pathlib import Path
from typing import assert_type

from fetcher.api import Job, Outcome, Progress, Row, Urls, fetch
from fetcher.errors import FetcherError


def addresses() -> Iterator[str]:
    yield "https://example.com/"


requests = [{"url": "https://example.com/", "method": "POST", "body": "{}"}]
inputs: list[Urls] = [["https://example.com/"], addresses(), requests, Path("urls.txt"), "urls.txt"]

for row in fetch(addresses(), pool_size=500, http={"total_timeout_s": 10}, workers=2):
    assert_type(row, Row)
    assert_type(row.ok, bool)
    assert_type(row.status, int | None)
    assert_type(row.outcome, Outcome)
    assert_type(row.headers, list[tuple[str, str]])
    assert_type(row.header("Content-Type"), str | None)
    assert_type(row.id, str | int | None)
    if row.timings_ms is not None:
        assert_type(row.timings_ms.total, float | None)

with Job(requests, out="out", settings={"worker.pool_size": 500}) as job:
    try:
        assert_type([row.line for row in job.rows()], list[int])
        assert_type(job.wait(), Progress)
    except FetcherError as error:
        print(error, job.progress.outcomes)
"""

MISTAKES = """
from fetcher.api import fetch

fetch(1)
fetch([b"https://example.com/"])
fetch([], pool_size="500")
fetch([], total_timeout_s=10)
next(fetch([])).stauts
"""


def test_strict_mypy_passes_a_right_program_and_finds_each_mistake(tmp_path: Path) -> None:
    right, wrong = tmp_path / "right.py", tmp_path / "wrong.py"
    right.write_text(PROGRAM)
    wrong.write_text(MISTAKES)
    # With the configuration of the project's own check, and so with what it has cached.
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", right, wrong],
        capture_output=True,
        text=True,
        check=False,
        cwd=jobs.ROOT,
        env=jobs.ENV,
        timeout=120,
    )
    found = re.findall(r"(\w+)\.py:(\d+): error", done.stdout)
    assert sorted(set(found)) == [("wrong", str(line)) for line in range(4, 9)], done.stdout


def test_the_package_says_that_it_is_typed() -> None:
    assert fetcher.__file__ is not None
    assert Path(fetcher.__file__).with_name("py.typed").exists()
