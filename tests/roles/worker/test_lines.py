"""The lines in a step: how old they are, and which of them are slow."""

from __future__ import annotations

import pytest

from fetcher import bitset
from fetcher.fetch.interface import OneStep
from fetcher.input.formats import TEXT
from fetcher.model import Outcome, Result, Task
from fetcher.protocol import messages
from fetcher.roles.worker import lines
from fetcher.roles.worker.lease_buffer import LeaseBuffer
from fetcher.roles.worker.lines import Line, RunningLines


class Fetcher(OneStep):
    def fetch(self, task: Task) -> Result:
        return Result(task.line, task.url, Outcome.OK)


def lease(number: int, first_line: int = 9) -> LeaseBuffer:
    mask = bitset.pack(0xFF)
    assignment = messages.Assignment("j", number, 0, mask, first_line, mask, TEXT)
    return LeaseBuffer(assignment, b"\n".join([b"u"] * 8), "w", 0)


def begun(of: LeaseBuffer, number: int, host: str = "") -> Line:
    line = Line(of, Task(number, f"http://a.test/{number}"), host)
    line.fetch = Fetcher().begin(line.task)
    return line


def test_a_line_has_its_bit_in_the_mask_of_its_lease() -> None:
    buffer = lease(1)
    assert [Line(buffer, Task(n, "u"), "").bit for n in (9, 12)] == [0b1, 0b1000]


def test_a_line_requests_its_url_until_its_fetch_says_another() -> None:
    line = Line(lease(1), Task(9, "http://a.test/"), "")
    assert line.url == "http://a.test/"
    line.fetch = Fetcher().begin(line.task)
    line.fetch.url = "http://b.test/"
    assert line.url == "http://b.test/"


def test_the_oldest_step_is_the_one_that_began_first() -> None:
    running = RunningLines()
    assert running.oldest(9.0) == (0.0, 0)
    buffer = lease(1)
    first, second = begun(buffer, 10), begun(buffer, 9)
    running.start(first, 1.0)
    running.start(second, 2.0)
    assert running.oldest(5.0) == (4.0, 10)
    del running[first]
    assert running.oldest(5.0) == (3.0, 9)


def test_the_most_lines_at_once_are_counted_since_the_last_look() -> None:
    running, buffer = RunningLines(), lease(1)
    made = [begun(buffer, number) for number in (9, 10, 11)]
    for line in made:
        running.start(line, 0.0)
    del running[made[0]], running[made[1]]
    assert running.take_most() == 3
    assert running.take_most() == 1
    running.start(made[0], 1.0)
    assert running.take_most() == 2


def test_each_lease_has_its_oldest_step_and_its_slow_lines() -> None:
    running, one, other = RunningLines(), lease(1), lease(2)
    for line, since in (
        (begun(one, 9), 0.0),
        (begun(other, 10), 1.0),
        (begun(one, 11), 2.0),
        (begun(one, 12), 9.0),
    ):
        running.start(line, since)
    assert running.by_lease(10.0, 8.0) == ({1: 10.0, 2: 9.0}, {1: 0b101, 2: 0b10})
    assert running.by_lease(10.0, 10.5) == ({1: 10.0, 2: 9.0}, {})


def test_a_line_that_has_a_host_or_its_result_or_no_step_is_not_slow() -> None:
    running, buffer = RunningLines(), lease(1)
    with_host, done, new = begun(buffer, 9, "a.test"), begun(buffer, 10), begun(buffer, 11)
    assert done.fetch is not None
    done.fetch.step()
    new.fetch = None
    for line in (with_host, done, new):
        running.start(line, 0.0)
    assert running.by_lease(100.0, 1.0) == ({1: 100.0}, {})


def test_the_number_of_leases_with_slow_lines_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lines, "MAX_SLOW", 2)
    running = RunningLines()
    made = [lease(number) for number in (1, 2, 3)]
    for buffer in (*made, made[0]):
        running.start(begun(buffer, 9 + len(running)), 0.0)
    oldest_s, slow = running.by_lease(10.0, 5.0)
    assert sorted(oldest_s) == [1, 2, 3]
    assert slow == {1: 0b1001, 2: 0b10}
