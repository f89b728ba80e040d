"""Runs the leases that a worker has begun: fetches their lines, builds rows, sends them to sinks.

A lease ends here when its last row has been sent; what a sink does not take yet stays in memory,
and while there is too much of it no further step begins.
"""

from __future__ import annotations

import operator
import time
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any, Final

import gevent
from msgspec import UNSET, UnsetType

from fetcher import bitset
from fetcher.fetch.body.body_memory import BodyMemory
from fetcher.fetch.interface import Crawls, Fetcher, HoldsBodies, Refreshes
from fetcher.frontier.rules import CrawlRules
from fetcher.input import formats
from fetcher.model import Chunk, Outcome, Result, Task
from fetcher.protocol import messages
from fetcher.protocol.output_spec import warcinfo_id
from fetcher.protocol.samples import Sampler
from fetcher.protocol.shard import sink_of
from fetcher.roles.worker.heap import Heap
from fetcher.roles.worker.lease_buffer import LeaseBuffer
from fetcher.roles.worker.line_pool import LinePool
from fetcher.roles.worker.lines import Line
from fetcher.roles.worker.parent import Parent
from fetcher.roles.worker.result_sender import ResultSender
from fetcher.roles.worker.row_builder import RowBuilder
from fetcher.settings.schema import Settings
from fetcher.telemetry.tallies import FetchTally
from fetcher.transport.sockets import drop, send

if TYPE_CHECKING:
    from fetcher.roles.worker.page_reader import PageReader

_MAX_CHUNK_BYTES: Final = 2 * 1024 * 1024  # of rows, at which a chunk is sent however few they are
_OK: Final = Outcome.OK  # read for each line, and looked up slowly in an enum
_priority_of: Final = operator.attrgetter("priority")
_JOIN_S: Final = 5.0  # at the end: for the sinks to take the last rows


