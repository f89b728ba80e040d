"""Injects disk errors at each write of a small job: EIO, and short writes.

After EIO the job must stop with exit code 5; the same command on a sound disk then completes it,
and `verify` must prove the result with its bodies. Short writes must cause no error.
"""

from __future__ import annotations

import itertools
import subprocess
import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

from fetcher.errors import Exit
from tools.faults.cluster import ROOT, FaultError, clean_environment
from tools.faults.shim import Shim

_AT_ONCE: Final = 2
_MOST_WRITES: Final = 400
OPTIONS: Final = (
    "--workers=1",
    "--batch-size=20",
    "--quiet",
    "--set=polite.enabled=false",
    "--set=guard.allow=127.0.0.0/8",
    "--set=worker.chunk_rows=10",
    "--set=sink.commit_bytes=1000",
    "--set=sink.segment_bytes=10000",
)
# What fails, and how the job keeps its rows and bodies.
PLACES: Final[dict[str, tuple[str, tuple[str, ...]]]] = {
    "results": ("/results/", ()),
    "results, zstd": ("/results/", ("--set=output.compression=zstd",)),
    "body files": ("/bodies/", ("--set=output.bodies=files",)),
    "WARC files": ("/bodies/", ("--set=output.bodies=warc",)),
    "journal": ("/journal.sqlite", ()),
    "manifest": ("/manifest.json", ()),
}


def try_write_error(
    directory: Path, library: Path, urls: Sequence[str], place: str, at: int
) -> int:
    """The exit code of a job whose write number `at` fails; -1: it never came to that.

    Raises FaultError where the job is not whole after the same command on a sound disk.
    """
    only, options = PLACES[place]
    job = _Job(directory, library, urls, options)
    code, said = job.run(job.shim.environment(write_fails_at=at, only=only))
    if job.shim.has_struck and code not in (Exit.DONE, Exit.DAMAGED):
        raise FaultError(f"{place}, write {at}: exit code {code}: {said[-500:]}")
    if "Traceback" in said:
        raise FaultError(f"{place}, write {at}: {said[-500:]}")
    job.complete_and_prove(f"{place}, write {at}")
    return code if job.shim.has_struck else -1


def try_short_writes(directory: Path, library: Path, urls: Sequence[str], place: str) -> None:
    """A job each of whose writes is a short one. Raises FaultError where that is more than slow."""
    only, options = PLACES[place]
    job = _Job(directory, library, urls, options)
    code, said = job.run(job.shim.environment(short=True, only=only))
    if code:
        raise FaultError(f"{place}, short writes: exit code {code}: {said[-500:]}")
    job.complete_and_prove(f"{place}, short writes")


def write_errors(directory: Path, library: Path, urls: Sequence[str], place: str) -> str:
    """An error at each write there, one job after the other; what was done, in words."""
    codes: list[int] = []
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        for start in itertools.count(1, _AT_ONCE):
            tries = [
                pool.submit(try_write_error, directory / str(at), library, urls, place, at)
                for at in range(start, start + _AT_ONCE)
            ]
            codes += [each.result() for each in tries]
            if min(codes) < 0 or start > _MOST_WRITES:
                break
    struck = [code for code in codes if code >= 0]
    return f"{place}: {len(struck)} errors, {struck.count(Exit.DAMAGED)} of them told (5)"


_NOTHING: Final[Mapping[str, str]] = {}


class _Job:
    def __init__(
        self, directory: Path, library: Path, urls: Sequence[str], options: Sequence[str]
    ) -> None:
        directory.mkdir(parents=True)
        self._out, self._urlfile = directory / "out", directory / "urls.txt"
        self._urlfile.write_text("".join(f"{url}\n" for url in urls), "ascii")
        self._options = (*OPTIONS, *options)
        self.shim = Shim(library, directory / "shim", self._out)

    def run(self, environment: dict[str, str]) -> tuple[int, str]:
        """Exit code, and what it said."""
        command = ("run", str(self._urlfile), "-o", str(self._out), *self._options)
        return self._call(*command, environment=environment)

    def _call(self, *arguments: str, environment: Mapping[str, str] = _NOTHING) -> tuple[int, str]:
        done = subprocess.run(
            [sys.executable, "-m", "fetcher", *arguments],
            cwd=ROOT,
            env=clean_environment() | dict(environment),
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        return done.returncode, done.stdout + done.stderr

    def complete_and_prove(self, what: str) -> None:
        code, said = self.run({})
        if code:
            raise FaultError(f"{what}, then a sound disk: exit code {code}: {said[-500:]}")
        code, said = self._call("verify", str(self._out))
        if code:
            raise FaultError(f"{what}, then a sound disk: not proven: {said[-500:]}")
