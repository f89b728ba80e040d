"""Kills the sink (kill -9) at each of its writes, truncations, syncs and renames, one at a time.

Every such step of a small job is tried, at its start and its end, too: the sweep ends when a job
completes without being killed. After each kill the job is resumed and verified.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tools.faults.cluster import ROOT, FaultError, clean_environment, prove
from tools.faults.shim import Shim

_LINES: Final = 60
_AT_ONCE: Final = 2
_MOST_STEPS: Final = 1_000
_OPTIONS: Final = (
    "--workers=1",
    "--batch-size=20",
    "--quiet",
    "--set=worker.transport=null",
    "--set=worker.chunk_rows=10",
    "--set=sink.commit_bytes=1000",  # a commit for each chunk
    "--set=sink.segment_bytes=10000",  # and more than one segment
    "--set=lease.finished_s=1",
    "--set=lease.silent_s=1",
)


@dataclass(frozen=True)
class Try:
    """One job with one kill: whether it came to that, and what was wrong after it."""

    step: int
    struck: bool
    steps: int
    error: str = ""


def try_step(directory: Path, library: Path, step: int, *, torn: bool) -> Try:
    """A job whose sink is killed at this step, to its end. It removes its files."""
    directory.mkdir(parents=True)
    out, urlfile = directory / "out", directory / "urls.txt"
    urls = [f"http://test.invalid/{n}" for n in range(_LINES)]
    urlfile.write_text("".join(f"{url}\n" for url in urls), "ascii")
    shim = Shim(library, directory / "shim", out)
    variables = shim.environment(kill_at=step, torn=torn)
    command = [sys.executable, "-m", "fetcher", "run", str(urlfile), "-o", str(out), *_OPTIONS]
    error = ""
    try:
        for _ in range(2):  # the second time, where it was the supervisor that was killed
            done = subprocess.run(
                command,
                cwd=ROOT,
                env=clean_environment() | variables,
                capture_output=True,
                text=True,
                timeout=120,
                check=False,
            )
            if done.returncode == 0:
                break
        else:
            raise FaultError(f"exit code {done.returncode}: {done.stderr[-500:]}")
        prove(out, urlfile, urls)
    except (FaultError, subprocess.TimeoutExpired) as wrong:
        error = f"killed at step {step}{' (torn)' if torn else ''}: {wrong}"
    found = Try(step, shim.has_struck, shim.steps, error)
    if not error:
        shutil.rmtree(directory)
    return found


def sweep(directory: Path, library: Path, *, torn: bool, first: int = 1, stride: int = 1) -> str:
    """All steps from `first`, or every so many; what was done, in words. Raises FaultError."""
    struck = steps = 0
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        for start in range(first, _MOST_STEPS, stride * _AT_ONCE):
            tries = [
                pool.submit(try_step, directory / f"step{step}", library, step, torn=torn)
                for step in range(start, start + stride * _AT_ONCE, stride)
            ]
            found = [each.result() for each in tries]
            for each in found:
                if each.error:
                    raise FaultError(each.error)
            struck += sum(each.struck for each in found)
            steps = max(steps, *(each.steps for each in found))
            if not all(each.struck for each in found):
                return f"{struck} jobs, each killed at another step and resumed"
    raise FaultError(f"no end after {_MOST_STEPS} steps")
