"""The ventilator's record of who has been handed what, and the events that change it.

Leases and time decide only when lines are handed out (again). That each line has one row in the end
is ensured by the sink (commit.committer). A line that is not committed is always queued, leased or
condemned, so the job always ends. Nothing here must survive a restart.

docs/architecture.md ("A lease") draws the states of a lease. After a death without progress, or a
loss, the part is split, or its single line is condemned: leases.poison. With several sinks, each
share of the batches is read and frozen on its own (leases.frozen_shares), for the same workers.

As long as nothing fails, no line is handed out to two workers: a line that a living worker reports
stays with that worker, however long it waits there. The one exception: when nothing else is left to
do, a line whose fetch is slow is copied (leases.tail_copies), and its first committed row counts.
"""

from __future__ import annotations

import itertools
from collections.abc import Collection, Iterable, Sequence
from typing import Final

from fetcher.leases.commits import commit
from fetcher.leases.committed_ahead import CommittedAhead
from fetcher.leases.freezer import Freezer
from fetcher.leases.hunger import hungry_routes
from fetcher.leases.issuer import Issuer
from fetcher.leases.ledger_state import LedgerState
from fetcher.leases.poison import Condemned, parts_of
from fetcher.leases.reissuer import Reissuer
from fetcher.leases.types import (
    Assignment,
    BatchPart,
    Lease,
    LeaseRules,
    LeaseState,
    WorkerReport,
)
from fetcher.model import Batch
from fetcher.protocol.messages import Suspect

ORPHAN_S: Final = 5.0  # after a worker's death, unclaimed leases have so long to be claimed
LOST_S: Final = 2.0  # after a worker's or the sink's death, sent rows have so long to be committed
_NO_REPORT: Final = WorkerReport()


