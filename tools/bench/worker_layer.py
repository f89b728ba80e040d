"""All of a worker process but its sockets: leases, the pool, fetches, rows and chunks."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import gevent
import gevent.event

from fetcher import bitset
from fetcher.fetch.http.client import CurlFetcher
from fetcher.fetch.http.line_fetch import CurlFetch
from fetcher.input.formats import TEXT
from fetcher.model import Chunk, Task
from fetcher.protocol import line_tags, messages
from fetcher.roles import lifetime
from fetcher.roles.worker.host_turns import HostTurns
from fetcher.roles.worker.lease_runner import LeaseRunner
from fetcher.roles.worker.row_builder import RowBuilder
from fetcher.settings.schema import Settings
from fetcher.telemetry.tallies import FetchTally
from tools.bench.callgrind import Window

_BATCH: Final = 200
_OK: Final = 0  # the code of the outcome
_TIMEOUT_S: Final = 60.0


class _Taker:
    """A socket that takes everything."""

    def send_multipart(self, frames: list[bytes], flags: int = 0) -> None:
        pass


class _Counting(FetchTally):
    """Counts good rows, and says when all have been sent."""

    def __init__(self, count: int) -> None:
        super().__init__(is_detailed=False)
        self.good = 0
        self.done = gevent.event.Event()
        self._count = count

    def add(self, chunk: Chunk) -> None:
        super().add(chunk)
        self.good += chunk.outcomes.count(_OK)
        if self.rows == self._count:
            self.done.set()


class _Watched(CurlFetcher):
    """Counts the URLs that begin; rows end by the chunk, which is less exact."""

    def __init__(self, settings: Settings, count: int) -> None:
        super().__init__(settings, "bench")
        self._begun = 0
        self._window = Window(count)

    def begin(self, task: Task) -> CurlFetch:
        self._begun += 1
        self._window.passed(self._begun)
        return super().begin(task)


def fetch_all(settings: Settings, given: list[str]) -> int:
    """Fetch the URLs as leases of a worker; the number of good answers."""
    tally = _Counting(len(given))
    runner = LeaseRunner(
        settings,
        "bench",
        _Watched(settings, len(given)),
        RowBuilder(settings.worker),
        tally,
        _Taker(),
        [_Taker()],
    )
    lifetime.imported()  # garbage is collected as in a worker
    turns = HostTurns("bench", runner.pool, _Taker())
    turns.grant_all(1)  # as to a worker that is alone
    forever = [runner.flush, runner.pool.watch_the_clock, turns.run, turns.release_unused]
    loops = [gevent.spawn(each) for each in (*forever, *(each.run for each in runner.senders))]
    for assignment, urls in _assignments(given):
        while not runner.pool.has_room:
            runner.pool.room.clear()
            runner.pool.room.wait(_TIMEOUT_S)
        runner.begin(assignment, urls, 0)
        gevent.sleep(0)
    tally.done.wait()
    gevent.killall(loops)
    return tally.good


def _assignments(given: list[str]) -> Iterator[tuple[messages.Assignment, bytes]]:
    for first in range(0, len(given), _BATCH):
        part = given[first : first + _BATCH]
        mask = bitset.pack((1 << len(part)) - 1)
        assignment = messages.Assignment(
            job="bench",
            lease=first + 1,
            batch=first // _BATCH,
            batch_mask=mask,
            first_line=first + 1,
            mask=mask,
            format=TEXT,
            tags=bytes(line_tags.TAG_BYTES * len(part)),
        )
        yield assignment, "\n".join(part).encode()
