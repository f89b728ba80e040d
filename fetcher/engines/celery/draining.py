"""Tells the slots of a worker of Celery that the worker is shutting down.

Celery then waits for running tasks, and a slot would run for minutes. Only the main process gets
the signal. The processes of its pool inherit a pipe, and see its end when the main process closes
it or is killed.
"""

from __future__ import annotations

import os
import select
from typing import Any, Final

from celery import signals


class _Pipe:
    """A pipe whose writing end only the main process holds."""

    def __init__(self) -> None:
        self.reader = self.writer = -1
        self.pid = 0  # of the main process

    def open(self) -> None:
        if self.reader < 0:
            self.reader, self.writer = os.pipe()
            self.pid = os.getpid()

    def close_writer(self) -> None:
        if self.writer >= 0:
            os.close(self.writer)
            self.writer = -1


_pipe: Final = _Pipe()


def is_draining() -> bool:
    """Return whether the worker of Celery that runs this task is shutting down, or is gone."""
    if _pipe.reader < 0:
        return False
    readable, _, _ = select.select([_pipe.reader], [], [], 0)
    return bool(readable)


def _on_init(**_: Any) -> None:
    _pipe.open()


def _on_child(**_: Any) -> None:
    if os.getpid() != _pipe.pid:  # the pool `solo` sends the signal in the main process
        _pipe.close_writer()


def _on_shutting_down(**_: Any) -> None:
    _pipe.close_writer()


signals.worker_init.connect(_on_init, weak=False)
signals.worker_process_init.connect(_on_child, weak=False)
signals.worker_shutting_down.connect(_on_shutting_down, weak=False)
