"""`python -m tools.engines NAME`: what an engine costs, beside `fetcher run` on the same cores.

    rate       of the engine as a part of the local rate, from the first commit to the last; runs
               alternate, and the median of the pairs counts
    start      seconds from the command to the first commit
    memory     of the engine's own process that runs a slot, without the slot
    heal       seconds from `kill -9` of that process to the next slot

Loopback only, with a local web site (or --null: nothing is fetched). All that is started is ended.
"""

from __future__ import annotations

import argparse
import contextlib
import shutil
import socket
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Final, NamedTuple

import psutil

from tools.bench.jobs import Job, run_job
from tools.bench.processes import Fleet, compile_modules
from tools.ports import free_ports
from tools.site.running import RunningSite
from tools.spark_home import linked_home

_SLOT: Final = "fetcher.engines.slot_main"
_START_S: Final = 300.0  # JVMs take minutes on a busy machine
_LIMIT_S: Final = 600.0


class Engine(NamedTuple):
    """An engine that runs."""

    options: tuple[str, ...]  # of `fetcher run`
    environ: dict[str, str] | None = None  # of `fetcher run`, in addition


@contextlib.contextmanager
def _command(_fleet: Fleet, _folder: Path, _workers: int) -> Iterator[Engine]:
    yield Engine(("--engine=command",))


@contextlib.contextmanager
def _celery(fleet: Fleet, folder: Path, workers: int) -> Iterator[Engine]:
    """Redis and one worker of Celery, with a pool of processes."""
    port = free_ports(1)
    redis = shutil.which("redis-server") or sys.exit("redis-server is not installed")
    fleet.start("--port", port, "--bind", "127.0.0.1", "--save", "", "--dir", folder, program=redis)
    broker = f"redis://127.0.0.1:{port}/0"
    log = folder / "celery.log"
    fleet.start(
        *("-m", "celery", "-A", "fetcher.engines.celery", "worker", "-Q", "fetcher"),
        *("-c", workers, "--loglevel=INFO", f"--logfile={log}", "--without-mingle"),
        env={"CELERY_BROKER_URL": broker},
    )
    _wait(lambda: log.exists() and " ready." in log.read_text("utf-8"), "Celery")
    yield Engine(("--engine=celery", f"--set=engine.address={broker}"))


@contextlib.contextmanager
def _ray(_fleet: Fleet, _folder: Path, _workers: int) -> Iterator[Engine]:
    """A Ray that each job starts for itself."""
    yield Engine(("--engine=ray",))


@contextlib.contextmanager
def _dask(fleet: Fleet, folder: Path, workers: int) -> Iterator[Engine]:
    """A scheduler, and a worker with a nanny for each slot."""
    address = f"tcp://127.0.0.1:{(port := free_ports(1))}"
    module, quiet = "distributed.cli.dask_", ("--host=127.0.0.1", "--no-dashboard")
    fleet.start("-m", f"{module}scheduler", f"--port={port}", *quiet)
    _wait(lambda: _is_open(port), "the scheduler")
    own = (f"--local-directory={folder}", "--nthreads=1", f"--nworkers={workers}")
    fleet.start("-m", f"{module}worker", address, "--nanny", *quiet, *own)
    yield Engine(("--engine=dask", f"--set=engine.address={address}"))


@contextlib.contextmanager
def _spark(_fleet: Fleet, folder: Path, workers: int) -> Iterator[Engine]:
    """Executors in processes of their own, a core each."""
    master = f"local-cluster[{workers},1,1024]"
    environ = {"SPARK_HOME": str(linked_home(folder / "spark"))}
    yield Engine(("--engine=spark", f"--set=engine.address={master}"), environ)


ENGINES: Final[dict[str, Callable[[Fleet, Path, int], AbstractContextManager[Engine]]]] = {
    "celery": _celery,
    "command": _command,
    "dask": _dask,
    "ray": _ray,
    "spark": _spark,
}


def _is_open(port: int) -> bool:
    with contextlib.suppress(OSError):
        socket.create_connection(("127.0.0.1", port), 1).close()
        return True
    return False


