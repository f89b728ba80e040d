"""All code that takes bytes from a peer: the decoder, and the code that acts on messages.

A message is either dropped by a WireError or accepted by all code that acts on it; no other error
is raised. The numbers of an accepted message fit into the journal, the manifest and the next
message.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

import msgspec
from msgspec.structs import replace

from fetcher import bitset
from fetcher.commit import crawl_answers
from fetcher.commit.committer import Committer, Delta, Kept, Recovered
from fetcher.commit.crawl_record import Appended, CrawlRecord, Level
from fetcher.commit.growth import Growth
from fetcher.errors import DamageError, Exit, LoginError, LoginLostError, WireError
from fetcher.fetch.http.site_session import SiteSession
from fetcher.frontier.admission import Frontier
from fetcher.frontier.admitted import RowLinks
from fetcher.frontier.rules import CrawlRules
from fetcher.input.source_info import SourceInfo
from fetcher.leases.crawl_feed import CrawlFeed, SeedPage
from fetcher.leases.ledger import Ledger
from fetcher.leases.types import LeaseRules
from fetcher.logins.session_broker import SessionBroker
from fetcher.logins.session_holder import SessionHolder
from fetcher.model import Batch, Outcome, Result
from fetcher.politeness.host_broker import HostBroker
from fetcher.protocol import chunk_frames, codec, messages
from fetcher.protocol.login_messages import LogIn, NoSession, Session
from fetcher.protocol.output_spec import Output
from fetcher.protocol.totals import Totals
from fetcher.roles.ventilator.worker_events import apply_to_broker, apply_to_ledger
from fetcher.roles.worker.lease_buffer import LeaseBuffer
from fetcher.rows import jsonl
from fetcher.rows.check import RowChecker
from fetcher.watch import progress
from fetcher.watch.job_view import from_state

BATCH_SIZE: Final = 4
BATCHES: Final = 1_000
_OUTPUTS: Final = (
    Output(),
    Output(rows="msgpack"),
    Output(bodies="files", body_names="typed"),
    Output(bodies="warc"),
)
_AFRESH: Final = 2_000  # messages after which the roles begin anew, so that no state piles up


class _Journal:
    """A store that only does what may fail: to put the numbers into their places."""

    def append(self, rows: list[bytes], kept: list[Kept]) -> None:
        pass

    def sync(self) -> None:
        pass

    def record(self, delta: Delta) -> None:
        msgspec.msgpack.encode(delta.totals)
        for batch, state in delta.batches.items():
            if not (0 <= batch < 1 << 63 and bitset.pack(state.full)):
                raise ValueError(f"batch {batch} fits into no journal")


class Roles:
    """The deciding part of every role, without its sockets and its disk."""

    def __init__(self) -> None:
        self._proofs = [RowChecker(output, b"key") for output in _OUTPUTS]
        self.taken = 0  # messages that were decoded
        self._begin()

    def _begin(self) -> None:
        self._committer = Committer(_Journal(), Recovered(bitset.IdSet(), {}, Totals()), "j", "e")
        self._ledger = Ledger(LeaseRules())
        self._ledger.add(Batch(0, 1, 0b1111, b"a\nb\nc\nd"))
        self._crawl = _crawl()
        self._feed = CrawlFeed(lambda first: SeedPage([b"{}"], at_end=first > 0), _Texts())
        self._feed.begin(BATCH_SIZE, messages.CrawlState(0, False, 0))
        self._broker = HostBroker()
        self._logins = SessionBroker()
        self._holder = SessionHolder("w")
        self._in_flight: dict[str, int] = {}
        self._now = 0.0

    def take(self, frames: list[bytes]) -> bool:
        """Decode and act; False where it was dropped. Raises only where the law is broken."""
        try:
            message, frame = codec.decode(frames)
        except WireError:
            return False
        self.taken += 1
        if self.taken % _AFRESH == 0:
            self._begin()
        again = codec.encode(message, frame if len(frames) == 2 else None)
        if codec.decode(again) != (message, frame):
            raise AssertionError("what was decoded is another message when encoded again")
        self._now += 0.1
        try:
            self._act(message, frame)
        except WireError:
            return False
        return True

    def _act(self, message: messages.AnyMessage, frame: bytes) -> None:
        match message:
            case messages.ChunkHeader():
                self._sink(message, frame)
            case messages.Assignment():
                self._worker(message, frame)
            case messages.State():
                progress.describe(from_state(message, 1.0))
            case messages.Open():
                _manifest(message)
            case messages.Opened():
                self._resume(message)
            case messages.Committed():
                self._learn(message)
            case messages.Seeds():
                self._seed(message)
            case messages.Seeded():
                self._feed.state = message.crawl
                codec.decode(codec.encode(self._feed.seeds_request("s")))
            case messages.Poll():
                if message.log_from:
                    self._tell_crawl(message.log_from)
                message.source.total()
                msgspec.msgpack.encode((message.source, message.suspects))
                self._committer.changed_since(message.epoch, message.version)
            case messages.Refused():
                Exit(message.exit_code)
            case _:
                self._ventilator(message)

    def _sink(self, header: messages.ChunkHeader, rows: bytes) -> None:
        chunk = chunk_frames.check_chunk(header, rows, BATCH_SIZE, BATCHES)
        # No mutant brings the right tags: the committer gets it all the same.
        with contextlib.suppress(WireError):
            self._proofs[self.taken % len(self._proofs)].require(chunk)
        self._committer.offer(chunk, BATCH_SIZE)
        self._committer.commit()
        totals = self._committer.totals
        changed = self._committer.changed_since("e", max(self._committer.version - 1, 0)) or {}
        codec.decode(
            codec.encode(messages.Committed(self._committer.version, changed, totals, False))
        )

        if chunk.depths:
            self._crawl.offer(replace(chunk, job="j"), BATCH_SIZE)
            self._tell_crawl(1)

    def _seed(self, page: messages.Seeds) -> None:
        """The sink of a crawl."""
        assert self._crawl.growth is not None
        texts = page.texts.split(b"\n") if page.texts else []
        self._crawl.growth.seeds(page.first, texts, at_end=page.at_end)
        self._tell_crawl(1)

    def _tell_crawl(self, first: int) -> None:
        crawl = self._crawl
        crawl.commit()
        assert crawl.growth is not None
        told = messages.Committed(
            crawl.version,
            {},
            crawl.totals,
            complete=False,
            crawl=crawl_answers.state_of(crawl.growth),
            log=crawl_answers.page(crawl, first, BATCH_SIZE),
        )
        codec.decode(codec.encode(told))

    def _learn(self, news: messages.Committed) -> None:
        for batch, packed in news.changed.items():
            mask = bitset.unpack(packed) if packed else -1
            self._ledger.committed(batch, mask, self._now)
            self._feed.committed(batch, mask, self._now)
        with contextlib.suppress(DamageError):  # it stops the ventilator with a word
            self._feed.hear(news)
        for due in self._feed.due(1, self._now):
            if due.batch.id:  # the ledger has a batch 0 of a list
                self._ledger.grow(*due)

    def _worker(self, tasks: messages.Assignment, urls: bytes) -> None:
        held = LeaseBuffer(tasks, urls, "w", 0)
        try:
            found = list(held.tasks())
        except ValueError:
            return  # as documented: mask and lines do not agree
        for task in found:
            result = Result(task.line, task.url, Outcome.OK, id=task.id or 0)
            held.finish(result, jsonl.encode(result))
        chunk = held.take_chunk()
        if chunk is not None:
            codec.decode(codec.encode(*chunk_frames.chunk_parts(chunk)))

    def _resume(self, opened: messages.Opened) -> None:
        done = bitset.IdSet(opened.done)
        opened.source.total()
        for batch in range(3):
            committed = bitset.unpack(opened.partial.get(batch, b""))
            suspects = [each for each in opened.suspects if each.batch == batch]
            ledger = Ledger(LeaseRules())
            if batch not in done:
                ledger.add(Batch(batch, 1, 0b11, b"a\nb"), committed, suspects)
            ledger.take(self._now)

    def _ventilator(self, event: messages.AnyMessage) -> None:
        now, ledger, broker = self._now, self._ledger, self._broker
        apply_to_ledger(ledger, event, now)
        apply_to_broker(broker, event, now)
        with contextlib.suppress(LoginError, LoginLostError):  # it failed, as the message says
            self._logins.receive(event, now)
            self._logins.tick(["w"], now)
            for message in self._logins.messages(now):
                codec.decode(codec.encode(message))
        if isinstance(event, LogIn | Session | NoSession):
            self._holder.hear(event)
            SiteSession(self._holder.generation, self._holder.secrets)
        if isinstance(event, messages.Heartbeat):
            self._in_flight[event.worker] = event.in_flight
        ledger.tick(now)
        assignment = ledger.take(now)
        if assignment is not None:
            ledger.put_back(assignment.lease)
        broker.living(ledger.workers, now)
        if granted := broker.grant_of_all():
            codec.decode(codec.encode(messages.GrantAll(*granted)))
        if recalled := broker.recall_of_all(now):
            codec.decode(codec.encode(messages.RecallAll(*recalled)))
        for worker, ticketed in [*broker.grants(now).items(), *broker.recalls(now).items()]:
            codec.decode(codec.encode(messages.Grant(worker, *ticketed)))
        self._tell_state()

    def _tell_state(self) -> None:
        state = messages.State(
            job="j",
            phase="running",
            totals=self._committer.totals,
            source=SourceInfo(),
            in_flight=sum(self._in_flight.values()),
            workers=len(self._ledger.workers),
            redelivered=self._ledger.redelivered,
            ventilator_number=0,
            is_hungry=self._ledger.is_hungry,
        )
        codec.decode(codec.encode(state))


class _Texts:
    """See leases.crawl_feed.LineTexts."""

    def __init__(self) -> None:
        self._texts: dict[int, bytes] = {}

    def put(self, first: int, texts: Sequence[bytes]) -> None:
        self._texts.update(enumerate(texts, first))

    def get(self, lines: Sequence[int]) -> list[bytes]:
        return [self._texts[line] for line in lines]


class _Files:
    """See commit.growth.CrawlFiles."""

    def __init__(self) -> None:
        self._log: list[bytes] = []

    def append(self, what: Appended, level: Level) -> None:
        self._log += b"".join(what.log).splitlines(keepends=True)

    def log_texts(self, first: int, end: int) -> Iterable[bytes]:
        return [text[:-1] for text in self._log[first - 1 : end - 1]]

    def found_after(self, level: Level) -> Iterator[RowLinks]:
        return iter(())


def _crawl() -> Committer:
    """The committer of a crawl with a few lines."""
    rules = CrawlRules(scope="any", max_pages=100)
    growth = Growth(rules, Frontier(rules, 1), CrawlRecord(1), _Files())
    growth.seeds(0, [b'{"url":"http://a/%d"}' % n for n in range(5)], at_end=True)
    return Committer(_Journal(), Recovered(bitset.IdSet(), {}, Totals()), "j", "e", growth)


def _manifest(request: messages.Open) -> None:
    """The manifest is written as JSON for people, and must be readable again."""
    plain = msgspec.to_builtins((request.input, request.settings, request.batch_size))
    text = json.dumps(plain, indent=2, ensure_ascii=False)
    msgspec.json.decode(text.encode())
    for batch in (request.input.file_bytes * 1032 // request.batch_size, 1):
        if batch < 0:
            raise AssertionError("a job of less than no batches")
