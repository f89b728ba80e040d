"""Real brokers and workers of Celery, for tests: their own ports and directories, no daemons."""

from __future__ import annotations

import contextlib
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import psutil
import pytest

from support.service import end_family
from support.waiting import wait_until
from tools.ports import free_ports

_RABBITMQ = Path("/usr/lib/rabbitmq/bin/rabbitmq-server")
_START_S = 120.0  # on a loaded machine


def _is_open(port: int) -> bool:
    with contextlib.suppress(OSError):
        socket.create_connection(("127.0.0.1", port), 1).close()
        return True
    return False


class Broker:
    """A broker that can be killed and started again at the same port."""

    def __init__(self, url: str, port: int, command: Sequence[str], env: Mapping[str, str]) -> None:
        self.url = url
        self._port, self._command, self._environ = port, command, env
        self._log = Path(env["BROKER_LOG"])
        self.start()

    def start(self) -> None:
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                self._command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=self._environ
            )
        wait_until(lambda: _is_open(self._port), _START_S, f"the broker: {self._log}")

    def kill(self) -> None:
        """kill -9 of all its processes."""
        family = psutil.Process(self._process.pid)
        for process in [*family.children(recursive=True), family]:
            with contextlib.suppress(psutil.Error):
                process.kill()
        self._process.wait()

    def stop(self) -> None:
        with contextlib.suppress(psutil.Error):
            self.kill()


@contextlib.contextmanager
def redis(folder: Path, environ: Mapping[str, str]) -> Iterator[Broker]:
    """redis-server, which keeps its data over a restart."""
    program = shutil.which("redis-server")
    if program is None:
        pytest.skip("redis-server is not installed")
    port = free_ports(1)
    options = {
        "port": port,
        "bind": "127.0.0.1",
        "dir": folder,
        "appendonly": "yes",
        "appendfsync": "always",
        "save": "",
    }
    command = [
        program,
        *(str(word) for key, value in options.items() for word in (f"--{key}", value)),
    ]
    url = f"redis://127.0.0.1:{port}/0"
    broker = Broker(url, port, command, {**environ, "BROKER_LOG": str(folder / "redis.log")})
    try:
        yield broker
    finally:
        broker.stop()


@contextlib.contextmanager
def rabbitmq(folder: Path, environ: Mapping[str, str]) -> Iterator[Broker]:
    """RabbitMQ with a data directory of its own, and the port mapper that it needs."""
    mapper = shutil.which("epmd")
    if not _RABBITMQ.exists() or mapper is None:
        pytest.skip("rabbitmq-server is not installed")
    port = free_ports(3)
    (folder / "rabbitmq.conf").write_text("loopback_users = none\n")
    (folder / "plugins").write_text("[].\n")
    own = {
        **environ,
        "HOME": str(folder),
        "RABBITMQ_NODENAME": f"t{port}@localhost",
        "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
        "RABBITMQ_NODE_PORT": str(port),
        "RABBITMQ_DIST_PORT": str(port + 1),
        "ERL_EPMD_PORT": str(port + 2),
        "ERL_EPMD_ADDRESS": "127.0.0.1",
        "RABBITMQ_MNESIA_BASE": str(folder / "data"),
        "RABBITMQ_LOG_BASE": str(folder / "log"),
        "RABBITMQ_SCHEMA_DIR": str(folder),
        "RABBITMQ_GENERATED_CONFIG_DIR": str(folder),
        "RABBITMQ_ENABLED_PLUGINS_FILE": str(folder / "plugins"),
        "RABBITMQ_CONF_ENV_FILE": str(folder / "none"),
        "RABBITMQ_CONFIG_FILE": str(folder / "rabbitmq.conf"),
        "BROKER_LOG": str(folder / "rabbitmq.log"),
        # One scheduler, which sleeps when it has nothing to do: other tests need the cores.
        "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "+S 1:1 +sbwt none +sbwtdcpu none +sbwtdio none",
    }
    # Started here, as RabbitMQ would leave it running.
    epmd = subprocess.Popen(
        [mapper, "-port", str(port + 2), "-address", "127.0.0.1"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=own,
    )
    try:
        broker = Broker(f"amqp://guest:guest@127.0.0.1:{port}//", port, [str(_RABBITMQ)], own)
        try:
            yield broker
        finally:
            broker.stop()
    finally:
        epmd.kill()
        epmd.wait()


class CeleryWorker:
    """`celery worker`, with its log in a file."""

    def __init__(self, folder: Path, environ: Mapping[str, str], *options: str) -> None:
        name = f"celery{len(list(folder.glob('celery*.log')))}"
        self.log = folder / f"{name}.log"
        command = [sys.executable, "-m", "celery", "-A", "fetcher.engines.celery", "worker"]
        # Other workers are of no interest, and asking for them takes a second.
        alone = ["--without-mingle", "--without-gossip", "--loglevel=INFO", f"--hostname={name}@%h"]
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [*command, *alone, *options],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=folder,
                env=environ,
            )
        wait_until(lambda: " ready." in self.text, _START_S, f"{self.log}")

    @property
    def text(self) -> str:
        """What it has logged."""
        return self.log.read_text("utf-8", "replace")

    def stop(self, within_s: float = 30) -> int:
        """A warm shutdown; its exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(within_s)


@contextlib.contextmanager
def celery_worker(
    folder: Path, environ: Mapping[str, str], broker: Broker, *options: str
) -> Iterator[CeleryWorker]:
    """A worker of Celery at this broker, whose processes do not outlive the block."""
    running = CeleryWorker(folder, {**environ, "CELERY_BROKER_URL": broker.url}, *options)
    try:
        yield running
    finally:
        end_family(running.process)


def options_of(broker: Broker) -> tuple[str, ...]:
    """The options of `fetcher run` for this broker."""
    return ("--engine=celery", f"--set=engine.address={broker.url}")
