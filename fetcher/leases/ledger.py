"""Who has been handed what: the ventilator's leases, all soft.

Law: time and leases only decide when lines are handed out (again); that each has one row in the
end is the sink's doing (commit.committer). What is not committed is always either ready, leased or
condemned, so the job always ends.

Where there are several sinks, each has a share of the batches (protocol.shard), which is read for
on its own and freezes on its own; workers and suspicion are common to all. A pause freezes all
shares.

    add -> ready --take--> SENT --claimed--> CLAIMED --finished--> FINISHED --committed--> (gone)
             ^               |                  |                      |
             +-- returned ---+------------------+                      |
             +-- lapsed -----+------ death -----+--- chunks were lost -+
        (a death without progress and a loss split the piece, or condemn its one line:
        leases.poison)

As long as nothing fails, no line is handed out to two workers: what a living worker says that it
has is its own, however long that waits there. The one exception is a line whose fetch is slow when
nothing else is left to do, as its worker says (see wire.Heartbeat): then the first row counts.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from fetcher.leases.flow_control import FlowControl
from fetcher.leases.lease_book import LeaseBook
from fetcher.leases.poison import Condemned, Poison, pieces_of
from fetcher.leases.queue import Backlog
from fetcher.leases.tail_copies import TailCopies
from fetcher.leases.types import Assignment, Lease, LeaseRules, LeaseState, Piece, WorkerReport
from fetcher.model import Batch
from fetcher.protocol.messages import Suspect

ORPHAN_S = 5.0  # after a worker's death: what it may have had in its pipe, unclaimed
LOST_S = 2.0  # after a worker's or the sink's death: rows that were on their way
_SAYS_NOTHING = WorkerReport()
HUNGRY_S = 0.3  # a piece unclaimed for so long, while another worker has nothing, is held up


class Ledger:
    """Decides what is handed out next; everything is told to it, nothing is asked of a clock."""

    def __init__(self, rules: LeaseRules, first_lease: int = 1, shares: int = 1) -> None:
        self.rules = rules
        self._handed_again = 0  # lines, without copies
        self._next_lease = first_lease
        self._backlog = Backlog(shares)
        self._book = LeaseBook(self._backlog)
        self._last_added = [-1] * shares
        # Lines of batches that are not added yet: what workers had of an earlier ventilator.
        self._early: dict[int, int] = {}
        self._workers: dict[str, float] = {}  # -> last heard of
        # Workers that hold what is not leased (any more) -> since when.
        self._strange: dict[str, float] = {}
        self.finished_at = float("-inf")  # when the rows of a lease were handed to a sink last
        self._hungry: set[str] = set()  # workers that said that they have too little
        self._copies = TailCopies(self._book, self._backlog, rules.tail_after_s)
        self._began: float | None = None
        self._window = FlowControl(rules.ahead)
        self._poison = Poison(rules.poison_deaths, shares)

    # -- what goes in ------------------------------------------------------------------------

    def wants_batch(self, index: int = 0) -> bool:
        """Whether the next batch of this share should be added."""
        return self._has_window() and self._backlog.wants_batch(index, self.rules.max_open_bytes)

    def read_to_end(self, index: int = 0) -> None:
        """The source has no more batches of this share."""
        self._backlog.read_to_end(index)

    def is_read(self, index: int) -> bool:
        """Whether all batches of this share have been added."""
        return self._backlog.is_read(index)

    @property
    def source_ended(self) -> bool:
        """Whether all batches of all shares have been added."""
        return self._backlog.is_all_read

    def add(self, batch: Batch, committed: int = 0, suspects: Iterable[Suspect] = ()) -> None:
        """The source's next batch, with what is committed of it and what has killed workers."""
        index = self._backlog.index(batch.id)
        self._last_added[index] = max(self._last_added[index], batch.id)
        remaining = batch.mask & ~committed & ~self._early.pop(batch.id, 0)
        if not remaining:
            return
        self._book.open(batch, remaining)
        for suspect in suspects:
            for piece in pieces_of(suspect, remaining):
                self._backlog.push(piece)
                remaining &= ~piece.mask
        if remaining:
            self._backlog.push(Piece(batch.id, remaining))

    # -- what comes out ----------------------------------------------------------------------

    def _has_window(self) -> bool:
        return not self._backlog.is_all_frozen and self._window.is_open(len(self._workers))

    def take(self, now: float) -> Assignment | None:
        """The next piece to send, leased from now on; None if there is none or no room for it."""
        if self._began is None:
            self._began = now
        if not self._has_window() or self._lone_is_out(now) or self._window.rests(now):
            return None
        piece = self._next_ready(now)
        is_copy = False
        if piece is None and self._backlog.is_nothing_to_read:
            piece = self._tail_copy(now)
            is_copy = piece is not None
        if piece is None:
            return None
        expires_at = now + self.rules.unclaimed_s
        lease = Lease(self._next_lease, piece, now, expires_at, is_copy=is_copy, seen_at=now)
        lease.is_alone = piece.mask.bit_count() == 1 and not is_copy
        self._next_lease += 1
        self._book.issue(lease)
        self._window.sent()
        batch = self._book.batches[piece.batch].batch
        return Assignment(lease.id, batch, piece.mask, self._book.text_of(piece))

    def _next_ready(self, now: float) -> Piece | None:
        piece = self._backlog.pop(self._book.uncommitted)
        while piece and piece.is_lone:
            # The others of it are committed meanwhile: it is tried alone, as any other suspect.
            self._backlog.push(piece)
            piece = self._backlog.pop(self._book.uncommitted)
        if piece is None and self._backlog.has_lone and self._is_quiet(now):
            piece = self._backlog.pop_lone(self._book.uncommitted)
        return piece

    def _is_quiet(self, now: float) -> bool:
        """Whether no worker has anything that could be blamed for its death.

        A worker may still hold what an earlier ventilator gave it, or what was committed by
        another since: its heartbeats say so, and all workers have been heard after `silent_s`.
        One that does not let go of it is no longer waited for after `stall_s`: the job must end.
        """
        return (
            self._began is not None
            and now - self._began > self.rules.silent_s
            and all(now - since >= self.rules.stall_s for since in self._strange.values())
            and not any(self._may_kill(lease, now) for lease in self._book.leases.values())
        )

    def _lone_is_out(self, now: float) -> bool:
        leases = self._book.leases.values()
        lone = (each for each in leases if each.is_alone and each.piece.is_lone)
        return any(self._may_kill(each, now) for each in lone)

    def _may_kill(self, lease: Lease, now: float) -> bool:
        """Whether some line of it may be in flight.

        Rows that their sink does not take keep a lease from its end, but no fetch takes `stall_s`,
        and of a share that stands still nothing new is handed out.
        """
        if lease.state is LeaseState.FINISHED:
            return False
        return self._backlog.cut_off_s(lease.piece.batch, now) < self.rules.stall_s

    def _tail_copy(self, now: float) -> Piece | None:
        return self._copies.next(now) if len(self._workers) > 1 else None

    def put_back(self, lease_id: int) -> None:
        """The socket did not take it after all."""
        lease = self._drop(lease_id)
        if lease and lease.is_copy:
            self._copies.uncount(lease.piece.mask)
            self._copies.failed(lease)
        elif lease:
            self._backlog.push_first(lease.piece)

    def condemned(self, now: float) -> list[tuple[Batch, Condemned, bytes]]:
        """Lines (with their batch and text) that need a `crashed` row, repeated until committed."""
        return [
            (self._book.batches[each.piece.batch].batch, each, self._book.text_of(each.piece))
            for each in self._poison.due(now)
        ]

    # -- what workers say --------------------------------------------------------------------

    def claimed(self, worker: str, lease_id: int, now: float) -> None:
        """The worker took the lease off its socket."""
        lease = self._book.leases.get(lease_id)
        if lease and lease.state is LeaseState.SENT:
            self._window.claimed(lease, now)
            lease.state = LeaseState.CLAIMED
            lease.worker = worker
            lease.expires_at = self._clock(lease, now) + self.rules.stall_s
            self._hungry.discard(worker)  # until its next heartbeat says that this was too little
        self._workers[worker] = now

    def returned(self, worker: str, lease_id: int, now: float, mask: int = 0) -> None:
        """The worker has no room for the lease and has begun none of it; or none of these lines."""
        self._workers[worker] = now
        lease = self._book.leases.get(lease_id)
        if lease is None:
            return
        if mask:
            self.claimed(worker, lease_id, now)
            if lease.state is LeaseState.CLAIMED and lease.worker == worker:
                self._take_back(lease, lease.piece.mask & mask)
        elif lease.state is LeaseState.SENT:
            self._take_back(lease, lease.piece.mask)
            self._window.returned(len(self._workers), now)

    def _take_back(self, lease: Lease, mask: int) -> None:
        """Lines that their worker does not fetch: others may."""
        rest = lease.piece.mask & ~mask
        if not rest & self._book.batches[lease.piece.batch].remaining:
            self._drop(lease.id)
        wanted = self._book.nowhere_else(lease, self._book.others(lease)) & mask
        if lease.is_copy:
            self._copies.uncount(mask & ~wanted)
            self._copies.failed(lease, mask)
        lease.piece = msgspec.structs.replace(lease.piece, mask=rest)
        if wanted:
            self._backlog.push_first(msgspec.structs.replace(lease.piece, mask=wanted))

    def finished(self, worker: str, lease_id: int, now: float, skipped: int = 0) -> None:
        """The worker has handed every row of the lease to the sink's socket, but the skipped."""
        self.claimed(worker, lease_id, now)
        lease = self._book.leases.get(lease_id)
        if lease and lease.state is LeaseState.CLAIMED and lease.worker == worker:
            lease.state = LeaseState.FINISHED
            self.finished_at = now
            lease.skipped = skipped
            lease.expires_at = self._clock(lease, now) + self.rules.finished_s

    def heartbeat(
        self, worker: str, held: Iterable[int], now: float, report: WorkerReport = _SAYS_NOTHING
    ) -> None:
        """The worker lives and holds these leases and no others: mends lost claims and ends."""
        self._workers[worker] = now
        held = set(held)
        if held <= self._book.leases.keys():
            self._strange.pop(worker, None)
        else:
            self._strange.setdefault(worker, now)
        for lease_id in held:
            self.claimed(worker, lease_id, now)
            held_lease = self._book.leases.get(lease_id)
            if held_lease and held_lease.worker == worker:
                self._renew(held_lease, report, now)
        self._note_hunger(worker, is_hungry=report.is_hungry)
        for lease_id in report.waiting:
            self._seen_waiting(lease_id, now)
        for lease in list(self._book.leases.values()):
            if (
                lease.worker == worker
                and lease.state is LeaseState.CLAIMED
                and lease.id not in held
            ):
                self.finished(worker, lease.id, now)

    def _note_hunger(self, worker: str, *, is_hungry: bool) -> None:
        if is_hungry:
            self._hungry.add(worker)
        else:
            self._hungry.discard(worker)

    def _renew(self, lease: Lease, report: WorkerReport, now: float) -> None:
        """What waits at its worker may take its time; what is in flight has a limit."""
        stall_s = self.rules.stall_s
        if lease.id in report.parked or lease.is_parked:
            left_s = stall_s
        else:
            left_s = stall_s - report.longest_s.get(lease.id, stall_s)
        lease.expires_at = max(lease.expires_at, self._clock(lease, now) + left_s)
        lease.is_parked = lease.id in report.parked
        lease.slow = report.slow.get(lease.id, 0)

    def _seen_waiting(self, lease_id: int, now: float) -> None:
        """A living worker has it and will claim it, or return it."""
        lease = self._book.leases.get(lease_id)
        if lease and lease.state is LeaseState.SENT:
            lease.seen_at = now
            lease.orphan = False
            lease.expires_at = self._clock(lease, now) + self.rules.unclaimed_s

    def left(self, worker: str, now: float, *, died: bool) -> None:
        """The worker is gone, in good order or not."""
        self._strange.pop(worker, None)
        self._hungry.discard(worker)
        if self._workers.pop(worker, None) is None and not died:
            return
        for lease in list(self._book.leases.values()):
            if lease.state is LeaseState.SENT and died:
                # Any worker's pipe may have held it; it is handed out again if nobody claims it.
                lease.orphan = True
                lease.expires_at = min(lease.expires_at, self._clock(lease, now) + ORPHAN_S)
            elif lease.worker == worker and lease.state is LeaseState.CLAIMED:
                self._hand_out_again(lease, died=died)
            elif lease.worker == worker:
                lease.expires_at = min(lease.expires_at, self._clock(lease, now) + LOST_S)

    # -- what the sink says ------------------------------------------------------------------

    def committed(self, batch_id: int, mask: int, now: float) -> None:
        """These lines of the batch are committed (all that are, not only the newest)."""
        owner = self._book.batches.get(batch_id)
        if owner is None:
            if batch_id > self._last_added[self._backlog.index(batch_id)]:
                self._early[batch_id] = mask
            return
        new = owner.remaining & mask
        owner.remaining &= ~mask
        for lease_id in list(owner.leases):
            lease = self._book.leases[lease_id]
            self._copies.committed(lease, new)
            if not lease.piece.mask & owner.remaining:
                self._drop(lease_id)
            elif lease.piece.mask & new:
                lease.progressed = True
                if lease.state is LeaseState.CLAIMED:
                    lease.expires_at = self._clock(lease, now) + self.rules.stall_s
        self._poison.committed(batch_id, new)
        if not owner.remaining:
            self._book.close(batch_id)
        elif new and 2 * owner.remaining.bit_count() <= owner.kept.bit_count():
            self._book.shrink(owner)

    def unneeded(self) -> list[tuple[int, int]]:
        """Copies (lease, lines) whose lines are committed, for whoever has them; told once."""
        return self._copies.unneeded()

    def open_batches(self, index: int = 0) -> list[Batch]:
        """Batches of this share with uncommitted lines."""
        return self._book.batches_of(index)

    def sink_restarted(self, now: float, index: int = 0) -> None:
        """Rows that were on their way may be lost: look again soon."""
        for lease in self._book.leases_of(index):
            lease.is_excused = True
            if lease.state is LeaseState.FINISHED:
                lease.expires_at = min(lease.expires_at, self._clock(lease, now) + LOST_S)

    def freeze(self, now: float, index: int = 0) -> None:
        """The sink cannot be reached or cannot commit: hand out nothing, let nothing lapse."""
        self._backlog.freeze(now, index)
        # What of it lies in the pipe of a dead worker does not lapse: the window is the others'.
        for lease in self._book.leases_of(index):
            lease.is_excused = True
            self._window.hold_up(lease)

    def thaw(self, now: float, index: int = 0) -> None:
        """The sink is back: everybody gets the lost time back, unless all is paused."""
        if self._backlog.is_cut_off(index):
            for lease in self._book.leases_of(index):
                self._window.let_in(lease)
        nobody_was_judged = self._backlog.is_all_frozen
        stood_s = self._backlog.thaw(now, index)
        if stood_s is not None:
            self._go_on(now, {index: stood_s}, nobody_was_judged=nobody_was_judged)

    def pause(self, now: float) -> None:
        """Until `resume`: hand out nothing, let nothing lapse."""
        self._backlog.pause(now)

    def resume(self, now: float) -> None:
        """Everybody gets the lost time back, but where a sink is away."""
        nobody_was_judged = self._backlog.is_all_frozen
        stood_s = self._backlog.resume(now)
        if stood_s:
            self._go_on(now, stood_s, nobody_was_judged=nobody_was_judged)

    def _go_on(self, now: float, stood_s: dict[int, float], *, nobody_was_judged: bool) -> None:
        if nobody_was_judged:
            self._workers = dict.fromkeys(self._workers, now)
            self._strange = dict.fromkeys(self._strange, now)
        for index, seconds in stood_s.items():
            for lease in self._book.leases_of(index):
                lease.expires_at += seconds
                lease.issued_at += seconds
                lease.seen_at += seconds

    def _clock(self, lease: Lease, now: float) -> float:
        return self._backlog.clock(lease.piece.batch, now)

    def is_frozen(self, index: int = 0) -> bool:
        """Whether this share's sink is away or cannot commit."""
        return self._backlog.is_cut_off(index)

    @property
    def is_paused(self) -> bool:
        """Whether all stands still because somebody asked for it."""
        return self._backlog.is_paused

    # -- what time does ----------------------------------------------------------------------

    def tick(self, now: float) -> None:
        """Let silent workers die and leases lapse. Call it after all waiting events were told."""
        if self._backlog.is_all_frozen:
            return
        for worker, heard_at in list(self._workers.items()):
            if now - heard_at > self.rules.silent_s:
                self.left(worker, now, died=True)
        for lease in list(self._book.leases.values()):
            if lease.expires_at <= now and not self._backlog.is_frozen(lease.piece.batch):
                died = lease.orphan if lease.state is LeaseState.SENT else True
                self._hand_out_again(lease, died=died and lease.state is not LeaseState.FINISHED)
        self._feed_the_hungry(now)

    @property
    def is_hungry(self) -> bool:
        """Whether a worker has too little to do, all is handed out, and others may have too much.

        They return then what they have not begun.
        """
        if not self._is_end():
            return False
        busy = {
            lease.worker for lease in self._book.claimed() if not lease.is_parked
        } - self._hungry
        is_unbegun = any(lease.state is LeaseState.SENT for lease in self._book.leases.values())
        return bool(is_unbegun or busy) and not busy.issuperset(self._workers)

    @property
    def is_all_out(self) -> bool:
        """Whether workers have all that is left of all shares."""
        return self._backlog.is_all_read and not len(self._backlog)

    def _is_end(self) -> bool:
        return self._backlog.is_nothing_to_read and not self._backlog.has_ready

    def _feed_the_hungry(self, now: float) -> None:
        """Open the window again where a worker that takes nothing has all of it in its pipe.

        The pipe soon takes no more, so that this is not without bound. At the end, what no worker
        says that it has is handed out again: it was sent to one that has left.
        """
        if {lease.worker for lease in self._book.claimed()}.issuperset(self._workers):
            return
        is_full = not self._has_window()
        is_end = self._is_end()
        # Each living worker has said twice what waits there.
        unseen_s = max(self.rules.tail_after_s, 2 * self.rules.silent_s)
        for lease in list(self._book.leases.values()):
            if lease.state is not LeaseState.SENT or self._backlog.is_frozen(lease.piece.batch):
                continue
            if is_end and now - lease.seen_at > unseen_s:
                self._hand_out_again(lease, died=False)
            elif is_full and not lease.held_up and now - lease.issued_at > HUNGRY_S:
                self._window.hold_up(lease)

    def _hand_out_again(self, lease: Lease, *, died: bool) -> None:
        self._drop(lease.id)
        if lease.is_copy:
            # The very worker may have got it that has its lines already, and skipped them.
            self._copies.failed(lease)
        others = (other for other in self._book.others(lease) if not other.held_up)
        mask = self._book.nowhere_else(lease, others)
        if not mask:
            return
        self._handed_again += mask.bit_count()
        for piece in self._instead_of(lease, mask, died=died):
            self._backlog.push(piece)

    def _instead_of(self, lease: Lease, mask: int, *, died: bool) -> list[Piece]:
        piece = msgspec.structs.replace(lease.piece, mask=mask)
        if lease.state is LeaseState.FINISHED:
            return self._instead_of_sent(lease, piece)
        # (Frozen: what it got done cannot be seen.)
        if died and not lease.progressed and not self._backlog.is_frozen(piece.batch):
            return self._poison.after_death(
                piece, is_alone=lease.is_alone, is_parked=lease.is_parked
            )
        return [msgspec.structs.replace(piece, spared=0)]

    def _instead_of_sent(self, lease: Lease, piece: Piece) -> list[Piece]:
        """Its rows should have been committed by now, and are not."""
        is_excused = lease.is_excused or lease.is_copy
        kept = piece.mask if is_excused else piece.mask & lease.skipped
        pieces = [msgspec.structs.replace(piece, mask=kept, spared=0)] if kept else []
        if lost := piece.mask & ~kept:
            pieces += self._poison.after_loss(
                msgspec.structs.replace(piece, mask=lost),
                lease.worker,
                is_alone=lease.is_alone,
                is_only_worker=self._workers.keys() <= {lease.worker},
            )
        return pieces

    def _drop(self, lease_id: int) -> Lease | None:
        lease = self._book.end(lease_id)
        if lease is None:
            return None
        self._window.leave(lease)
        return lease

    # -- what others may know ----------------------------------------------------------------

    @property
    def copied(self) -> int:
        """Lines that were handed out a second time while they were slow."""
        return self._copies.lines

    @property
    def redelivered(self) -> int:
        """Lines that were handed out again, copies included."""
        return self._handed_again + self.copied

    def suspects_if_changed(self, index: int = 0) -> list[Suspect] | None:
        """What a next ventilator must know of deaths and losses; None if nothing has changed."""
        out = (lease.piece for lease in self._book.leases_of(index))
        return self._poison.suspects_if_changed(index, (*self._backlog.pieces(index), *out))

    @property
    def leases(self) -> Iterable[Lease]:
        """The open ones, in the order of issue."""
        return self._book.leases.values()

    def uncommitted(self, lease: Lease) -> tuple[Batch, int]:
        """The batch of an open lease, and of its lines those that are not committed."""
        return self._book.batches[lease.piece.batch].batch, self._book.left_of(lease)

    @property
    def waiting(self) -> int:
        """Pieces to be handed out (again)."""
        return len(self._backlog)

    @property
    def open_count(self) -> int:
        """Batches with uncommitted lines."""
        return len(self._book.batches)

    @property
    def workers(self) -> list[str]:
        return list(self._workers)