def _wait(condition: Callable[[], object], what: str) -> float:
    """Wait until the condition is true; the seconds it took."""
    began = time.monotonic()
    while not condition():
        if time.monotonic() - began > _START_S:
            raise TimeoutError(f"{what} did not come in {_START_S:g} s")
        time.sleep(0.01)
    return time.monotonic() - began


def _slots() -> list[psutil.Process]:
    found = []
    for process in psutil.Process().children(recursive=True):  # others may run slots here, too
        with contextlib.suppress(psutil.Error):
            if _SLOT in process.cmdline():
                found.append(process)
    return found


def _heal(
    fleet: Fleet, urls: Path, folder: Path, common: tuple[object, ...], engine: Engine
) -> tuple[float, float]:
    """Seconds until a slot is replaced, and the MB of the engine's process that ran it."""
    line = ("-m", "fetcher", "run", urls, "-o", folder / "heal", "--quiet")
    job = fleet.start(*line, *common, *engine.options, env=engine.environ)
    _wait(_slots, "a slot")
    time.sleep(2)
    before = {slot.pid for slot in _slots()}
    runner = psutil.Process(min(before)).parent()
    assert runner is not None
    memory_mb = runner.memory_info().rss / 1e6
    is_driver = runner.pid == job.pid
    (psutil.Process(min(before)) if is_driver else runner).kill()
    healed_s = _wait(lambda: {slot.pid for slot in _slots()} - before, "another slot")
    fleet.end(job)
    _wait(lambda: not _slots(), "the end of the slots")
    return healed_s, memory_mb


def main() -> None:
    """Measure one engine, and print a line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("name", choices=sorted(ENGINES))
    parser.add_argument("--runs", type=int, default=3, help="pairs of runs")
    parser.add_argument("--lines", type=int, default=40_000)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--null", action="store_true", help="fetch nothing: the pipeline alone")
    given = parser.parse_args()
    compile_modules()
    with (
        tempfile.TemporaryDirectory(prefix="engines-") as name,
        RunningSite() as site,
        Fleet() as fleet,
    ):
        folder = Path(name)
        urls = folder / "urls.txt"
        urls.write_text("".join(f"{site.base}/page/{n % 3000}\n" for n in range(given.lines)))
        common: tuple[object, ...] = ("--workers", given.workers, "--own-servers")
        common += (f"--set=engine.connect_s={_START_S:g}",)
        common += ("--set=worker.transport=null",) if given.null else ()
        with ENGINES[given.name](fleet, folder, given.workers) as engine:
            _measure(fleet, urls, folder, given, common, engine)


def _measure(
    fleet: Fleet,
    urls: Path,
    folder: Path,
    given: argparse.Namespace,
    common: tuple[object, ...],
    engine: Engine,
) -> None:
    local: list[Job] = []
    placed: list[Job] = []
    for number in range(given.runs):
        for kind, jobs, by in (("local", local, Engine(())), ("engine", placed, engine)):
            out, options = folder / f"{kind}{number}", (*common, *by.options)
            jobs.append(run_job(fleet, urls, out, *options, limit_s=_LIMIT_S, env=by.environ))
            shutil.rmtree(out)
            print(
                f"{kind}: {jobs[-1].rows_per_s:,.0f} rows/s, first {jobs[-1].first_commit_s:.1f} s"
            )
    pairs = zip(local, placed, strict=True)
    ratio = statistics.median(other.rows_per_s / own.rows_per_s for own, other in pairs)
    start_s = statistics.median(job.first_commit_s or 0.0 for job in placed)
    local_start_s = statistics.median(job.first_commit_s or 0.0 for job in local)
    healed_s, memory_mb = _heal(fleet, urls, folder, common, engine)
    print(
        f"{given.name}: {ratio:.2f} of the local rate, first rows after {start_s:.1f} s (local "
        f"{local_start_s:.1f} s), {memory_mb:.0f} MB, healed in {healed_s:.1f} s"
    )


if __name__ == "__main__":
    main()
