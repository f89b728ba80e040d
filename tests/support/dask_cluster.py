"""A cluster of Dask on this machine, for tests: a scheduler, and workers with nannies."""

from __future__ import annotations

import contextlib
import functools
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import psutil

from support.waiting import wait_until
from tools.ports import free_ports

NANNY = "distributed.cli.dask_worker"
WORKER = "multiprocessing.spawn"  # the process that a nanny starts
_START_S = 120.0  # on a loaded machine


class DaskProcess:
    """A program of Dask, with its log in a file."""

    def __init__(self, folder: Path, environ: Mapping[str, str], module: str, *words: str) -> None:
        self.log = folder / f"dask-{len(list(folder.glob('dask-*.log')))}.log"
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", module, *words],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=folder,
                env=environ,
            )

    @property
    def text(self) -> str:
        """What it has logged."""
        return self.log.read_text("utf-8", "replace")

    def kill(self) -> None:
        """kill -9 of this process alone."""
        self.process.kill()
        self.process.wait()

    def stop(self, within_s: float = 30) -> int:
        """Ask it to leave in order; its exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(within_s)


class DaskCluster:
    """The scheduler, at an address that it keeps, and the workers started last."""

    def __init__(
        self,
        stack: contextlib.ExitStack,
        folder: Path,
        env: Mapping[str, str],
        protocol: str = "tcp",
    ) -> None:
        self._stack, self._folder, self._environ = stack, folder, env
        self._port = free_ports(1)
        self.address = f"{protocol}://127.0.0.1:{self._port}"
        self.workers: list[DaskProcess] = []
        self.start_scheduler()

    @property
    def options(self) -> tuple[str, ...]:
        """The options of `fetcher run` for this cluster."""
        return ("--engine=dask", f"--set=engine.address={self.address}")

    def _start(
        self, module: str, *words: str, environ: Mapping[str, str] | None = None
    ) -> DaskProcess:
        own = {**self._environ, **(environ or {})}
        return self._stack.enter_context(_ended(DaskProcess(self._folder, own, module, *words)))

    def start_scheduler(self) -> None:
        self.scheduler = self._start(
            "distributed.cli.dask_scheduler",
            *(
                f"--host={self.address.rpartition(':')[0]}",
                f"--port={self._port}",
                "--no-dashboard",
            ),
        )
        wait_until(lambda: "Scheduler at:" in self.scheduler.text, _START_S, "the scheduler")

    def start_worker(
        self, threads: int = 1, environ: Mapping[str, str] | None = None
    ) -> DaskProcess:
        """A worker with a nanny, which starts. `environ`: variables of its own."""
        words = ("--nanny", "--no-dashboard", f"--nthreads={threads}")
        folder = f"--local-directory={self._folder}"
        worker = self._start(NANNY, self.address, *words, folder, environ=environ)
        self.workers.append(worker)
        return worker

    def wait_for_workers(self) -> None:
        """Wait until all have joined the scheduler."""
        for worker in self.workers:
            wait_until(functools.partial(_has_joined, worker), _START_S, f"{worker.log}")

    def add_worker(self, threads: int = 1) -> DaskProcess:
        """A worker that has joined."""
        worker = self.start_worker(threads)
        self.wait_for_workers()
        return worker


def _has_joined(worker: DaskProcess) -> bool:
    return "Registered to:" in worker.text


@contextlib.contextmanager
def _ended(running: DaskProcess) -> Iterator[DaskProcess]:
    """The process and its children do not outlive the block."""
    try:
        yield running
    finally:
        with contextlib.suppress(psutil.Error):
            family = psutil.Process(running.process.pid)
            for process in [*family.children(recursive=True), family]:
                with contextlib.suppress(psutil.Error):
                    process.kill()
        running.process.wait()


@contextlib.contextmanager
def dask_cluster(
    folder: Path,
    environ: Mapping[str, str],
    workers: int,
    threads: int = 1,
    protocol: str = "tcp",
) -> Iterator[DaskCluster]:
    """A cluster that does not outlive the block."""
    with contextlib.ExitStack() as stack:
        cluster = DaskCluster(stack, folder, environ, protocol)
        for _ in range(workers):
            cluster.start_worker(threads)
        cluster.wait_for_workers()
        yield cluster
