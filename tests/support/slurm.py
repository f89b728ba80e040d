"""A Slurm cluster of one machine for tests: real daemons, two nodes, in a folder of its own."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import psutil

from support.waiting import wait_until
from tools.ports import free_ports

NODES: Final = ("node1", "node2")
_PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "srun", "scontrol", "squeue")


def missing() -> str:
    """Why no cluster can run here; "" if one can."""
    gone = [name for name in _PROGRAMS if shutil.which(name) is None]
    if gone:
        return f"{gone[0]} is not installed (apt-get install slurm-wlm): the job is NOT run"
    return "" if os.geteuid() == 0 else "Slurm's daemons need root: the job is NOT run"


class Slurm:
    """munged, slurmctld, and a slurmd for each node. `close` ends them all."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._daemons: list[subprocess.Popen[bytes]] = []
        for name in ("state", *NODES):
            (folder / name).mkdir(parents=True)
        self.job = str(_first_job())
        self._conf = folder / "slurm.conf"
        self._conf.write_text(self._text(), "utf-8")
        key = folder / "munge.key"
        key.write_bytes(os.urandom(1024))
        key.chmod(0o600)
        socket_path = folder / "munge.sock"
        self._start(
            "munged", "--foreground", "--force", f"--key-file={key}", f"--socket={socket_path}",
            f"--pid-file={folder / 'munged.pid'}", f"--seed-file={folder / 'munged.seed'}",
        )  # fmt: skip
        wait_until(socket_path.exists, what="munged's socket")
        self._start("slurmctld", "-D", "-f", str(self._conf))
        self._nodes = {node: self._start_node(node) for node in NODES}
        wait_until(lambda: self.run("sinfo", "-h", "-o", "%T").stdout == "idle\n", 60, "the nodes")

    def _text(self) -> str:
        folder, host = self._folder, socket.gethostname()
        control = free_ports(1 + len(NODES))
        nodes = [
            f"NodeName={node} NodeHostname={host} NodeAddr=127.0.0.1 Port={port} CPUs=2\n"
            for port, node in enumerate(NODES, control + 1)
        ]
        return (
            f"ClusterName=test\nSlurmctldHost={host}(127.0.0.1)\nSlurmUser=root\n"
            f"AuthType=auth/munge\nAuthInfo=socket={folder}/munge.sock\n"
            f"FirstJobId={self.job}\nSlurmctldPort={control}\nStateSaveLocation={folder}/state\n"
            f"SlurmdSpoolDir={folder}/%n\nSlurmctldPidFile={folder}/control.pid\n"
            f"SlurmdPidFile={folder}/%n.pid\nSlurmctldLogFile={folder}/control.log\n"
            f"SlurmdLogFile={folder}/%n.log\nProctrackType=proctrack/pgid\nTaskPlugin=task/none\n"
            "SelectType=select/cons_tres\nSelectTypeParameters=CR_CPU\nMpiDefault=none\n"
            f"ReturnToService=2\n{''.join(nodes)}"
            "PartitionName=main Nodes=ALL Default=YES State=UP\n"
        )

    def _start(self, *words: str) -> subprocess.Popen[bytes]:
        with (self._folder / f"{words[0]}.stderr").open("ab") as log:
            daemon = subprocess.Popen(
                words, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=self._env
            )
        self._daemons.append(daemon)
        return daemon

    def _start_node(self, node: str) -> subprocess.Popen[bytes]:
        return self._start("slurmd", "-D", "-N", node, "-f", str(self._conf))

    def lose(self, node: str) -> None:
        """kill -9 of all processes of the node, as if its host had failed; Slurm notices it."""
        for process in [psutil.Process(self._nodes[node].pid), *self._tasks(node)]:
            with contextlib.suppress(psutil.Error):
                process.kill()
        self.run("scontrol", "update", f"NodeName={node}", "State=DOWN", "Reason=lost")

    def find(self, node: str) -> None:
        """Start a lost node again."""
        self._nodes[node] = self._start_node(node)
        self.run("scontrol", "update", f"NodeName={node}", "State=RESUME")

    def _tasks(self, node: str) -> list[psutil.Process]:
        """The node's processes of jobs, and those of Slurm that have started them."""
        found = []
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error):
                environ = process.environ()
                is_ours = environ.get("SLURM_CONF") == str(self._conf)
                if is_ours and environ.get("SLURMD_NODENAME") == node:
                    parents = [each for each in process.parents() if each.name() == "slurmstepd"]
                    found += [*parents, process]
        return found

    @property
    def _env(self) -> dict[str, str]:
        return {**os.environ, "SLURM_CONF": str(self._conf)}

    def run(
        self, *words: str, cwd: Path | None = None, env: dict[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run one of Slurm's commands."""
        return subprocess.run(
            words, check=False, capture_output=True, text=True, cwd=cwd,
            env={**self._env, **(env or {})}, timeout=60,
        )  # fmt: skip

    def jobs(self) -> list[str]:
        """The states of the jobs that have not ended."""
        return self.run("squeue", "-h", "-o", "%T").stdout.split()

    def close(self) -> None:
        self.run("scancel", "--user=root")
        started: Sequence[psutil.Process] = []
        for daemon in self._daemons:
            started = [*started, *psutil.Process(daemon.pid).children(recursive=True)]
        for daemon in reversed(self._daemons):
            daemon.terminate()
            try:
                daemon.wait(10)
            except subprocess.TimeoutExpired:
                daemon.kill()
                daemon.wait()
        for child in started:
            if child.is_running():
                child.kill()


def _first_job() -> int:
    """The number of a job whose ports (see conf/slurm) no other process of the tests has."""
    for _ in range(100):
        base = free_ports(9) - 20_000
        number = -(-base // 8)
        if number in range(1, 1500) and 8 * number + 5 <= base + 9:
            return number
    raise RuntimeError("no free ports for a job of Slurm")
