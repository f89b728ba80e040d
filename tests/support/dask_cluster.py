"""A cluster of Dask on this machine, for tests: a scheduler, and workers with nannies."""

from __future__ import annotations

import contextlib
import functools
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from support.service import Service, service
from support.waiting import wait_until
from tools.ports import free_ports

NANNY = "distributed.cli.dask_worker"
WORKER = "multiprocessing.spawn"  # the process that a nanny starts
_START_S = 120.0  # on a loaded machine


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
        self.workers: list[Service] = []
        self.start_scheduler()

    @property
    def options(self) -> tuple[str, ...]:
        """The options of `fetcher run` for this cluster."""
        return ("--engine=dask", f"--set=engine.address={self.address}")

    def _start(self, module: str, *words: str, environ: Mapping[str, str] | None = None) -> Service:
        own = {**self._environ, **(environ or {})}
        command = (sys.executable, "-m", module, *words)
        return self._stack.enter_context(service("dask", self._folder, own, command))

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

    def start_worker(self, threads: int = 1, environ: Mapping[str, str] | None = None) -> Service:
        """A worker with a nanny, which starts. `environ`: variables of its own."""
        words = ("--nanny", "--no-dashboard", f"--nthreads={threads}")
        folder = f"--local-directory={self._folder}"
        worker = self._start(NANNY, self.address, *words, folder, environ=environ)
        self.workers.append(worker)
        return worker

    def wait_for_workers(self) -> None:
        """Wait until all have joined the scheduler."""
        for worker in self.workers:
            joined = functools.partial(worker.has_logged, "Registered to:")
            wait_until(joined, _START_S, f"{worker.log}")

    def add_worker(self, threads: int = 1) -> Service:
        """A worker that has joined."""
        worker = self.start_worker(threads)
        self.wait_for_workers()
        return worker


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
