"""Runs a job in a thread, while the program does other things.

The thread holds no reference to the program's Job, so that a garbage-collected Job can end its run.
Lines of the roles go to `logging`; the error that ends the run is kept, to be raised later.
"""

from __future__ import annotations

import logging
import os
import shutil
import threading
import time
from pathlib import Path
from typing import Final, NamedTuple

import msgspec

from fetcher.api import progress
from fetcher.api.keywords import in_python
from fetcher.api.progress import Progress
from fetcher.commit.rate import Rate
from fetcher.engines.interrupts import Interrupts
from fetcher.engines.job import run_job
from fetcher.engines.supervisor import Verdict
from fetcher.errors import (
    ConflictError,
    DamageError,
    Exit,
    FetcherError,
    StoppedError,
    UsageError,
)
from fetcher.frontier.rules import CrawlRules
from fetcher.input.refresh import Refresh
from fetcher.input.selection import Selection
from fetcher.protocol import messages
from fetcher.settings.schema import Settings
from fetcher.store import journal, manifest
from fetcher.telemetry.logs import OURS

log = logging.getLogger("fetcher")

_VERDICTS: Final[dict[Exit, type[FetcherError]]] = {
    Exit.USAGE: UsageError,
    Exit.CONFLICT: ConflictError,
    Exit.DAMAGED: DamageError,
}


class LogDisplay:
    """Takes the job's states and lines; see fetcher.engines.supervisor.Display."""

    def __init__(self) -> None:
        self.last: messages.State | None = None
        self.rate = Rate()
        self._complaint = ""

    def update(self, state: messages.State) -> None:
        self.last = state
        self.rate.hear(time.monotonic(), state)

    def say(self, line: str) -> None:
        """Log a line; a role's complaint is kept back, as it may be the error that ends the run."""
        self.flush()
        if line.startswith(OURS):
            self._complaint = line
        else:
            log.warning("%s", in_python(line))

    def flush(self) -> None:
        """Log the complaint that did not end the run."""
        if self._complaint:
            log.warning("%s", in_python(self._complaint))
        self._complaint = ""

    def error(self, verdict: Verdict) -> FetcherError:
        """The error that a role complained of."""
        said = self._complaint.removeprefix(OURS) or "a role ended without saying why"
        self._complaint = ""
        return _VERDICTS.get(verdict.exit_code, FetcherError)(in_python(said))


class JobInput(NamedTuple):
    """What a job is started with; see fetcher.engines.local.run_job."""

    urlfile: Path
    settings: Settings
    selection: Selection | None = None
    name: str = ""  # the input's name, if it is not the name of `urlfile`
    crawl: CrawlRules | None = None  # `urlfile` holds the seeds of a crawl; None: a list
    refresh: Refresh | None = None


class Run:
    """One run of a job. `end` may be called at any time, from any thread, repeatedly."""

    def __init__(self, out: Path, *, temporary: bool) -> None:
        self.out = out
        self.error: BaseException | None = None
        self.ended = threading.Event()
        self._temporary = temporary
        self._interrupts = Interrupts()
        self._display = LogDisplay()
        self._thread: threading.Thread | None = None
        self._last: Progress | None = None
        self._pid = os.getpid()

    def start(self, given: JobInput) -> None:
        """Start the roles."""
        # A daemon, so that the interpreter does not wait for the thread at its exit.
        self._thread = threading.Thread(
            target=self._live, args=(given,), name="fetcher", daemon=True
        )
        self._thread.start()

    def _live(self, given: JobInput) -> None:
        try:
            run_job(
                given.urlfile.absolute(),
                self.out,
                given.settings,
                self._display,
                self._interrupts,
                given.selection,
                input_name=given.name,
                crawl=given.crawl,
                refresh=given.refresh,
            )
            if not self._is_complete():
                raise FetcherError(
                    f"{self.out}: the roles have left and the job is not complete; does this "
                    "process ignore SIGCHLD, or wait for children that are not its own?"
                )
        except Verdict as verdict:
            self.error = self._display.error(verdict)
        except StoppedError:
            # The job may have become complete while it was being stopped.
            if not self._is_complete():
                self.error = StoppedError(self._how_it_stopped())
        except BaseException as error:
            self.error = error
        finally:
            self._display.flush()
            self._last = self._at_end()
            self.ended.set()

    def _is_complete(self) -> bool:
        found = manifest.read(self.out)
        return found is not None and found.state == "complete"

    def _how_it_stopped(self) -> str:
        if self._temporary:
            return "stopped before the end; its rows were in a temporary directory"
        return f"stopped before the end; the same job with out={str(self.out)!r} resumes"

    @property
    def gone(self) -> bool:
        """Whether the rows were temporary and are removed."""
        return self._temporary and not self.out.exists()

    @property
    def progress(self) -> Progress:
        """The newest progress."""
        if self._last is not None:
            return self._last
        if self._display.last is not None:
            return self._progress_of(self._display.last)
        return Progress(state="starting")

    def _progress_of(self, state: messages.State) -> Progress:
        seen = self._summary()
        return progress.from_state(state, self._display.rate.per_s(), seen.work if seen else None)

    def _summary(self) -> journal.JournalSummary | None:
        """What is committed; None where the journal cannot be read, or does not exist yet."""
        try:
            path = self.out / manifest.JOURNAL_NAME
            return journal.summary(path, 0) if path.exists() else None
        except FetcherError:
            log.debug("no counts of %s", self.out, exc_info=True)
            return None

    def _at_end(self) -> Progress:
        """The progress with the journal's counts, which are newer than the last state."""
        state: progress.State = "complete"
        if self.error is not None:
            state = "stopped" if isinstance(self.error, StoppedError) else "failed"
        found = self._progress_of(self._display.last) if self._display.last else Progress()
        seen = self._summary()
        if seen is not None:
            found = progress.with_totals(found, seen.totals)
            if seen.work is not None:
                found = msgspec.structs.replace(found, average_per_s=seen.work.per_s)
        return progress.at_rest(found, state)

    def require_here(self) -> None:
        """Raises UsageError in a fork of the process that started the run."""
        if os.getpid() != self._pid:
            raise UsageError("a job belongs to the process that started it; this is a fork of it")

    def ask(self) -> None:
        """Ask the roles to stop in good order."""
        self._interrupts.count = max(self._interrupts.count, 1)

    def end(self) -> None:
        """End all roles at once, wait for their end, and remove a temporary directory."""
        if os.getpid() != self._pid:
            return
        self._interrupts.count = 2
        # The garbage collector may call from any thread.
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join()
        if self._temporary:
            shutil.rmtree(self.out, ignore_errors=True)
