"""Kills processes that run slots, and says when the next slots came, and the memory before."""

from __future__ import annotations

import contextlib
import subprocess
import time
from pathlib import Path
from typing import Final, NamedTuple

import psutil

from tools.bench.processes import Fleet
from tools.engines.starting import Engine, wait

_SLOT: Final = "fetcher.engines.slot_main"
_HELPER: Final = "fetcher.engines.helper_main"
# The job must not end before the last slot was replaced.
_LINES: Final = 20_000
_LATE: Final = "/latency/1000"
_POOL: Final = "--pool-size=8"
_SETTLE_S: Final = 2.0


class Healing(NamedTuple):
    """What was seen in one job. Memory is the proportional set size (PSS), in MB (10^6 bytes)."""

    seconds: list[float]  # from each kill to the next slot
    slot_mb: float  # of the engine's process that runs a slot, without the slot
    other_mb: float  # of the engine's other processes that `fetcher run` has started


def heal(
    fleet: Fleet, site: str, folder: Path, common: tuple[object, ...], engine: Engine, times: int
) -> Healing:
    """Run a job, and kill `times` times. Raises TimeoutError."""
    urls = folder / "late.txt"
    urls.write_text(f"{site}{_LATE}\n" * _LINES)
    job = fleet.start(
        *("-m", "fetcher", "run", urls, "-o", folder / "heal", "--quiet", _POOL),
        *(*common, *engine.options),
        env=engine.environ,
    )
    workers = int(str(common[1]))
    wait(lambda: len(_slots()) == workers or _has_ended(job), "the slots")
    time.sleep(_SETTLE_S)
    memory = _memory_mb(job)
    seconds = [_kill(job, workers) for _ in range(times)]
    fleet.end(job)
    wait(lambda: not _slots(), "the end of the slots")
    return Healing(seconds, *memory)


def _has_ended(job: subprocess.Popen[bytes]) -> bool:
    if job.poll() is not None:
        raise RuntimeError(f"fetcher run ended with exit code {job.returncode}")
    return False


def _kill(job: subprocess.Popen[bytes], workers: int) -> float:
    wait(lambda: len(_slots()) == workers or _has_ended(job), "the slots")
    time.sleep(_SETTLE_S)
    before = {slot.pid for slot in _slots()}
    slot = psutil.Process(min(before))
    (_runner(slot, job) or slot).kill()
    return wait(lambda: {each.pid for each in _slots()} - before or _has_ended(job), "another slot")


def _runner(slot: psutil.Process, job: subprocess.Popen[bytes]) -> psutil.Process | None:
    """The engine's process that runs the slot; None: `fetcher run` itself does."""
    runner = slot.parent()
    return None if runner is None or runner.pid == job.pid else runner


def _memory_mb(job: subprocess.Popen[bytes]) -> tuple[float, float]:
    runners = {runner for slot in _slots() if (runner := _runner(slot, job)) is not None}
    in_slots = {each for slot in _slots() for each in (slot, *slot.children(recursive=True))}
    others: set[psutil.Process] = set()
    for child in psutil.Process(job.pid).children():
        if _HELPER in child.cmdline():
            others |= {child, *child.children(recursive=True)}
    most = max((_pss_mb(runner) for runner in runners), default=0.0)
    return most, sum(_pss_mb(each) for each in others - runners - in_slots)


def _pss_mb(process: psutil.Process) -> float:
    with contextlib.suppress(psutil.Error):
        return float(process.memory_full_info().pss) / 1e6
    return 0.0


def _slots() -> list[psutil.Process]:
    found = []
    for process in psutil.Process().children(recursive=True):  # others may run slots here, too
        with contextlib.suppress(psutil.Error):
            if _SLOT in process.cmdline():
                found.append(process)
    return found
