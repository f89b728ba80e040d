"""The null transport, which also records when it was first asked to fetch.

It imports only what the null transport imports. The clock is the machine's monotonic clock, which
all processes share.
"""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Final

from fetcher.fetch.interface import Fetch
from fetcher.fetch.null import NullFetcher
from fetcher.model import Task
from fetcher.settings.schema import Settings

MARK_VARIABLE: Final = "BENCH_FIRST_FETCH"
TRANSPORT: Final = "tools.bench.marking:MarkingFetcher"


class MarkingFetcher:
    """See fetcher.fetch.interface.Fetcher."""

    def __init__(self, settings: Settings, worker: str) -> None:
        # From the second fetch on there is nothing in the way of the null transport.
        self._then = NullFetcher(settings, worker).begin
        self.begin = self._first

    def turn_of(self, _url: str) -> str:
        """No host is asked: politeness would make a job last as long as one of its host's pages."""
        return ""

    def _first(self, task: Task) -> Fetch:
        mark = Path(os.environ[MARK_VARIABLE])
        if not mark.exists():
            mark.write_text(repr(time.monotonic()), "ascii")
        self.begin = self._then
        return self._then(task)
