"""Jobs whose workers an engine runs: the faults that each engine must stand, for tests of engines.

Every process of a job, the engine's own included, is started with a mark in its environment, so
that all that are left are found, whoever is their parent by then.

A test of an engine makes an `EngineUnderTest` and calls the `check_…` functions with it.
"""

from __future__ import annotations

import contextlib
import json
import secrets
import signal
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from fetcher import __version__
from fetcher.engines.ticket import Ticket
from support import jobs
from support.waiting import wait_until

_MARK = "MARK_OF_THE_TEST"
_PAUSE_S = 0.1  # before a look at all processes
_ENDS_WITHIN_S = 15.0  # a leashed process, once its engine's process was killed
SLOT = "fetcher.engines.slot_main"
WORKER = "fetcher.roles.worker_main"
MAIN = "fetcher.roles.main"
# One that has expired.
TICKET = Ticket(
    version=__version__,
    session="s1",
    job="j1",
    slot="s1-1",
    number=1,
    key="celery",
    servers={"ventilator": "v" * 40, "sink": "s" * 40},
    ventilator="tcp://127.0.0.1:1",
    sinks=("tcp://127.0.0.1:4",),
    settings={"http.total_timeout_s": 7.0},
    expires_at=1.0,
    slot_s=600.0,
    idle_s=30.0,
    patience_s=30.0,
    secrets_from="file",
)


@dataclass(frozen=True)
class Mark:
    """The mark of one test's processes."""

    value: str = field(default_factory=lambda: secrets.token_hex(8))

    @property
    def environ(self) -> dict[str, str]:
        """The environment with which each process is to be started."""
        return {**jobs.ENV, _MARK: self.value}

    def processes(self, *parts: str) -> list[psutil.Process]:
        """The living processes with the mark that have one of `parts` in their command line."""
        # Tests look again and again until something has happened: a look at all processes of the
        # machine takes some 10 ms of a core that these processes need.
        time.sleep(_PAUSE_S)
        found = []
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error):
                if (
                    process.environ().get(_MARK) == self.value
                    and (not parts or any(p in word for word in process.cmdline() for p in parts))
                    and process.status() != psutil.STATUS_ZOMBIE
                ):
                    found.append(process)
        return found

    def kill_all(self) -> None:
        for process in self.processes():
            with contextlib.suppress(psutil.Error):
                process.kill()


@contextlib.contextmanager
def marked() -> Iterator[Mark]:
    """A mark; no process with it outlives the block."""
    mark = Mark()
    try:
        yield mark
    finally:
        mark.kill_all()


@dataclass(frozen=True)
class EngineUnderTest:
    """An engine that runs, if it has processes of its own; they have the mark.

    `options`: those of `fetcher run`, such as `--engine=ray`. `patience_s`: within so long after
    the end of its driver a slot has ended. `start_s`: within so long its slots run, on a loaded
    machine. `environ`: of `fetcher run`, in addition.
    """

    mark: Mark
    options: tuple[str, ...]
    patience_s: float = 3.0
    start_s: float = 60.0
    environ: Mapping[str, str] = field(default_factory=dict)

    def command(self, urls: Path, out: Path, workers: int, *more: str) -> tuple[object, ...]:
        """The command line of a job of SlowFetcher."""
        return (
            *("run", urls, "-o", out, f"--workers={workers}", *self.options),
            f"--set=worker.transport={jobs.SLOW}",
            f"--set=worker.patience_s={self.patience_s:g}",
            "--set=worker.grace_s=2",
            "--set=worker.pool_size=8",
            "--set=lease.silent_s=2",
            "--set=lease.sink_silent_s=1",
            "--set=lease.finished_s=3",
            "--set=lease.unclaimed_s=3",
            "--set=job.batch_size=10",
            f"--set=engine.connect_s={self.start_s:g}",
            f"--set=engine.start_s={self.start_s / 6:g}",
            *more,
        )

    def start(
        self, stack: contextlib.ExitStack, urls: Path, out: Path, workers: int, *more: str
    ) -> jobs.Running:
        """Start a job, which does not outlive the stack."""
        line = self.command(urls, out, workers, *more)
        environ = {**self.mark.environ, **self.environ}
        return stack.enter_context(jobs.running(*line, environ=environ))

    def slots(self) -> list[psutil.Process]:
        """The processes of its slots that run now, on this machine."""
        return self.mark.processes(SLOT)


def write_urls(folder: Path, lines: int, ms: int = 30) -> Path:
    """A list for SlowFetcher; each line takes `ms` milliseconds."""
    return jobs.write_urls(
        folder / "urls.txt", [f"http://test.invalid/{n}?ms={ms}" for n in range(lines)]
    )


def write_waiting_urls(folder: Path) -> tuple[Path, Path]:
    """A list whose job runs until a file is there, however busy the machine is; the list, the file.

    More lines than two workers take at once wait for the file.
    """
    go = folder / "go"
    quick = [f"http://test.invalid/{n}?ms=30" for n in range(200)]
    waiting = [f"http://test.invalid/{n}?file={go}" for n in range(300)]
    return jobs.write_urls(folder / "urls.txt", quick + waiting), go


