"""The command lines of the roles of one job, over TCP on loopback."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Self

from support import jobs
from tools.ports import free_ports


class Hosts:
    """One job; every line of its list takes `ms` milliseconds.

    `routes`: how many it has besides the default one.
    """

    def __init__(
        self, tmp_path: Path, lines: int, ms: int = 60, sinks: int = 1, routes: int = 0
    ) -> None:
        base = free_ports(3 + routes + 2 * sinks)
        self.ventilator_port, self.sink_port = base, base + 3 + routes
        self.outs = [tmp_path / f"out{n}" for n in range(sinks)]
        self.urls = jobs.write_urls(
            tmp_path / "urls.txt", [f"http://test.invalid/{n}?ms={ms}" for n in range(lines)]
        )
        sink_ports = range(self.sink_port, self.sink_port + 2 * sinks, 2)
        self._meet(f"tcp://127.0.0.1:{base}", [f"tcp://127.0.0.1:{port}" for port in sink_ports])

    @property
    def out(self) -> Path:
        return self.outs[0]

    def _meet(self, ventilator: str, sinks: list[str]) -> None:
        self.endpoint, self.sink_endpoints = ventilator, sinks
        where = (
            f"--ventilator={ventilator}",
            *(f"--sink={sink}" for sink in sinks),
            f"--set=worker.transport={jobs.SLOW}",
            "--set=lease.silent_s=2",
            "--set=lease.sink_silent_s=1",
            "--set=lease.finished_s=3",
            "--set=job.batch_size=10",
        )
        self.ventilator = ("ventilator", self.urls, *where)
        self.worker = ("worker", "--processes=1", "--pool-size=8", *where)
        self.sinks = [
            ("sink", "-o", out, f"--number={n}", *where) for n, out in enumerate(self.outs, 1)
        ]
        self.sink = self.sinks[0]

    def at(self, *, ventilator: str = "", sink: str = "") -> Self:
        """The same with other endpoints."""
        other = copy.copy(self)
        other._meet(ventilator or self.endpoint, [sink] if sink else self.sink_endpoints)
        return other
