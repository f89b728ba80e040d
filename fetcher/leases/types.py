"""The data of the ledger: parts of batches, and the leases under which workers have them."""

from __future__ import annotations

import enum
from collections.abc import Collection, Mapping
from typing import Final

import msgspec

from fetcher.model import Batch

_SESSION_BITS: Final = 32


def first_lease(session: int) -> int:
    """The first lease number of a ventilator; two ventilators never use the same number."""
    return session << _SESSION_BITS


def session_of(lease: int) -> int:
    """The number of the ventilator that issued a lease (messages.State.ventilator_number)."""
    return lease >> _SESSION_BITS


class LeaseRules(msgspec.Struct, frozen=True):
    """When to hand out again, seconds; see the settings of the same names."""

    silent_s: float = 5.0  # a worker not heard for so long is dead
    unclaimed_s: float = 90.0  # how long a lease may wait in a busy worker's pipe
    finished_s: float = 10.0  # from "all rows were sent to the sink" to their commit
    stall_s: float = 150.0  # no fetch takes so long: a worker whose fetch does loses the lease
    tail_after_s: float = 20.0  # at the end, lines in flight for so long get a second copy
    poison_deaths: int = 3  # deaths that a line alone must cause to be condemned
    ahead: int = 2  # unclaimed leases per live worker
    max_open_bytes: int = 16 * 1024 * 1024  # URL text of uncommitted batches, of all shares


class WorkerReport(msgspec.Struct, frozen=True):
    """What a heartbeat says of a worker's leases; see messages.Heartbeat."""

    parked: Collection[int] = ()
    longest_s: Mapping[int, float] = {}
    slow: Mapping[int, int] = {}
    waiting: Collection[int] = ()
    is_hungry: bool = False
    routes: frozenset[int] | None = None  # those that the worker serves; None: all


Key = tuple[int, int]  # of an open batch: its number, and the route of its lines


class BatchPart(msgspec.Struct, frozen=True):
    """Lines of one batch and one route, handed out together, and what happened to them before."""

    batch: int
    mask: int
    deaths: int = 0  # of workers that had it and committed nothing of it
    spared: int = 0  # deaths of workers in which all of it was parked
    losses: int = 0  # how often the row of this single line was sent and not committed
    lost_by: str = ""  # the worker that sent that row last; "": not known
    route: int = 0

    @property
    def key(self) -> Key:
        """Which open batch it is of."""
        return self.batch, self.route

    @property
    def is_isolated(self) -> bool:
        """Whether it is a single line that a worker had when it died."""
        return self.deaths > 0 and self.mask.bit_count() == 1


class LeaseState(enum.Enum):
    """Where a lease is; see the picture in leases.ledger."""

    SENT = "sent"
    CLAIMED = "claimed"
    FINISHED = "finished"


class Lease(msgspec.Struct):
    """A part of a batch that is handed out; times in seconds."""

    id: int
    part: BatchPart
    issued_at: float
    expires_at: float
    state: LeaseState = LeaseState.SENT
    worker: str = ""
    has_progressed: bool = False  # some line of it was committed since it was handed out
    copied: int = 0  # mask: lines that a second lease has as well
    slow: int = 0  # mask: lines that may be copied, as its worker said last
    seen_at: float = 0.0  # while unclaimed: when it was sent, or last seen waiting at a worker
    is_copy: bool = False
    is_alone: bool = False  # it was a single line, and no copy, when it was handed out
    is_uncounted: bool = False  # see FlowControl.exclude
    is_orphan: bool = False  # a worker died while it was unclaimed
    is_parked: bool = False  # all that is left of it waits outside of the worker's pool
    skipped: int = 0  # mask: lines whose rows its worker sends under another lease
    # Its sink was away or has restarted: rows that do not arrive were lost with the sink.
    is_excused: bool = False


class OpenBatch(msgspec.Struct):
    """The lines of one route of a batch, some of which are uncommitted."""

    batch: Batch
    remaining: int  # mask: uncommitted lines
    leases: set[int]
    in_memory: int  # mask: lines whose text `batch.urls` still holds
    lines: int = 0  # mask: all lines that were added

    @property
    def cost_bytes(self) -> int:
        """About what it takes in memory."""
        return len(self.batch.urls) + 600


class Assignment(msgspec.Struct, frozen=True):
    """A leased part of a batch, to be sent to a worker now; see messages.Assignment."""

    lease: int
    batch: Batch
    mask: int
    urls: bytes  # these lines' text
    route: int = 0
