"""A cluster of Spark on this machine, for tests: a master and workers (its "standalone" mode)."""

from __future__ import annotations

import contextlib
import functools
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path

import pyspark
import pytest

from support.service import Service, service
from support.waiting import wait_until
from tools.ports import free_ports

EXECUTOR = "CoarseGrainedExecutorBackend"
# Less compilation: these JVMs live for seconds.
QUICK_JVM = {"JAVA_TOOL_OPTIONS": "-XX:+UseSerialGC -XX:TieredStopAtLevel=1"}
_CLASS = "org.apache.spark.deploy"
_HOME = Path(pyspark.__file__).parent
_START_S = 300.0  # on a loaded machine, where one JVM has taken two minutes


def require_java() -> None:
    """Skip the test if Java is not installed."""
    if shutil.which("java") is None:
        pytest.skip("java is not installed: the engine spark is NOT tested")


class SparkCluster:
    """The master, at an address that it keeps, and the workers started last, a core each."""

    def __init__(self, stack: contextlib.ExitStack, folder: Path, env: Mapping[str, str]) -> None:
        self._stack, self._folder, self._environ = stack, folder, env
        self._port = free_ports(1)
        self.address = f"spark://127.0.0.1:{self._port}"
        self.workers: list[Service] = []
        self.start_master()

    @property
    def options(self) -> tuple[str, ...]:
        """The options of `fetcher run` for this cluster."""
        return ("--engine=spark", f"--set=engine.address={self.address}")

    def _start(self, name: str, *words: str) -> Service:
        program = str(_HOME / "bin" / "spark-class")
        command = (program, f"{_CLASS}.{name}", "--host", "127.0.0.1", *words)
        own = {"SPARK_HOME": str(_HOME), "SPARK_DAEMON_MEMORY": "256m", **QUICK_JVM}
        environ = {**self._environ, **own}
        return self._stack.enter_context(service("spark", self._folder, environ, command))

    def start_master(self) -> None:
        self.master = self._start("master.Master", "--port", f"{self._port}", "--webui-port", "0")
        wait_until(
            lambda: "I have been elected" in self.master.text, _START_S, f"{self.master.log}"
        )

    def start_worker(self) -> Service:
        """A worker that starts."""
        size = ("--cores", "1", "--memory", "1g", "--webui-port", "0")
        folder = ("--work-dir", str(self._folder / "work"))
        worker = self._start("worker.Worker", *size, *folder, self.address)
        self.workers.append(worker)
        return worker

    def wait_for_workers(self) -> None:
        """Wait until all have joined the master."""
        for worker in self.workers:
            joined = functools.partial(worker.has_logged, "Successfully registered with master")
            wait_until(joined, _START_S, f"{worker.log}")

    def add_worker(self) -> Service:
        """A worker that has joined."""
        worker = self.start_worker()
        self.wait_for_workers()
        return worker


@contextlib.contextmanager
def spark_cluster(folder: Path, environ: Mapping[str, str], workers: int) -> Iterator[SparkCluster]:
    """A cluster that does not outlive the block."""
    with contextlib.ExitStack() as stack:
        cluster = SparkCluster(stack, folder, environ)
        for _ in range(workers):
            cluster.start_worker()
        cluster.wait_for_workers()
        yield cluster
