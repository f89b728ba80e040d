"""Leases in a worker: claims, rows and ends, with a fetcher that sends nothing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import gevent
import gevent.event
import msgspec
import pytest

from fetcher import bitset
from fetcher.fetch.interface import OneStep
from fetcher.frontier.rules import CrawlRules
from fetcher.input import log_lines
from fetcher.input.formats import LOG, TEXT
from fetcher.input.log_lines import LogLine
from fetcher.model import Outcome, Result, Task
from fetcher.protocol import messages
from fetcher.roles.worker.lease_runner import LeaseRunner
from fetcher.roles.worker.row_builder import RowBuilder
from fetcher.settings.schema import Settings
from fetcher.telemetry.tallies import FetchTally
from support.recording import RecordingSocket

LINES = 4
FULL = (1 << LINES) - 1


class Gated(OneStep):
    """Each fetch waits until the test lets it end."""

    def __init__(self) -> None:
        self.gate = gevent.event.Event()
        self.begun: list[int] = []

    def fetch(self, task: Task) -> Result:
        self.begun.append(task.line)
        self.gate.wait()
        return Result(task.line, task.url, Outcome.OK, 200)


class Worker:
    """A runner between recording sockets: one for events, and one for each sink."""

    def __init__(self, sinks: int = 1, pool_size: int = 2, chunk_rows: int = 100) -> None:
        self.events = RecordingSocket()
        self.results = [RecordingSocket() for _ in range(sinks)]
        self.fetcher = Gated()
        worker = {
            "pool_size": pool_size,
            "chunk_rows": chunk_rows,
            "chunk_interval_s": 0.001,
            "transport": "an:own",
        }
        settings = msgspec.convert({"worker": worker, "polite": {"enabled": False}}, Settings)
        self.runner = LeaseRunner(
            settings,
            "w",
            self.fetcher,
            RowBuilder(settings.worker),
            FetchTally(is_detailed=False),
            self.events,
            self.results,
        )

    def begin(self, lease: int, batch: int = 0, mask: int = FULL, committed: int = 0) -> None:
        urls = b"\n".join(b"http://a.test/%d" % n for n in bitset.offsets(mask))
        first_line = batch * LINES + 1
        assignment = messages.Assignment(
            "j", lease, batch, bitset.pack(FULL), first_line, bitset.pack(mask), TEXT
        )
        self.runner.begin(assignment, urls, committed)

    def rows(self, sink: int = 0) -> list[list[int]]:
        """The lines of each chunk that this sink got."""
        sent = self.results[sink].sent
        return [sorted(each.lines) for each in sent if isinstance(each, messages.ChunkHeader)]

    def finish(self) -> None:
        """Let all fetches end, and all rows be sent."""
        self.fetcher.gate.set()
        with gevent.Timeout(10):
            while self.runner.held or self.runner.ending:
                gevent.sleep(0)


@contextmanager
def working(sinks: int = 1, pool_size: int = 2, chunk_rows: int = 100) -> Iterator[Worker]:
    worker = Worker(sinks, pool_size, chunk_rows)
    running = [gevent.spawn(sender.run) for sender in worker.runner.senders]
    try:
        yield worker
    finally:
        worker.fetcher.gate.set()
        worker.runner.pool.drain(5.0)
        gevent.killall(running)


def test_a_lease_is_claimed_fetched_and_finished() -> None:
    with working() as worker:
        worker.begin(7)
        assert worker.events.taken() == [messages.Claim("w", 7)]
        assert (list(worker.runner.held), worker.runner.job) == ([7], "j")
        worker.finish()
        assert worker.rows() == [[1, 2, 3, 4]]
        assert worker.events.taken() == [messages.Finished("w", 7, b"")]
        assert (worker.runner.held, worker.runner.ending) == ({}, {})


def test_lines_of_a_crawl_begin_by_their_priority() -> None:
    lines = [LogLine(f"http://a.test/{n}", priority=n % 3) for n in range(6)]
    mask = bitset.pack(0b111111)
    assignment = messages.Assignment("j", 1, 0, mask, 1, mask, LOG, crawl=CrawlRules())
    with working(pool_size=1) as worker:
        worker.runner.begin(assignment, b"\n".join(map(log_lines.encode, lines)), 0)
        worker.finish()
        assert worker.fetcher.begun == [3, 6, 2, 5, 1, 4]


def test_lines_that_are_committed_or_in_flight_here_are_skipped() -> None:
    with working() as worker:
        worker.begin(7, mask=0b0011)
        worker.begin(8, committed=0b1000)
        worker.finish()
        assert sorted(line for lines in worker.rows() for line in lines) == [1, 2, 3]
        assert messages.Finished("w", 8, bitset.pack(0b1011)) in worker.events.sent


def test_a_lease_without_anything_to_fetch_ends_at_once() -> None:
    with working() as worker:
        worker.begin(7, committed=FULL)
        worker.finish()
        assert worker.rows() == []
        assert worker.events.sent[-1] == messages.Finished("w", 7, bitset.pack(FULL))


def test_rows_go_to_the_sink_of_their_batch() -> None:
    with working(sinks=2) as worker:
        worker.begin(7, batch=0)
        worker.begin(8, batch=1)
        worker.finish()
        assert (worker.rows(0), worker.rows(1)) == ([[1, 2, 3, 4]], [[5, 6, 7, 8]])


def test_many_rows_are_sent_before_their_lease_ends() -> None:
    with working(chunk_rows=3, pool_size=1) as worker:
        worker.begin(7)
        worker.finish()
        assert worker.rows() == [[1, 2, 3], [4]]


def test_rows_that_wait_for_others_are_sent_from_time_to_time() -> None:
    with working(pool_size=1) as worker:
        fetch = worker.fetcher.fetch
        worker.fetcher.fetch = lambda task: (  # type: ignore[method-assign]
            fetch(task) if task.line == 4 else Result(task.line, task.url, Outcome.OK, 200)
        )
        flushing = gevent.spawn(worker.runner.flush)
        worker.begin(7)
        with gevent.Timeout(10):
            while not worker.rows():
                gevent.sleep(0)
        flushing.kill()
        assert worker.rows() == [[1, 2, 3]]
        worker.finish()
        assert worker.rows() == [[1, 2, 3], [4]]


def test_an_assignment_that_contradicts_itself_is_dropped() -> None:
    with working() as worker:
        assignment = messages.Assignment("j", 7, 0, b"\x0f", 1, b"\x0f", TEXT)
        worker.runner.begin(assignment, b"http://a.test/", 0)
        assert (worker.runner.held, worker.runner.pool.queued) == ({}, 0)


def test_lines_that_wait_are_returned_to_a_hungry_worker() -> None:
    with working(pool_size=1) as worker:
        worker.begin(7)
        gevent.idle()
        begun = list(worker.fetcher.begun)
        worker.runner.return_half()
        (returned,) = [each for each in worker.events.sent if isinstance(each, messages.Returned)]
        mask = bitset.unpack(returned.mask)
        assert mask and not mask & bitset.mask_of(line - 1 for line in begun)
        worker.finish()
        done = [line for lines in worker.rows() for line in lines]
        assert bitset.mask_of(line - 1 for line in done) == FULL & ~mask


def test_lines_that_another_worker_has_committed_are_left_out_if_they_have_not_begun() -> None:
    with working(pool_size=1) as worker:
        worker.begin(7)
        gevent.idle()
        assert worker.fetcher.begun == [1]
        worker.runner.skip_committed(7, 0b0111)
        worker.runner.skip_committed(99, FULL)
        worker.finish()
        assert sorted(line for lines in worker.rows() for line in lines) == [1, 4]


def test_a_lease_of_which_all_was_left_out_ends() -> None:
    with working(pool_size=1) as worker:
        worker.begin(7)
        gevent.idle()
        worker.begin(8, batch=1)
        worker.runner.skip_committed(8, FULL)
        assert 8 not in worker.runner.held
        worker.finish()
        assert messages.Finished("w", 8, b"") in worker.events.sent


@pytest.mark.parametrize("outcome", [Outcome.OK, Outcome.DNS])
def test_rows_of_failed_lines_are_samples(outcome: Outcome) -> None:
    with working() as worker:
        worker.fetcher.fetch = lambda task: Result(  # type: ignore[method-assign]
            task.line, task.url, outcome, error="why"
        )
        worker.begin(7, mask=0b1)
        worker.finish()
        failed = worker.runner.samples.samples([]).failed_lines
        assert len(failed) == (outcome is Outcome.DNS)
