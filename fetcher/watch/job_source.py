"""A job in an OUT of this host: asks its ventilator where one answers, and reads files elsewhere.

There is a view in any case: the ventilator may be starting, belong to another user, or be gone.
"""

from __future__ import annotations

from pathlib import Path

import msgspec

from fetcher.errors import FetcherError
from fetcher.watch.client import ANSWER_S, Near, Watcher, near
from fetcher.watch.files_view import FilesView
from fetcher.watch.job_view import JobView
from fetcher.watch.terminal.view import View


class JobSource:
    """Looks at an OUT again and again. Raises UsageError, DamageError."""

    def __init__(self, out: Path) -> None:
        self._out = out
        self._files = FilesView(out)
        self._near: Near | None = None
        self._watcher: Watcher | None = None
        self._is_first = True

    def look(self) -> View:
        """The job now."""
        job = self._ask()
        if job is None:
            return self._files.look()
        if not self._is_first:
            return View(self._files.title, job)
        # Until workers say what failed, the files do; the rates before this look are only there.
        self._is_first = False
        read = self._files.look()
        failed_lines = job.failed_lines or read.job.failed_lines
        job = msgspec.structs.replace(job, failed_lines=failed_lines)
        return View(self._files.title, job, rates=read.rates)

    def _ask(self) -> JobView | None:
        found = near(self._out)
        try:
            if found != self._near:
                self.close()
                self._watcher = Watcher(*found) if found else None
                self._near = found
            return self._watcher.look(ANSWER_S) if self._watcher else None
        except FetcherError:  # it does not answer, or its keys are just being removed
            return None

    def close(self) -> None:
        """Disconnect from the ventilator."""
        if self._watcher is not None:
            self._watcher.close()
            self._watcher = None
