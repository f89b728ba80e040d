"""The pool of a worker, with politeness and a fetcher that sends nothing."""

from __future__ import annotations

import gevent
import msgspec
import pytest
from gevent.pool import Pool

from fetcher import bitset
from fetcher.fetch.interface import OneStep
from fetcher.input.formats import TEXT
from fetcher.model import Outcome, Result, Task
from fetcher.protocol import messages
from fetcher.roles.worker.lease_buffer import LeaseBuffer
from fetcher.roles.worker.line_pool import LinePool
from fetcher.roles.worker.lines import Line
from fetcher.settings.schema import Settings

SIZE = 4
LINES = 200


class Yielding(OneStep):
    """Each fetch lets the others run once."""

    def fetch(self, task: Task) -> Result:
        gevent.sleep(0)
        return Result(task.line, task.url, Outcome.OK)


class Job:
    """A pool that owns all hosts, and a lease whose lines have a host each."""

    def __init__(self) -> None:
        self.done: list[int] = []
        settings = msgspec.convert({"worker": {"pool_size": SIZE, "transport": "an:own"}}, Settings)
        self.pool = LinePool(settings, Yielding(), "w", self._finish, lambda: True, is_owner=True)
        mask = bitset.pack((1 << LINES) - 1)
        assignment = messages.Assignment("j", 1, 0, mask, 1, mask, TEXT)
        urls = b"\n".join(b"http://h%d.test/" % number for number in range(LINES))
        self.buffer = LeaseBuffer(assignment, urls, "w", 0)

    def _finish(self, line: Line, result: Result) -> None:
        self.done.append(result.line)

    def admit(self) -> None:
        self.pool.admit(self.buffer, list(self.buffer.tasks()))

    def run(self) -> None:
        with gevent.Timeout(60):
            while len(self.done) < LINES:
                gevent.sleep(0)


def test_a_polite_line_does_not_cost_a_greenlet(monkeypatch: pytest.MonkeyPatch) -> None:
    spawned = []
    spawn = Pool.spawn

    def counting(self: Pool, *arguments: object) -> object:
        spawned.append(arguments)
        return spawn(self, *arguments)

    monkeypatch.setattr(Pool, "spawn", counting)
    job = Job()
    job.admit()
    job.run()
    assert sorted(job.done) == list(range(1, LINES + 1))
    assert len(spawned) <= 2 * SIZE


def test_lines_whose_hosts_are_ready_leave_no_room_for_another_batch() -> None:
    job = Job()
    assert job.pool.has_room
    job.admit()
    assert not job.pool.has_room
    job.run()
    assert job.pool.has_room
