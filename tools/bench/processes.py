"""Processes that do not outlive the benchmark: started, pinned, measured, ended by their pid."""

from __future__ import annotations

import compileall
import contextlib
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import psutil

ROOT: Final = Path(__file__).resolve().parents[2]
OWN_SERVERS: Final = ROOT / "conf" / "own-servers.toml"  # settings of all jobs that fetch
_NOT_FOR_CHILDREN: Final = ("FETCHER_", "PYTHONDONTWRITEBYTECODE")
# Settings of whoever runs the benchmark must not change what it measures; nor may each start of a
# program compile its modules again.
ENV: Final = {
    name: text for name, text in os.environ.items() if not name.startswith(_NOT_FOR_CHILDREN)
}
_LEAVE_S: Final = 5.0
_TURN_S: Final = 0.01
_SAMPLE_S: Final = 0.25


class MeasurementError(Exception):
    """A program that is measured did not do its work."""


def cores() -> tuple[int, int]:
    """A core for each of two sides; twice the same on a machine with one core."""
    mine = sorted(os.sched_getaffinity(0))
    return mine[0], mine[-1]


def pin(core: int, pid: int = 0) -> None:
    """Keep a process (0: this one) on one core."""
    os.sched_setaffinity(pid, {core})


@contextlib.contextmanager
def pinned(core: int) -> Iterator[None]:
    """This process on one core, for the length of the block."""
    before = os.sched_getaffinity(0)
    pin(core)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


class Fleet:
    """Started processes; all of them, and theirs, are gone when the `with` block ends."""

    def __init__(self) -> None:
        self._started: list[subprocess.Popen[bytes]] = []
        self._descendants: dict[int, set[psutil.Process]] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for process in list(self._started):
            self.end(process)

    def start(
        self,
        *arguments: object,
        program: str = sys.executable,
        core: int | None = None,
        piped: bool = False,
        output: int = subprocess.DEVNULL,
        env: dict[str, str] | None = None,
    ) -> subprocess.Popen[bytes]:
        """`PROGRAM ARGUMENTS`; `piped`: pipes to its stdin and stdout; else stdout to `output`."""
        process = subprocess.Popen(
            [program, *map(str, arguments)],
            stdin=subprocess.PIPE if piped else subprocess.DEVNULL,
            stdout=subprocess.PIPE if piped else output,
            cwd=ROOT,
            env=ENV | (env or {}),
            start_new_session=True,  # a Ctrl-C is for us; we then end it
        )
        self._started.append(process)
        self._descendants[process.pid] = set()
        if core is not None:
            with contextlib.suppress(ProcessLookupError):
                pin(core, process.pid)
        return process

    def family(self, process: subprocess.Popen[bytes]) -> list[psutil.Process]:
        """The process and its living descendants; who was seen here is ended with it."""
        with contextlib.suppress(psutil.Error):
            parent = psutil.Process(process.pid)
            found = parent.children(recursive=True)
            self._descendants[process.pid].update(found)
            return [parent, *found]
        return []

    def end(self, process: subprocess.Popen[bytes]) -> None:
        """Ask it to leave, make it leave, and wait until it has."""
        if process not in self._started:
            return
        if process.poll() is None:
            self.family(process)
            process.terminate()
            try:
                process.wait(_LEAVE_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self._started.remove(process)
        for child in self._descendants.pop(process.pid):
            with contextlib.suppress(psutil.Error):
                child.kill()  # psutil checks that the pid is still this process
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()

    def wait(
        self,
        process: subprocess.Popen[bytes],
        limit_s: float,
        each_turn: Callable[[], None] | None = None,
        peaks: Peaks | None = None,
    ) -> int:
        """Its exit code. TimeoutError after `limit_s`."""
        until = time.monotonic() + limit_s
        sample_at = 0.0
        while process.poll() is None:
            now = time.monotonic()
            if now > until:
                raise TimeoutError(f"{process.args!r} took more than {limit_s:g} s")
            if each_turn is not None:
                each_turn()
            if peaks is not None and now >= sample_at:
                sample_at = now + _SAMPLE_S
                peaks.sample(self.family(process))
            time.sleep(_TURN_S)
        self.end(process)
        return process.returncode


def compile_modules() -> None:
    """Write the bytecode of all of ours, so that no start of a program is slower than others."""
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # for children that take our environment
    for name in ("fetcher", "tools"):
        compileall.compile_dir(ROOT / name, quiet=2)


def require_success(code: int, what: str) -> None:
    """MeasurementError where a process that should have succeeded has not."""
    if code:
        raise MeasurementError(f"{what} ended with exit code {code}")


class Peaks:
    """The most memory (resident, bytes) that each process of a family has had, by its label."""

    def __init__(self) -> None:
        self.bytes: dict[str, int] = {}

    def sample(self, family: Sequence[psutil.Process]) -> None:
        """Look now. The kernel keeps the peak, so that only the last moments can be missed."""
        for index, process in enumerate(family):
            with contextlib.suppress(psutil.Error, OSError):
                label = _label(process.cmdline()) if index else "parent"
                peak = peak_bytes(process.pid)
                self.bytes[label] = max(peak, self.bytes.get(label, 0))

    def mb(self, prefix: str) -> float:
        """The largest of those whose label begins so, in MB (10^6 bytes); 0 if there is none."""
        found = [peak for label, peak in self.bytes.items() if label.startswith(prefix)]
        return max(found, default=0) / 1e6

    def sum_mb(self) -> float:
        """All processes' peaks together."""
        return sum(self.bytes.values()) / 1e6


def timed(fleet: Fleet, command: str, *words: object, limit_s: float) -> tuple[float, float, float]:
    """Seconds, peak MB and CPU seconds of a command of fetcher, on the first core."""
    peaks = Peaks()
    cpu_before = children_cpu_s()
    began = time.monotonic()
    process = fleet.start("-m", "fetcher", command, *words, core=cores()[0])
    require_success(fleet.wait(process, limit_s, peaks=peaks), f"fetcher {command}")
    took_s = time.monotonic() - began
    return took_s, peaks.mb("parent"), children_cpu_s() - cpu_before


def _label(command: Sequence[str]) -> str:
    """A role by the name of its spec, which is its last argument."""
    last = command[-1] if command else ""
    return Path(last).stem if last.endswith(".json") else "child"


def peak_bytes(pid: int) -> int:
    """VmHWM of a process; 0 where it has no memory any more. Raises OSError."""
    for line in Path(f"/proc/{pid}/status").read_text("ascii", "replace").splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    return 0


def children_cpu_s() -> float:
    """CPU seconds of all ended and reaped descendants so far."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def cpu_s(pid: int) -> float:
    """CPU seconds of a living process so far."""
    times = psutil.Process(pid).cpu_times()
    return times.user + times.system
