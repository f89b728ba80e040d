"""The programs that are compared: how each is started, and what work it does beyond fetching."""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tools.bench import binaries
from tools.bench.cases import TLS_GROUPS, Case, Server, can_set_groups
from tools.bench.jobs import Job, run_job
from tools.bench.processes import OWN_SERVERS, Fleet, Peaks, children_cpu_s, cores, require_success

POLITE_SETTING: Final = "polite.enabled=true"  # at most 2 at once to a host, 0.2 s apart
OUR_LIMITS: Final = "2 at once, 0.2 s apart"


@dataclass(frozen=True)
class Program:
    """A program, and what it does for each URL."""

    name: str
    title: str
    names: str  # who looks names up, where hosts have names
    keeps: str  # what is there at its end
    verifies: str = "yes"  # certificates
    limits: str = "-"  # for each host
    share: float = 1.0  # of the list: each takes about as long, as far as that is known
    runs_as: str = ""  # a module of tools.bench.peers; else the name of the executable
    polite: bool = False

    @property
    def is_ours(self) -> bool:
        return self.name in OURS

    @property
    def is_there(self) -> bool:
        """Whether it can be started on this machine."""
        return bool(self.runs_as) or self.is_ours or shutil.which(self.name) is not None


OURS: Final = ("fetcher", "fetcher_polite")
_ROWS: Final = "a row each, committed; a digest of each body"
PROGRAMS: Final = {
    program.name: program
    for program in (
        Program("fetcher", "fetcher", "itself (c-ares)", _ROWS),
        Program(
            "fetcher_polite",
            "fetcher, polite",
            *("itself (c-ares)", _ROWS),
            limits=OUR_LIMITS,
            polite=True,
        ),
        Program(
            "aiohttp_loop",
            "aiohttp + uvloop",
            *("itself (aiodns)", "nothing"),
            runs_as="aiohttp_loop",
        ),
        Program(
            "aiohttp_polite",
            "aiohttp + uvloop, a limiter for each host",
            *("itself (aiodns)", "nothing"),
            limits=f"{OUR_LIMITS}: a semaphore and a clock in 20 lines of the user",
            runs_as="aiohttp_loop",
            polite=True,
        ),
        Program(
            "requests_pool",
            "requests, tuned",
            *("-", "nothing"),
            share=0.12,
            runs_as="requests_pool",
        ),
        Program(
            "article",
            "requests, as articles teach",
            *("-", "a line of JSON each, not synced"),
            share=0.06,
            runs_as="article",
        ),
        Program(
            "scrapy_spider",
            "Scrapy",
            *("itself (aiodns)", "nothing"),
            share=0.06,
            runs_as="scrapy_spider",
        ),
        Program(
            "scrapy_polite",
            "Scrapy, polite",
            *("itself (aiodns)", "nothing"),
            limits=f"{OUR_LIMITS}: its own settings",
            share=0.06,
            runs_as="scrapy_spider",
            polite=True,
        ),
        Program(
            "curl",
            "curl --parallel",
            *("no one: pinned by --resolve", "a status each; bodies to /dev/null"),
        ),
        Program("aria2c", "aria2c", *("-", "a file for each body"), share=0.01),
        Program("wget2", "wget2", *("-", "all bodies, in one file"), share=0.25),
        Program(
            "pycurl_multi",
            "bare pycurl",
            *("no one: pinned by RESOLVE", "nothing"),
            runs_as="pycurl_multi",
        ),
    )
}


def measure(
    program: Program,
    fleet: Fleet,
    urls: Path,
    case: Case,
    server: Server,
    limit_s: float,
    more: Sequence[str] = (),
) -> Job:
    """One run of any program; `more` settings where it is fetcher."""
    if program.is_ours:
        polite = (POLITE_SETTING,) if program.polite else ()
        return ours(fleet, urls, urls.with_name("out"), case, server, limit_s, (*polite, *more))
    return peer(program, fleet, urls, case, server, limit_s)


def ours(
    fleet: Fleet,
    urls: Path,
    out: Path,
    case: Case,
    server: Server,
    limit_s: float,
    more: Sequence[str] = (),
    look: Callable[[Path], object] = lambda out: None,
    workers: int = 1,
) -> Job:
    """One run of `fetcher run`; `more` settings than the case needs; `look` at OUT at the end."""
    words = [word for setting in (*server.settings, *more) for word in ("--set", setting)]
    try:
        job = run_job(
            fleet,
            urls,
            out,
            *("-c", OWN_SERVERS, "--workers", workers, "--pool-size", case.pool, *words),
            limit_s=limit_s,
            core=cores()[1],
        )
        look(out)
        return job
    finally:
        shutil.rmtree(out, ignore_errors=True)


def peer(
    program: Program, fleet: Fleet, urls: Path, case: Case, server: Server, limit_s: float
) -> Job:
    """One run of another program. Raises MeasurementError where it fails."""
    if program.runs_as:
        return _module(program, fleet, urls, case, server, limit_s)
    folder = urls.with_name("files")
    folder.mkdir()
    try:
        return _executable(program, fleet, urls, folder, case, server, limit_s)
    finally:
        shutil.rmtree(folder)


def _module(
    program: Program, fleet: Fleet, urls: Path, case: Case, server: Server, limit_s: float
) -> Job:
    result_file = urls.with_name("result")
    words: list[object] = ["--pool", case.pool, "--timeout", server.timeout_s]
    if program.name == "article":
        words = ["--pool-size", case.pool, "--batch-size", 4 * case.pool, "--processes", 1]
    if server.ca_file is not None:
        words += ["--ca", server.ca_file, "--groups", TLS_GROUPS if can_set_groups() else ""]
    if server.names_port:
        words += ["--names", server.names_port]
    if program.polite:
        words.append("--polite")
    module = ("-m", f"tools.bench.peers.{program.runs_as}", urls, result_file, *words)

    def good() -> int:
        if program.name == "article":
            return result_file.read_bytes().count(b'"status": 200')
        return int(result_file.read_bytes())

    job = timed_program(program.title, fleet, *module, env=server.environment(), limit_s=limit_s)
    job.good = good()
    return job


def _executable(
    program: Program,
    fleet: Fleet,
    urls: Path,
    folder: Path,
    case: Case,
    server: Server,
    limit_s: float,
) -> Job:
    command = binaries.COMMANDS[program.name](
        urls.read_text("utf-8").split(), folder, case.pool, server
    )
    executable = shutil.which(program.name)
    assert executable is not None
    output = folder / "output"
    with output.open("wb") as file:
        job = timed_program(
            program.title,
            fleet,
            *command,
            executable=executable,
            output=file.fileno(),
            env=server.environment(),
            limit_s=limit_s,
        )
    job.good = binaries.GOOD[program.name](folder, output, case.body_bytes)
    return job


def timed_program(
    title: str,
    fleet: Fleet,
    *words: object,
    limit_s: float,
    env: dict[str, str] | None = None,
    executable: str = sys.executable,
    output: int = subprocess.DEVNULL,
) -> Job:
    peaks = Peaks()
    cpu_before = children_cpu_s()
    began = time.monotonic()
    process = fleet.start(
        *words,
        program=executable,
        core=cores()[1],
        output=output,
        env=env,
    )
    require_success(fleet.wait(process, limit_s, peaks=peaks), title)
    wall_s = time.monotonic() - began
    return Job(wall_s=wall_s, cpu_s=children_cpu_s() - cpu_before, peaks=peaks)
