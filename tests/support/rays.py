"""Real Rays of two or more nodes on this host, for tests: their own ports, folders and tokens."""

from __future__ import annotations

import contextlib
import os
import secrets
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

import psutil

from support.waiting import wait_until
from tools.ports import free_ports

_RAY = [sys.executable, "-c", "from ray.scripts.scripts import main; main()"]
_START_S = 120.0  # on a loaded machine
_STORE_BYTES = 80_000_000
_STARTED = "Ray runtime started"
_TOO_SLOW = "timed out during startup"
_TRIES = 4
ACTOR = "ray::FetcherSlot"


class Node:
    """`ray start --block`: a node of Ray, whose processes are a process group."""

    def __init__(self, log: Path, environ: Mapping[str, str], cpus: int, *options: str) -> None:
        self._log, self._environ = log, environ
        self._command = [
            *(*_RAY, "start", "--block", "--disable-usage-stats", f"--num-cpus={cpus}"),
            *(f"--object-store-memory={_STORE_BYTES}", *options),
        ]
        self._process = self._start()
        self._tries = 1
        wait_until(self._has_started, _TRIES * _START_S, f"a node of Ray: {log}")

    def _start(self) -> subprocess.Popen[bytes]:
        with self._log.open("wb") as output:
            return subprocess.Popen(
                self._command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env=self._environ,
                start_new_session=True,
            )

    def _has_started(self) -> bool:
        """Whether it runs. A node that has given up after Ray's own 30 s is started again."""
        text = self._log.read_text("utf-8")
        if self._process.poll() is not None:
            assert _TOO_SLOW in text and self._tries < _TRIES, text
            self._process = self._start()
            self._tries += 1
        return _STARTED in text

    def kill(self) -> None:
        """kill -9 of all its processes, as if its host had failed."""
        with contextlib.suppress(psutil.Error, ProcessLookupError):
            family = psutil.Process(self._process.pid).children(recursive=True)
            os.killpg(self._process.pid, signal.SIGKILL)
            for process in family:
                with contextlib.suppress(psutil.Error):
                    process.kill()
        self._process.wait()

    def kill_raylet(self) -> None:
        """kill -9 of the process that runs its actors."""
        for process in psutil.Process(self._process.pid).children():
            if process.name() == "raylet":
                process.kill()
        self._process.wait(_START_S)


class Cluster:
    """A Ray with a head, which runs no slot, and nodes of one CPU each."""

    def __init__(self, folder: Path, environ: Mapping[str, str]) -> None:
        self._folder, self._logs = folder, 0
        port = free_ports(2)
        self.address, self.client = f"127.0.0.1:{port}", f"ray://127.0.0.1:{port + 1}"
        self.environ = {
            **environ,
            "RAY_USAGE_STATS_ENABLED": "0",
            "RAY_AUTH_MODE": "token",
            "RAY_AUTH_TOKEN": secrets.token_hex(32),
        }
        self.head = self._start(
            0,
            "--head",
            "--include-dashboard=false",
            f"--port={port}",
            f"--ray-client-server-port={port + 1}",
            f"--temp-dir={folder}",
        )
        self.nodes: list[Node] = []

    def add(self) -> Node:
        node = self._start(1, f"--address={self.address}")
        self.nodes.append(node)
        return node

    def _start(self, cpus: int, *options: str) -> Node:
        self._logs += 1
        log = self._folder / f"node{self._logs}.log"
        return Node(log, self.environ, cpus, "--node-ip-address=127.0.0.1", *options)

    def kill(self) -> None:
        for node in (*self.nodes, self.head):
            node.kill()


@contextlib.contextmanager
def cluster(environ: Mapping[str, str], nodes: int) -> Iterator[Cluster]:
    """A cluster whose processes do not outlive the block."""
    # Not pytest's folder: the paths of Ray's sockets would be too long.
    with tempfile.TemporaryDirectory(prefix="ray", dir="/tmp", ignore_cleanup_errors=True) as name:
        running = Cluster(Path(name), environ)
        try:
            for _ in range(nodes):
                running.add()
            yield running
        finally:
            running.kill()
