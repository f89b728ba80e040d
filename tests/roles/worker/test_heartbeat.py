"""What a heartbeat says about the leases and lines of a worker."""

from __future__ import annotations

from typing import Any, cast

import gevent
import gevent.event
import msgspec

from fetcher import bitset
from fetcher.fetch.interface import OneStep
from fetcher.input.formats import TEXT
from fetcher.model import Outcome, Result, Task
from fetcher.protocol import messages
from fetcher.roles.spec import RoleSpec
from fetcher.roles.worker.heartbeat import Heartbeat
from fetcher.roles.worker.host_turns import HostTurns
from fetcher.roles.worker.lease_runner import LeaseRunner
from fetcher.roles.worker.login_keeper import LoginKeeper
from fetcher.roles.worker.row_builder import RowBuilder
from fetcher.roles.worker.waiting_assignments import WaitingAssignments
from fetcher.settings.schema import Settings
from fetcher.telemetry.tallies import FetchTally
from support.recording import RecordingSocket

NOW = 1000.0


class Gated(OneStep):
    """No fetch ends before the test opens the gate."""

    def __init__(self) -> None:
        self.gate = gevent.event.Event()

    def fetch(self, task: Task) -> Result:
        self.gate.wait()
        return Result(task.line, task.url, Outcome.OK, 200)


class Worker:
    """A worker's parts, with a pool of two, and the heartbeat that looks at them."""

    def __init__(self, over: str = "") -> None:
        self.events, fetcher = RecordingSocket(), Gated()
        self.fetcher = fetcher
        worker = {"pool_size": 2, "transport": "an:own"}
        settings = msgspec.convert(
            {"worker": worker, "polite": {"enabled": False}, "lease": {"tail_after_s": 20.0}},
            Settings,
        )
        spec = RoleSpec(
            role="worker", name="w", settings=settings, ventilator="", sinks=("",), over=over
        )
        tally = FetchTally(is_detailed=False)
        self.runner = LeaseRunner(
            *(settings, "w", fetcher, RowBuilder(settings.worker), tally),
            *(self.events, [RecordingSocket()]),
        )
        self.waiting = WaitingAssignments("w", 2, self.runner, self.events)
        hosts = HostTurns("w", self.runner.pool, self.events)
        login = LoginKeeper("w", fetcher, cast(Any, self.events.sent.append))
        self.heartbeat = Heartbeat(
            *(spec, self.runner, self.waiting, hosts, login, tally, self.events)
        )

    def begin(self, lease: int, lines: int = 3) -> None:
        mask = bitset.pack((1 << lines) - 1)
        urls = b"\n".join(b"http://a.test/%d" % n for n in range(lines))
        assignment = messages.Assignment("j", lease, lease, mask, 8 * lease + 1, mask, TEXT)
        self.runner.begin(assignment, urls, 0)
        gevent.idle()

    def age(self, seconds: float) -> None:
        """Let the running steps have begun so long before NOW."""
        for line in self.runner.pool.running:
            self.runner.pool.running[line] = NOW - seconds

    def beat(self) -> messages.Heartbeat:
        return self.heartbeat._beat(NOW)

    def end(self) -> None:
        self.fetcher.gate.set()
        self.runner.pool.drain(5.0)


def test_an_idle_worker_holds_nothing_and_is_hungry() -> None:
    beat = Worker().beat()
    assert (beat.worker, beat.slots, beat.in_flight, beat.queued) == ("w", 2, 0, 0)
    assert (beat.held, beat.parked, beat.longest_s, beat.slow) == ([], [], [], {})
    assert beat.is_hungry


def test_held_leases_come_with_the_age_of_their_oldest_step() -> None:
    worker = Worker()
    worker.begin(7)
    worker.begin(8)
    worker.age(5.0)
    beat = worker.beat()
    assert (beat.in_flight, beat.queued) == (2, 4)
    assert dict(zip(beat.held, beat.longest_s, strict=True)) == {7: 5.0, 8: 0.0}
    assert (beat.parked, beat.slow, beat.is_hungry) == ([], {}, False)
    worker.end()


def test_lines_are_slow_after_the_time_of_the_setting() -> None:
    worker = Worker()
    worker.begin(7)
    worker.age(19.0)
    assert worker.beat().slow == {}
    worker.age(20.0)
    assert worker.beat().slow == {7: b"\x03"}
    worker.end()


def test_an_age_is_bounded_as_a_message_demands() -> None:
    worker = Worker()
    worker.begin(7)
    worker.age(1e9)
    assert worker.beat().longest_s == [100_000.0]
    worker.end()


def test_a_lease_whose_last_rows_are_not_sent_is_held_and_parked_for_a_while() -> None:
    worker = Worker()
    worker.runner.ending.update({7: NOW - 59.0, 8: NOW - 61.0})
    beat = worker.beat()
    assert (beat.held, beat.longest_s, beat.parked) == ([7, 8], [59.0, 61.0], [7])


def test_a_lease_whose_lines_all_wait_outside_the_pool_is_parked() -> None:
    worker = Worker()
    worker.begin(7)
    assert worker.beat().parked == []
    worker.runner.held[7].active = 0
    assert worker.beat().parked == [7]
    worker.end()


def test_samples_are_sent_only_while_somebody_looks() -> None:
    worker = Worker()
    worker.runner.samples.failed(Result(1, "http://a.test/", Outcome.DNS, error="why"))
    plain = worker.heartbeat._progress(NOW)
    worker.heartbeat.is_watched = True
    watched = worker.heartbeat._progress(NOW)
    assert plain.samples != watched.samples
    assert isinstance(watched.samples, messages.Samples)
    assert [each.error for each in watched.samples.failed_lines] == ["why"]


def test_the_worker_of_a_job_that_is_over_is_mute() -> None:
    assert Worker(over="job").heartbeat.is_mute
    assert not Worker().heartbeat.is_mute
