"""Starts each engine as its users do, on this machine, for `workers` slots."""

from __future__ import annotations

import contextlib
import importlib.metadata
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Final, NamedTuple

from tools.bench.processes import Fleet
from tools.ports import free_ports
from tools.spark_home import linked_home

START_S: Final = 300.0  # JVMs take minutes on a busy machine
_TURN_S: Final = 0.01


class Engine(NamedTuple):
    """An engine that runs."""

    options: tuple[str, ...] = ()  # of `fetcher run`
    environ: dict[str, str] | None = None  # of `fetcher run`, in addition
    versions: str = ""


def wait(condition: Callable[[], object], what: str) -> float:
    """Wait until the condition is true; the seconds it took. Raises TimeoutError."""
    began = time.monotonic()
    while not condition():
        if time.monotonic() - began > START_S:
            raise TimeoutError(f"{what} did not come in {START_S:g} s")
        time.sleep(_TURN_S)
    return time.monotonic() - began


@contextlib.contextmanager
def _command(_fleet: Fleet, _folder: Path, _workers: int) -> Iterator[Engine]:
    yield Engine(("--engine=command",), versions="processes of this host")


@contextlib.contextmanager
def _celery(fleet: Fleet, folder: Path, workers: int) -> Iterator[Engine]:
    """Redis and one worker of Celery, with a pool of processes."""
    port, redis = free_ports(1), _program("redis-server")
    fleet.start("--port", port, "--bind", "127.0.0.1", "--save", "", "--dir", folder, program=redis)
    broker = f"redis://127.0.0.1:{port}/0"
    log = folder / "celery.log"
    fleet.start(
        *("-m", "celery", "-A", "fetcher.engines.celery", "worker", "-Q", "fetcher"),
        *("-c", workers, "--loglevel=INFO", f"--logfile={log}", "--without-mingle"),
        env={"CELERY_BROKER_URL": broker},
    )
    wait(lambda: log.exists() and " ready." in log.read_text("utf-8"), "Celery")
    options = ("--engine=celery", f"--set=engine.address={broker}")
    yield Engine(options, versions=f"{_version('celery')}, Redis {_redis_version(redis)}")


@contextlib.contextmanager
def _ray(_fleet: Fleet, _folder: Path, _workers: int) -> Iterator[Engine]:
    """A Ray that each job starts for itself."""
    yield Engine(("--engine=ray",), versions=_version("ray"))


@contextlib.contextmanager
def _dask(fleet: Fleet, folder: Path, workers: int) -> Iterator[Engine]:
    """A scheduler, and a worker with a nanny for each slot."""
    address = f"tcp://127.0.0.1:{(port := free_ports(1))}"
    module, local = "distributed.cli.dask_", ("--host=127.0.0.1", "--no-dashboard")
    quiet = {"DASK_LOGGING__DISTRIBUTED": "error"}
    fleet.start("-m", f"{module}scheduler", f"--port={port}", *local, env=quiet)
    wait(lambda: _is_open(port), "the scheduler")
    own = (f"--local-directory={folder}", "--nthreads=1", f"--nworkers={workers}")
    fleet.start("-m", f"{module}worker", address, "--nanny", *local, *own, env=quiet)
    options = ("--engine=dask", f"--set=engine.address={address}")
    yield Engine(options, versions=_version("distributed"))


@contextlib.contextmanager
def _spark(_fleet: Fleet, folder: Path, workers: int) -> Iterator[Engine]:
    """Executors in processes of their own, a core each."""
    _program("java")
    master = f"local-cluster[{workers},1,1024]"
    environ = {"SPARK_HOME": str(linked_home(folder / "spark"))}
    options = ("--engine=spark", f"--set=engine.address={master}")
    yield Engine(options, environ, _version("pyspark"))


ENGINES: Final[dict[str, Callable[[Fleet, Path, int], AbstractContextManager[Engine]]]] = {
    "celery": _celery,
    "command": _command,
    "dask": _dask,
    "ray": _ray,
    "spark": _spark,
}


def _program(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        raise RuntimeError(f"the program {name} is not installed")
    return found


def _version(package: str) -> str:
    return f"{package} {importlib.metadata.version(package)}"


def _redis_version(program: str) -> str:
    said = subprocess.run([program, "--version"], check=True, capture_output=True, text=True)
    return said.stdout.partition("v=")[2].partition(" ")[0]


def _is_open(port: int) -> bool:
    with contextlib.suppress(OSError):
        socket.create_connection(("127.0.0.1", port), 1).close()
        return True
    return False
