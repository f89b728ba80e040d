"""Measures whole jobs: starts a command as a user does, and watches it from outside.

The journal says how many rows are done. Only its small value with the totals is read, so that
watching costs nearly nothing.
"""

from __future__ import annotations

import contextlib
import json
import signal
import sqlite3
import time
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from fetcher.model import Outcome
from fetcher.protocol.totals import Totals
from fetcher.store.manifest import JOURNAL_NAME
from tools.bench.marking import MARK_VARIABLE, TRANSPORT
from tools.bench.processes import Fleet, Peaks, children_cpu_s, require_success


@dataclass
class Job:
    """The measurements of one run; seconds are from its start."""

    wall_s: float = 0.0
    cpu_s: float = 0.0
    roles_cpu_s: dict[str, float] = field(default_factory=dict)  # if they were asked for
    resumed: bool = False
    first_fetch_s: float | None = None
    first_commit_s: float | None = None
    last_commit_s: float | None = None
    first_rows: int = 0  # in the first commit that was seen
    rows: int = 0
    good: int = 0  # of these, `ok`
    peaks: Peaks = field(default_factory=Peaks)

    @property
    def committing_s(self) -> float:
        """From the first commit seen to the last; 0 where there was but one."""
        return (self.last_commit_s or 0.0) - (self.first_commit_s or 0.0)

    @property
    def rows_per_s(self) -> float:
        """In that time; 0 where there was but one commit."""
        took_s = self.committing_s
        return (self.rows - self.first_rows) / took_s if took_s > 0 else 0.0


class CommitWatch:
    """Committed rows of an output directory, at a few microseconds a look."""

    def __init__(self, out: Path) -> None:
        self._path = out / JOURNAL_NAME
        self._db: sqlite3.Connection | None = None

    def totals(self) -> Totals:
        """Totals of the rows committed so far; zero without a journal."""
        try:
            if self._db is None:
                if not self._path.exists():
                    return Totals()
                uri = f"{self._path.resolve().as_uri()}?mode=ro"
                self._db = sqlite3.connect(uri, uri=True, timeout=0)
            found = self._db.execute("SELECT value FROM meta WHERE key = 'totals'").fetchone()
        except sqlite3.Error:
            return Totals()  # being made, or being closed
        return msgspec.msgpack.decode(found[0], type=Totals) if found else Totals()

    def close(self) -> None:
        if self._db is not None:
            self._db.close()


def run_null(
    fleet: Fleet,
    urlfile: Path,
    out: Path,
    *options: object,
    limit_s: float,
    stop_at: int | None = None,
) -> Job:
    """A job that fetches nothing. `stop_at`: interrupt it when so many rows are committed."""
    return run_job(
        fleet,
        urlfile,
        out,
        *("--workers", 1, "--set", f"worker.transport={TRANSPORT}", *options),
        limit_s=limit_s,
        stop_at=stop_at,
    )


def run_job(
    fleet: Fleet,
    urlfile: Path,
    out: Path,
    *options: object,
    limit_s: float,
    stop_at: int | None = None,
    core: int | None = None,
    command: str = "run",
    by_role: bool = False,
    env: dict[str, str] | None = None,
) -> Job:
    """Run fetcher's command to its end and tell what it took.

    Raises MeasurementError, TimeoutError.
    `by_role`: also the CPU seconds of each role. `env`: variables for the command.
    """
    job = Job()
    watch = CommitWatch(out)
    before = watch.totals().rows
    job.resumed = before > 0
    mark = out.with_name(f"{out.name}.mark")
    mark.unlink(missing_ok=True)
    stopped = False
    roles = out.with_name(f"{out.name}.roles")
    program = ("-m", "tools.bench.accounted", roles) if by_role else ("-m", "fetcher")
    cpu_before = children_cpu_s()
    began = time.monotonic()
    process = fleet.start(
        *program,
        *(command, urlfile, "-o", out, "--quiet", *options),
        core=core,
        env={MARK_VARIABLE: str(mark), **(env or {})},
    )

    def look() -> None:
        nonlocal stopped
        totals = watch.totals()
        rows = totals.rows
        now = time.monotonic() - began
        if rows > max(job.rows, before):
            if job.first_commit_s is None:
                job.first_commit_s, job.first_rows = now, rows
            job.rows, job.last_commit_s = rows, now
            job.good = totals.outcomes.get(Outcome.OK, 0)
        if stop_at is not None and rows >= stop_at and not stopped:
            stopped = True
            process.send_signal(signal.SIGINT)

    try:
        code = fleet.wait(process, limit_s, look, job.peaks)
        job.wall_s = time.monotonic() - began
        look()
    finally:
        watch.close()
    job.cpu_s = children_cpu_s() - cpu_before
    if by_role:
        job.roles_cpu_s = json.loads(roles.read_text("ascii"))
    with contextlib.suppress(OSError, ValueError):
        job.first_fetch_s = float(mark.read_text("ascii")) - began
    if not stopped:
        require_success(code, f"fetcher {command}")
    return job
