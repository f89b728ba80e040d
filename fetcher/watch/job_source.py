"""A job in an OUT of this host: asks its ventilator where one answers, and reads files elsewhere.

There is a view in any case: the ventilator may be starting, belong to another user, or be gone.
"""

from __future__ import annotations

from pathlib import Path

import msgspec

from fetcher.errors import UnreachedError
from fetcher.watch.client import ANSWER_S, Watcher, near
from fetcher.watch.files_view import FilesView
from fetcher.watch.job_view import JobView
from fetcher.watch.terminal.view import View


class JobSource:
    """Looks at an OUT again and again. Raises UsageError, DamageError."""

    def __init__(self, out: Path) -> None:
        self._out = out
        self._files = FilesView(out)
        self._endpoint = ""
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
        endpoint = near(self._out)
        if endpoint != self._endpoint:
            self.close()
            self._endpoint = endpoint
            self._watcher = Watcher(endpoint, "") if endpoint else None
        if self._watcher is None:
            return None
        try:
            return self._watcher.look(ANSWER_S)
        except UnreachedError:
            return None

    def close(self) -> None:
        """Disconnect from the ventilator."""
        if self._watcher is not None:
            self._watcher.close()
            self._watcher = None