class LeaseRunner:
    """The leases that have begun in this worker.

    `held`: by number, those with lines that have no row yet. `ending`: those whose last rows are
    not sent yet -> since when (monotonic seconds). `job`: the job of the last lease, "" before.
    """

    def __init__(
        self,
        settings: Settings,
        worker: str,
        fetcher: Fetcher,
        row_builder: RowBuilder,
        tally: FetchTally,
        events: Any,
        results: Iterable[Any],
        is_held: Callable[[], bool] | None = None,
        parent: str = "",
    ) -> None:
        """`events`: the socket to the ventilator, `results`: one socket to each sink.

        While `is_held` returns True, no request begins. `parent`: see RoleSpec.
        """
        self.job = ""
        self.held: dict[int, LeaseBuffer] = {}
        self.ending: dict[int, float] = {}
        self.samples = Sampler()
        self.memory = _memory_of(fetcher, settings.worker.max_body_memory)
        self.pool = LinePool(
            settings,
            fetcher,
            worker,
            self._finish_line,
            _may_begin(self.memory.has_room, is_held),
        )
        self.senders = [ResultSender(socket, self._on_sent) for socket in results]
        self._settings = settings.worker
        self._all_settings = settings
        self._reader: PageReader | None = None  # of the last crawl
        self._parent = Parent(parent)
        self._name = worker
        self._fetcher = fetcher
        self._holds_bodies = isinstance(fetcher, HoldsBodies)
        self._row_builder = row_builder
        self._tally = tally
        self._events = events
        self._heap = Heap()
        self._unsent: dict[int, LeaseBuffer] = {}  # those of `held` that have rows to send
        self._skipped: dict[int, int] = {}  # lease -> lines that another lease here has

    # -- begin -------------------------------------------------------------------------------

    def begin(self, assignment: messages.Assignment, urls: bytes, committed: int) -> None:
        """Begin a lease; `committed`: a mask of lines that need not be fetched any more."""
        send(self._events, messages.Claim(worker=self._name, lease=assignment.lease))
        self.job = assignment.job
        reader = self._reader_of(assignment.crawl)
        self._fetcher.keep = self._row_builder.needed(
            assignment.output.bodies, crawls=reader is not None
        )
        previous_of = self._parent.previous_of(assignment.output.bodies)
        if isinstance(self._fetcher, Refreshes):
            self._fetcher.previous_of = previous_of
        if isinstance(self._fetcher, Crawls):
            self._fetcher.crawling = reader.crawling if reader is not None else None
        skip = committed
        for other in self.held.values():
            if (other.job, other.batch) == (assignment.job, assignment.batch):
                skip |= other.outstanding
        buffer = LeaseBuffer(assignment, urls, self._name, skip)
        if reader is None and previous_of is None:
            buffer.encode_row = self._row_builder.encoder(assignment.output)
        if buffer.encode_row is None:
            warcinfo = warcinfo_id(buffer.job, sink_of(buffer.batch, len(self.senders)))
            parent = None if previous_of is None else self._parent
            buffer.make_row = self._row_builder.maker(buffer.output, warcinfo, reader, parent)
        tasks = _tasks_of(buffer)
        if tasks is None:
            return
        if reader is not None:
            tasks.sort(key=_priority_of, reverse=True)  # equal ones stay in their order
        self.held[buffer.lease] = buffer
        if skip:
            self._skipped[buffer.lease] = skip
        if not tasks:
            self._end(buffer)
        self.pool.admit(buffer, tasks)

    def _reader_of(self, rules: CrawlRules | UnsetType) -> PageReader | None:
        """The reader of the crawl with these rules; None for a list."""
        if rules is UNSET:
            return None
        if self._reader is None or self._reader.rules != rules:
            # Only crawls import what reads pages.
            from fetcher.roles.worker.page_reader import PageReader  # noqa: PLC0415

            named = self._fetcher.sitemaps_of if isinstance(self._fetcher, Crawls) else _none_named
            self._reader = PageReader(rules, self._all_settings, named, self.pool.wait_for)
            self._heap.keep_for_trees()
        return self._reader

    # -- rows --------------------------------------------------------------------------------

    def _finish_line(self, line: Line, result: Result) -> None:
        buffer = line.buffer
        if result.outcome is not _OK:
            self.samples.failed(result)
        if buffer.has_names:
            result = formats.named(result, line.task)
        if buffer.encode_row is not None:
            row, body, links = buffer.encode_row(result), b"", b""
            row_bytes = len(row)
        else:
            made = buffer.make_row(line, result)
            result, row, body, links = made.result, made.row, made.body, made.links
            row_bytes = len(row) + len(body) + len(links)
        if self._holds_bodies and line.fetch is not None:
            line.fetch.release()
        self.memory.put_row(row_bytes)
        self._heap.freed(max(row_bytes, result.body_bytes or 0))
        rows = buffer.finish(result, row, body, links)
        if not buffer.outstanding:
            self._end(buffer)
        elif rows >= self._settings.chunk_rows or buffer.unsent_bytes >= _MAX_CHUNK_BYTES:
            self._send_rows(buffer)
        else:
            self._unsent[buffer.lease] = buffer

    def _end(self, buffer: LeaseBuffer) -> None:
        self.held.pop(buffer.lease, None)
        self.ending[buffer.lease] = time.monotonic()
        self._sender_of(buffer).put(buffer.take_chunk(), buffer.lease)

    def _send_rows(self, buffer: LeaseBuffer) -> None:
        chunk = buffer.take_chunk()
        if chunk is not None:
            self._sender_of(buffer).put(chunk, None)

    def _sender_of(self, buffer: LeaseBuffer) -> ResultSender:
        return self.senders[sink_of(buffer.batch, len(self.senders))]

    def _on_sent(self, chunk: Chunk | None, ended: int | None) -> None:
        if chunk is not None:
            self._tally.add(chunk)
            row_bytes = len(chunk.rows) + len(chunk.kept) + len(chunk.links)
            self.memory.sent_rows(row_bytes)
            self._heap.freed(row_bytes)
        self.pool.start()
        if ended is not None:
            self.ending.pop(ended, None)
            skipped = bitset.pack(self._skipped.pop(ended, 0))
            send(self._events, messages.Finished(self._name, ended, skipped))

    def flush(self) -> None:
        """Send rows that wait for others; runs for ever, in a greenlet of its own."""
        while True:
            gevent.sleep(self._settings.chunk_interval_s)
            unsent, self._unsent = self._unsent, {}
            for buffer in unsent.values():
                self._send_rows(buffer)

    def drain(self, grace_s: float) -> None:
        """Wait for the steps in flight, `grace_s` at most, and for the sinks to take the rows."""
        self.pool.drain(grace_s)
        for buffer in self.held.values():
            self._send_rows(buffer)
        with gevent.Timeout(_JOIN_S, False):
            for sender in self.senders:
                sender.join()

    # -- lines that are not fetched here -----------------------------------------------------

    def return_half(self) -> None:
        """Return half of the lines that wait for a slot of the pool, for a worker with too few."""
        removed: dict[LeaseBuffer, int] = {}
        for line in self.pool.remove_half():
            removed[line.buffer] = removed.get(line.buffer, 0) | line.bit
        for buffer, mask in removed.items():
            # This must come before the end of the lease: an ended lease can return nothing.
            send(self._events, messages.Returned(self._name, buffer.lease, bitset.pack(mask)))
            self._leave_out(buffer, mask)

    def skip_committed(self, lease: int, mask: int) -> None:
        """Leave out those of these lines that have not begun; a lease not held is ignored."""
        buffer = self.held.get(lease)
        if buffer is None:
            return
        left_out = self.pool.leave_out(buffer, mask)
        if left_out:
            self._leave_out(buffer, left_out)

    def _leave_out(self, buffer: LeaseBuffer, mask: int) -> None:
        buffer.outstanding &= ~mask
        if not buffer.outstanding:
            self._end(buffer)


def _none_named(_url: str) -> tuple[str, ...]:
    """The sitemaps that a fetcher knows which reads no robots.txt."""
    return ()


def _tasks_of(buffer: LeaseBuffer) -> list[Task] | None:
    tasks: Iterator[Task] = buffer.tasks()
    try:
        return list(tasks)
    except ValueError:
        drop("contradictory", f"tasks of batch {buffer.batch}: mask and lines do not agree")
        return None


def _may_begin(
    has_room: Callable[[], bool], is_held: Callable[[], bool] | None
) -> Callable[[], bool]:
    """Whether a step may begin; asked for each line."""
    return has_room if is_held is None else lambda: has_room() and not is_held()


def _memory_of(fetcher: Fetcher, max_bytes: int) -> BodyMemory:
    if isinstance(fetcher, HoldsBodies):
        return fetcher.memory
    return BodyMemory(max_bytes, gevent.get_hub().loop.run_callback)
