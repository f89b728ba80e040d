"""What the ledger keeps books of: pieces of batches, and the leases under which they are out."""

from __future__ import annotations

import enum
from collections.abc import Collection, Mapping
from typing import Final

import msgspec

from fetcher.model import Batch

_SESSION_BITS: Final = 32


def first_lease(session: int) -> int:
    """The first number of a ventilator's leases; those of two never have the same number."""
    return session << _SESSION_BITS


def session_of(lease: int) -> int:
    """Which ventilator a lease is of (see `wire.State.referee`)."""
    return lease >> _SESSION_BITS


class LeaseRules(msgspec.Struct, frozen=True):
    """When to hand out again, seconds; see the settings of the same names."""

    silent_s: float = 5.0  # a worker unheard of for so long is dead
    unclaimed_s: float = 90.0  # a piece may wait so long in a busy worker's pipe
    finished_s: float = 10.0  # from "all rows handed to the sink" to their commit
    stall_s: float = 150.0  # no fetch takes so long: a worker whose fetch does has lost the piece
    tail_after_s: float = 20.0  # when nothing is left: second copies of what is in flight so long
    poison_deaths: int = 3  # that a line alone must cause to be condemned
    ahead: int = 2  # unclaimed pieces per live worker
    max_open_bytes: int = 16 * 1024 * 1024  # URL text of uncommitted batches, of all shares


class WorkerReport(msgspec.Struct, frozen=True):
    """What a heartbeat says of a worker's leases; see wire.Heartbeat."""

    parked: Collection[int] = ()
    longest_s: Mapping[int, float] = {}
    slow: Mapping[int, int] = {}
    waiting: Collection[int] = ()
    is_hungry: bool = False


class Piece(msgspec.Struct, frozen=True):
    """Lines of one batch that travel together."""

    batch: int
    mask: int
    deaths: int = 0  # of workers that had it and committed nothing of it
    spared: int = 0  # deaths of workers at which it only waited for its host's turn
    losses: int = 0  # times that its row was sent and not committed, since it is a single line
    lost_by: str = ""  # the worker that sent it last; "": not known (any more)

    @property
    def is_lone(self) -> bool:
        """Whether it is a single line that was there at a death."""
        return self.deaths > 0 and self.mask.bit_count() == 1


class LeaseState(enum.Enum):
    """Where a lease is; see the picture in leases.ledger."""

    SENT = "sent"
    CLAIMED = "claimed"
    FINISHED = "finished"


class Lease(msgspec.Struct):
    """A piece that is out."""

    id: int
    piece: Piece
    issued_at: float
    expires_at: float
    state: LeaseState = LeaseState.SENT
    worker: str = ""
    progressed: bool = False  # some line of it was committed since it was handed out
    copied: int = 0  # lines that a second lease has as well
    slow: int = 0  # lines that a second lease may have as well, as its worker said last
    seen_at: float = 0.0  # while unclaimed: when a worker last said that it has it, or it was sent
    is_copy: bool = False
    is_alone: bool = False  # it was a single line, and no copy, when it was handed out
    # Unclaimed and not in the window: its worker takes nothing, or its sink is away.
    held_up: bool = False
    orphan: bool = False  # a worker died while it was unclaimed
    is_parked: bool = False  # all that is left of it waits outside of the worker's pool
    skipped: int = 0  # lines whose rows its worker sends under another lease
    # Its sink was away or has started again: rows that do not arrive were lost with it.
    is_excused: bool = False


class OpenBatch(msgspec.Struct):
    """A batch with uncommitted lines."""

    batch: Batch
    remaining: int
    leases: set[int]
    kept: int  # lines whose text `batch.urls` still holds

    @property
    def cost_bytes(self) -> int:
        """About what it takes in memory."""
        return len(self.batch.urls) + 600


class Assignment(msgspec.Struct, frozen=True):
    """To be sent now."""

    lease: int
    batch: Batch
    mask: int
    urls: bytes  # these lines' text
