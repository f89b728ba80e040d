"""Fetchers for tests: slow ones, and ones that harm their worker on certain URLs."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import gevent
import msgspec
from gevent import monkey

from fetcher.fetch.interface import OneStep
from fetcher.model import Outcome, Result, Task
from fetcher.settings.schema import Settings


def hang() -> None:
    """Stop this process's loop for good, without the CPU time that an endless computation takes."""
    monkey.get_original("time", "sleep")(600)


class SlowFetcher(OneStep):
    """Every URL takes `?ms=N` milliseconds (default 20), or until `?file=PATH` is there, and is ok.

    With such a file a job runs for as long as a test looks at it, however busy the machine is.
    """

    def __init__(self, _settings: Settings, worker: str) -> None:
        self._worker = worker

    def fetch(self, task: Task) -> Result:
        _, _, delay = task.url.partition("?ms=")
        _, _, awaited = task.url.partition("?file=")
        gevent.sleep(int(delay or 20) / 1000)
        while awaited and not Path(awaited).exists():
            gevent.sleep(0.05)
        return Result(task.line, task.url, Outcome.OK, 200, worker=self._worker)


class DeadlyFetcher(SlowFetcher):
    """As SlowFetcher, but for some paths.

    /kill ends the process, /hang never lets the loop run again, /endless never ends, /raise raises,
    /nothing gives no result, /unwritable one that is no row, /huge one of 3 MiB, /misnamed one of
    another URL, which the sink refuses. /late fails without a kind, /odd-kind is ok and has one.
    /mutter leaves half a line on stderr.
    """

    def fetch(self, task: Task) -> Result:
        if "/kill" in task.url:
            os.kill(os.getpid(), signal.SIGKILL)
        if "/hang" in task.url:
            hang()
        if "/endless" in task.url:
            gevent.sleep(600)
        if "/mutter" in task.url:
            os.write(2, b"a whole line\nhalf of")
        if "/raise" in task.url:
            raise RuntimeError("as asked\nfor")
        if "/nothing" in task.url:
            return None  # type: ignore[return-value]
        result = super().fetch(task)
        if "/unwritable" in task.url:
            return msgspec.structs.replace(result, worker=object())
        if "/late" in task.url:
            return msgspec.structs.replace(result, outcome=Outcome.TIMEOUT)
        if "/odd-kind" in task.url:
            return msgspec.structs.replace(result, error_kind="expired")
        if "/misnamed" in task.url:
            return msgspec.structs.replace(result, url="http://test.invalid/other")
        if "/huge" in task.url:
            return msgspec.structs.replace(result, error="x" * (3 << 20))
        return result


class FailingFetcher(SlowFetcher):
    """As SlowFetcher, but every tenth line fails, with words that a page must not take for HTML."""

    def fetch(self, task: Task) -> Result:
        result = super().fetch(task)
        if task.line % 10:
            return result
        said = (
            "<script>document.title='owned'</script><img src=x onerror=alert(1)> \x1b[2J \u202egnp"
        )
        return msgspec.structs.replace(result, outcome=Outcome.PROTOCOL, status=None, error=said)