def finish(job: jobs.Running, timeout_s: float = 240) -> None:
    """Wait for the end of the job, which must be complete."""
    code, _, error = job.wait(timeout_s)
    assert code == 0, error


def require_no_slots(engine: EngineUnderTest, within_s: float = _ENDS_WITHIN_S) -> None:
    """No slot and no role of any job is left, or will be within seconds."""

    def left() -> list[psutil.Process]:
        return engine.mark.processes(SLOT, WORKER, MAIN)

    wait_until(lambda: not left(), within_s, f"the end of all slots; left: {left()}")


def check_whole_job(engine: EngineUnderTest, folder: Path) -> None:
    """All lines are fetched once, by as many workers as were asked for."""
    (urls, go), out = write_waiting_urls(folder), folder / "out"

    def workers() -> int:
        told = json.loads(jobs.call("status", out, "--json").stdout or "{}")
        return len((told.get("live") or {}).get("workers", ()))

    with contextlib.ExitStack() as stack:
        job = engine.start(stack, urls, out, 2)
        wait_until(lambda: workers() == 2, engine.start_s, "both workers")
        go.touch()
        finish(job)
    rows = jobs.prove(out, urls)
    assert len({row.worker for row in rows}) == 2
    assert all("@" in str(row.worker) for row in rows), "the name says on which host it was"
    require_no_slots(engine)


def write_routed_urls(folder: Path, lines: int) -> tuple[Path, Path]:
    """A list for SlowFetcher, half of it for the route eu; and the settings with this route."""
    urls = jobs.write_urls(
        folder / "urls.txt",
        [f"http://{('eu', 'test')[n % 2]}.invalid/{n}?ms=30" for n in range(lines)],
    )
    conf = folder / "routes.toml"
    conf.write_text('[[routes]]\nname = "eu"\nmatch = "host:eu.invalid"\n')
    return urls, conf


def prove_routes(out: Path, urls: Path) -> None:
    """Each line has one row, and no worker has rows of both routes."""
    rows = jobs.prove(out, urls)
    workers = [{row.worker for row in rows if host in row.url} for host in ("//eu.", "//test.")]
    assert all(workers)
    assert workers[0].isdisjoint(workers[1]), workers


def check_killed_worker(engine: EngineUnderTest, folder: Path, victim: str = "") -> None:
    """kill -9 of an engine's process that runs a slot: no orphan, a new slot, and the proof.

    `victim`: a part of the command line of the engine's processes; "": the slot's own process is
    killed, where it is a child of the driver.
    """
    (urls, go), out = write_waiting_urls(folder), folder / "out"
    with contextlib.ExitStack() as stack:
        job = engine.start(stack, urls, out, 2)
        wait_until(lambda: len(engine.slots()) == 2, engine.start_s, "both slots")
        wait_until(lambda: jobs.committed(out) > 20, engine.start_s, "rows")
        slot = engine.slots()[0]
        family = [slot, *slot.children(recursive=True)]
        killed = _ancestor(slot, victim) if victim else slot
        killed.send_signal(signal.SIGKILL)
        _, alive = psutil.wait_procs(family, _ENDS_WITHIN_S)
        assert not alive, "the worker outlived its engine's process"
        wait_until(
            lambda: len(set(engine.slots()) - {slot}) == 2, engine.start_s, "a slot in its place"
        )
        go.touch()
        finish(job)
    jobs.prove(out, urls)
    require_no_slots(engine)


def check_killed_driver(engine: EngineUnderTest, folder: Path) -> None:
    """kill -9 of `fetcher run`: its slots leave by themselves, and the same command resumes."""
    (urls, go), out = write_waiting_urls(folder), folder / "out"
    with contextlib.ExitStack() as stack:
        job = engine.start(stack, urls, out, 2)
        wait_until(lambda: jobs.committed(out) > 20, engine.start_s, "rows")
        assert engine.slots()
        job.process.kill()
        job.wait()
        require_no_slots(engine, _ENDS_WITHIN_S + engine.patience_s)
        go.touch()
        finish(engine.start(stack, urls, out, 1))
    jobs.prove(out, urls)
    require_no_slots(engine)


def check_interrupted(engine: EngineUnderTest, folder: Path) -> None:
    """Ctrl-C: requests in flight finish and are committed, the slots leave, and it resumes."""
    (urls, go), out = write_waiting_urls(folder), folder / "out"
    with contextlib.ExitStack() as stack:
        job = engine.start(stack, urls, out, 2)
        wait_until(lambda: jobs.committed(out) > 20, engine.start_s, "rows")
        job.process.send_signal(signal.SIGINT)
        code, _, error = job.wait(60)
        assert code == 3, error
        assert "the same command resumes" in error
        require_no_slots(engine, 5)
        done = jobs.committed(out)
        assert len(jobs.rows(out)) == done
        go.touch()
        finish(engine.start(stack, urls, out, 1))
    rows = jobs.prove(out, urls)
    assert len(rows) > done
    require_no_slots(engine)


def _ancestor(slot: psutil.Process, victim: str) -> psutil.Process:
    """The nearest process above the slot whose command line has this part."""
    for process in slot.parents():
        if any(victim in word for word in process.cmdline()):
            return process
    raise AssertionError(f"no process with {victim!r} runs the slot: {slot.parents()}")
