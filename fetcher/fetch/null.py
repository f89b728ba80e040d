"""Fetches nothing: every URL is `ok` at once, with a row of usual size. Measures the pipeline."""

from __future__ import annotations

from msgspec import UNSET

from fetcher.fetch.interface import OneStep
from fetcher.model import Outcome, Result, Task, Timings
from fetcher.settings.schema import Settings

_HEADERS = [
    ("Server", "null"),
    ("Content-Type", "text/html; charset=utf-8"),
    ("Content-Length", "1024"),
    ("Date", "Thu, 01 Jan 1970 00:00:00 GMT"),
]
_TIMINGS = Timings(dns=0.0, connect=0.0, first_byte=0.0, total=0.0)
_SHA256 = "0" * 64


class NullFetcher(OneStep):
    """See fetcher.fetch.interface.Fetcher."""

    def __init__(self, _settings: Settings, worker: str) -> None:
        self._worker = worker

    def fetch(self, task: Task) -> Result:
        if task.fault is not None:
            return Result(
                task.line,
                task.url,
                Outcome.INVALID_URL,
                error=task.fault.message,
                error_kind=task.fault.kind,
                worker=self._worker,
            )
        return Result(
            task.line,
            task.url,
            Outcome.OK,
            200,
            task.url,
            (),
            None,
            UNSET,
            _HEADERS,
            "text/html; charset=utf-8",
            1024,
            1024,
            _SHA256,
            1,
            0.0,
            _TIMINGS,
            "127.0.0.1",
            "1.1",
            self._worker,
        )
