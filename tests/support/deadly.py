"""Fetchers for tests: slow ones, and ones that kill or hang their worker on certain URLs."""

from __future__ import annotations

import os
import signal
import time

import gevent

from fetcher.model import Outcome, Result, Task
from fetcher.net.fetch import OneStep
from fetcher.settings import Settings


class SlowFetcher(OneStep):
    """Every URL takes `?ms=N` milliseconds (default 20) and is ok."""

    def __init__(self, _settings: Settings, worker: str) -> None:
        self._worker = worker

    def fetch(self, task: Task) -> Result:
        _, _, delay = task.url.partition("?ms=")
        gevent.sleep(int(delay or 20) / 1000)
        return Result(task.line, task.url, Outcome.OK, 200, worker=self._worker)


class DeadlyFetcher(SlowFetcher):
    """As SlowFetcher, but /kill ends the process and /hang never lets the loop run again."""

    def fetch(self, task: Task) -> Result:
        if "/kill" in task.url:
            os.kill(os.getpid(), signal.SIGKILL)
        if "/hang" in task.url:
            end = time.monotonic() + 600
            while time.monotonic() < end:
                pass
        return super().fetch(task)