class Ledger:
    """Takes events of source, workers and sinks; `now` is the time of each, in seconds."""

    issuer_class = Issuer
    reissuer_class = Reissuer

    def __init__(
        self, rules: LeaseRules, first_lease: int = 1, shares: int = 1, routes: int = 1
    ) -> None:
        """`first_lease`: see types.first_lease; `shares`, `routes`: how many there are."""
        self.rules = rules
        self.routes = range(routes)
        self._state = LedgerState(rules, shares, routes)
        self._frozen, self._queue = self._state.frozen, self._state.queue
        self._book = self._state.book
        self._workers = self._state.workers
        self._issuer = self.issuer_class(self._state, first_lease)
        self._reissuer = self.reissuer_class(self._state)
        self._freezer = Freezer(self._state)
        self._committed_ahead = CommittedAhead(shares, routes)
        self.grows = False  # whether the list grows: a crawl
        self.finished_at = float("-inf")  # when a worker last finished a lease

    # -- the source --------------------------------------------------------------------------

    def wants_batch(self, index: int = 0, route: int = 0) -> bool:
        """Whether the next batch of this share and route should be added."""
        return self._issuer.has_room(route) and self._queue.wants_batch(
            index, self.rules.max_open_bytes, route
        )

    def read_to_end(self, index: int = 0, route: int = 0, *, is_end: bool = True) -> None:
        """The source has no more of this share and route; if not `is_end`, it has some again."""
        self._queue.read_to_end(index, route, is_end=is_end)

    def is_read(self, index: int) -> bool:
        """Whether all batches of this share have been added."""
        return self._queue.is_read(index)

    @property
    def source_ended(self) -> bool:
        """Whether all batches of all shares have been added."""
        return self._queue.is_all_read

    def add(
        self,
        batch: Batch,
        committed: int = 0,
        suspects: Iterable[Suspect] = (),
        route: int = 0,
        lines: int = -1,
    ) -> None:
        """Add the next batch of a route.

        `committed`: mask of its committed lines; `suspects`: those of its lines that are blamed
        for deaths or losses under an earlier ventilator; `lines`: those of this route, whose texts
        the batch has, -1: all URL lines.
        """
        lines &= batch.mask
        committed |= self._committed_ahead.added(self._frozen.index(batch.id), route, batch.id)
        remaining = lines & ~committed
        if not remaining:
            return
        self._book.open(batch, remaining, lines, route)
        self._push(batch.id, remaining, suspects, route)

    def grow(
        self, batch: Batch, mask: int, suspects: Iterable[Suspect] = (), route: int = 0
    ) -> None:
        """Add lines of a crawl's batch, none of which was added before.

        `batch`: with the texts of these lines; `suspects`: as in `add`.
        """
        self._book.grow(batch, mask, route)
        self._push(batch.id, mask, suspects, route)

    def _push(self, batch: int, remaining: int, suspects: Iterable[Suspect], route: int) -> None:
        for suspect in suspects:
            for part in parts_of(suspect, remaining, route):
                self._queue.push(part)
                remaining &= ~part.mask
        if remaining:
            self._queue.push(BatchPart(batch, remaining, route=route))

    def remaining(self, batch: int) -> int:
        """The mask of the lines of a batch that were added and are not committed."""
        found = 0
        for _, opened in self._book.opened(batch):
            found |= opened.remaining
        return found

    # -- handing out -------------------------------------------------------------------------

    def take(self, now: float, closed: Collection[int] = ()) -> Assignment | None:
        """The next assignment to send, leased from now on. None: nothing to send, or no room.

        `closed`: routes that take nothing now.
        """
        return self._issuer.take(now, closed)

    def put_back(self, lease_id: int) -> None:
        """The socket did not take the assignment."""
        self._issuer.put_back(lease_id)

    def condemned(self, now: float) -> list[tuple[Batch, Condemned, bytes]]:
        """Lines (with batch and text) that need a `crashed` row; repeated until committed."""
        return [
            (self._book.batches[each.part.key].batch, each, self._book.text_of(each.part))
            for each in self._state.poison.due(now)
        ]

    # -- workers -----------------------------------------------------------------------------

    def claimed(self, worker: str, lease_id: int, now: float) -> None:
        """The worker took the lease off its socket."""
        lease = self._book.leases.get(lease_id)
        if lease and lease.state is LeaseState.SENT:
            self._state.flow(lease).claimed(lease, now)
            self._book.claim(lease, worker)
            lease.expires_at = self._state.clock(lease, now) + self.rules.stall_s
            # Until the worker's next heartbeat says that this was too little.
            self._workers.note_hunger(worker, is_hungry=False)
            self._workers.note_claim(worker, lease.part.route)
        self._workers.heard(worker, now)

    def returned(self, worker: str, lease_id: int, now: float, mask: int = 0) -> None:
        """The worker began none of these lines. `mask` 0: of the whole, unclaimed lease."""
        self._workers.heard(worker, now)
        lease = self._book.leases.get(lease_id)
        if lease is None:
            return
        if mask:
            self.claimed(worker, lease_id, now)
            if lease.state is LeaseState.CLAIMED and lease.worker == worker:
                self._reissuer.take_back(lease, lease.part.mask & mask)
        elif lease.state is LeaseState.SENT:
            self._reissuer.take_back(lease, lease.part.mask)
            route = lease.part.route
            self._state.flows[route].returned(len(self._workers.serving(route)), now)

    def finished(self, worker: str, lease_id: int, now: float, skipped: int = 0) -> None:
        """The worker has sent every row of the lease to the sink, except for those `skipped`."""
        self.claimed(worker, lease_id, now)
        lease = self._book.leases.get(lease_id)
        if lease and lease.state is LeaseState.CLAIMED and lease.worker == worker:
            lease.state = LeaseState.FINISHED
            self.finished_at = now
            lease.skipped = skipped
            lease.expires_at = self._state.clock(lease, now) + self.rules.finished_s

    def heartbeat(
        self, worker: str, held: Iterable[int], now: float, report: WorkerReport = _NO_REPORT
    ) -> None:
        """The worker lives, and holds exactly these leases.

        So a lease that it holds was claimed, and a claimed lease that it does not hold was
        finished, even if these messages were lost.
        """
        held = set(held)
        self._workers.heard(worker, now)
        self._workers.note_routes(worker, report.routes)
        self._workers.holds(worker, held, self._book.leases, now)
        for lease_id in held:
            self.claimed(worker, lease_id, now)
            lease = self._book.leases.get(lease_id)
            if lease and lease.worker == worker:
                self._renew(lease, report, now)
        self._workers.note_hunger(worker, is_hungry=report.is_hungry)
        for lease_id in report.waiting:
            self._seen_waiting(lease_id, now)
        for lease in self._book.of_worker(worker):
            if lease.id not in held and lease.state is LeaseState.CLAIMED:
                self.finished(worker, lease.id, now)

    def _renew(self, lease: Lease, report: WorkerReport, now: float) -> None:
        """Set when the lease expires: a fetch in flight has `stall_s`, a wait has no limit."""
        stall_s = self.rules.stall_s
        if lease.id in report.parked or lease.is_parked:
            left_s = stall_s
        else:
            left_s = stall_s - report.longest_s.get(lease.id, stall_s)
        lease.expires_at = max(lease.expires_at, self._state.clock(lease, now) + left_s)
        lease.is_parked = lease.id in report.parked
        lease.slow = report.slow.get(lease.id, 0)

    def _seen_waiting(self, lease_id: int, now: float) -> None:
        """A living worker has the lease, and will claim or return it."""
        lease = self._book.leases.get(lease_id)
        if lease and lease.state is LeaseState.SENT:
            lease.seen_at = now
            lease.is_orphan = False
            lease.expires_at = self._state.clock(lease, now) + self.rules.unclaimed_s

    def worker_left(self, worker: str, now: float, *, died: bool) -> None:
        """The worker is gone; `died`: it did not leave in good order."""
        served = {each for each in self.routes if self._workers.may_serve(worker, each)}
        if not self._workers.leave(worker) and not died:
            return
        if died:
            self._orphan(served, now)
        for lease in self._book.of_worker(worker):
            if lease.state is LeaseState.CLAIMED:
                self._reissuer.reissue(lease, died=died)
            else:
                self._expire_within(lease, LOST_S, now)

    def _orphan(self, routes: Collection[int], now: float) -> None:
        """A worker of these routes died: what was in its pipe expires, as nobody claims it."""
        for lease in self._book.sent():
            if lease.part.route in routes:
                lease.is_orphan = True
                self._expire_within(lease, ORPHAN_S, now)

    def _expire_within(self, lease: Lease, seconds: float, now: float) -> None:
        lease.expires_at = min(lease.expires_at, self._state.clock(lease, now) + seconds)

    # -- sinks -------------------------------------------------------------------------------

    def committed(self, batch_id: int, mask: int, now: float) -> None:
        """Lines of a batch were committed; `mask`: all of them, not only the newest."""
        ahead = commit(self._state, batch_id, mask, now)
        # Of a crawl's lines, leases.crawl_feed knows which are committed.
        if not self.grows:
            self._committed_ahead.committed(self._frozen.index(batch_id), batch_id, ahead)

    def unneeded(self) -> list[tuple[int, int]]:
        """Copies (lease, lines) whose lines were committed since the last call."""
        return self._state.copies.unneeded()

    def open_batches(self, index: int = 0) -> list[Batch]:
        """Batches of this share with uncommitted lines."""
        return self._book.batches_of(index)

    def sink_restarted(self, now: float, index: int = 0) -> None:
        """The sink restarted, so rows that were on their way may be lost."""
        for lease in self._book.leases_of(index):
            lease.is_excused = True
            if lease.state is LeaseState.FINISHED:
                self._expire_within(lease, LOST_S, now)

    # -- freezes -----------------------------------------------------------------------------

    def freeze(self, now: float, index: int = 0) -> None:
        """The share's sink is away or cannot commit: hand out none of it, let no lease expire."""
        self._freezer.freeze(now, index)

    def thaw(self, now: float, index: int = 0) -> None:
        """The sink is back: its share goes on, unless all is paused."""
        self._freezer.thaw(now, index)

    def pause(self, now: float) -> None:
        """Hand out nothing and let no lease expire, until `resume`."""
        self._frozen.pause(now)

    def resume(self, now: float) -> None:
        """End the pause; shares whose sink is away stay frozen."""
        self._freezer.resume(now)

    def is_frozen(self, index: int = 0) -> bool:
        """Whether this share's sink is away or cannot commit."""
        return self._frozen.is_cut_off(index)

    @property
    def is_paused(self) -> bool:
        """Whether everything is paused."""
        return self._frozen.is_paused

    # -- time --------------------------------------------------------------------------------

    def tick(self, now: float) -> None:
        """Give up silent workers and reissue expired leases. Call it after all waiting events."""
        if self._frozen.is_all_frozen:
            return
        for worker in self._workers.silent(now, self.rules.silent_s):
            self.worker_left(worker, now, died=True)
        self._reissuer.expire(now)
        self._reissuer.serve_idle_workers(now, has_room=self._issuer.has_room)

    @property
    def is_hungry(self) -> bool:
        """Whether there are such routes as `hungry_routes` lists."""
        return bool(self.hungry_routes)

    @property
    def hungry_routes(self) -> list[int]:
        """The routes of which workers should return lines that they have not begun."""
        return hungry_routes(self._state)

    @property
    def is_all_out(self) -> bool:
        """Whether workers have all uncommitted lines of all shares."""
        return self._queue.is_all_read and not len(self._queue)

    def is_all_out_of(self, route: int) -> bool:
        """Whether workers have all uncommitted lines of a route."""
        return self._queue.is_read_for(route) and not any(self._queue.waiting_of(route))

    @property
    def is_all_sent(self) -> bool:
        """Whether the rows of all uncommitted lines have been sent to the sinks."""
        leases = self._book.leases.values()
        return self.is_all_out and all(lease.state is LeaseState.FINISHED for lease in leases)

    # -- statistics, and what a next ventilator must know --------------------------------------

    @property
    def copied(self) -> int:
        """Lines that were handed out a second time because they were slow."""
        return self._state.copies.lines

    @property
    def redelivered(self) -> int:
        """Lines that were handed out again, copies included."""
        return self._reissuer.lines + self.copied

    def suspects_if_changed(self, index: int = 0) -> list[Suspect] | None:
        """Lines of this share that are blamed for deaths or losses; None: as at the last call."""
        parts = itertools.chain(self._queue.parts(index), self._book.parts_of(index))
        return self._state.poison.suspects_if_changed(index, parts)

    @property
    def leases(self) -> Iterable[Lease]:
        """The open leases, in the order of issue."""
        return self._book.leases.values()

    def uncommitted(self, lease: Lease) -> tuple[Batch, int]:
        """The batch of an open lease, and the mask of its uncommitted lines."""
        return self._book.batches[lease.part.key].batch, self._book.uncommitted_mask(lease)

    @property
    def waiting(self) -> int:
        """Parts of batches that wait to be handed out (again)."""
        return len(self._queue)

    @property
    def open_count(self) -> int:
        """Batches with uncommitted lines."""
        return len(self._book.batches)

    def waiting_lines(self, route: int) -> int:
        """Lines of a route that were read and wait to be handed out (again)."""
        return sum(part.mask.bit_count() for part in self._queue.waiting_of(route))

    def count_serving(self, route: int) -> int:
        """How many living workers are known to serve a route."""
        return len(self._workers.serving(route))

    def count_joined(self, route: int) -> int:
        """How many workers have served a route so far, those that have left included."""
        return self._workers.joined[route]

    @property
    def workers(self) -> Sequence[str]:
        """The living workers: the same object until one joins or leaves."""
        return self._workers.names
