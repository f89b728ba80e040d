"""Messages of the ventilator about the whole job: to everybody, and to those who watch."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from fetcher.frontier.totals import CrawlTotals
from fetcher.input.source_info import SourceInfo
from fetcher.protocol.bounds import (
    MAX_MEMBERS,
    MAX_ROUTES,
    MAX_TEXT,
    Amount,
    Count,
    Message,
    Name,
    RouteNames,
)
from fetcher.protocol.totals import Totals
from fetcher.protocol.worker_messages import Samples

Phase = Literal["starting", "running", "paused", "frozen", "stopping", "finish"]


class Turns(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How much longer the job takes because of politeness alone."""

    longest_s: Amount = 0.0  # for the host that will take longest, by the lines at workers
    is_all: bool = False  # workers have all lines that are left


class Routes(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The routes of a job."""

    names: RouteNames  # in the order of their sockets, the default one first
    hungry: RouteNames = []  # those in which a worker has too little, while `State.is_hungry`
    all_out: RouteNames = []  # those of which workers have all lines that are left
    # For each of `names`: living workers that serve it, and all that have served it so far.
    workers: Annotated[list[Count], Meta(max_length=MAX_ROUTES)] = []
    joined: Annotated[list[Count], Meta(max_length=MAX_ROUTES)] = []


class State(Message, tag="state", frozen=True):
    """The state of the job, sent to everybody twice a second."""

    job: Name
    phase: Phase
    totals: Totals
    source: SourceInfo
    in_flight: Count
    workers: Count
    redelivered: Count  # lines handed out again so far, copies included
    ventilator_number: Count  # the ventilator's number; a new one has granted no hosts yet
    is_watched: bool = False  # workers should send samples
    is_hungry: bool = False  # a worker has too little: others should return waiting lines
    routes: Routes | UnsetType = UNSET  # unset: the job has only the default route
    copied: Count = 0  # lines given to a second worker at the end because they were slow
    turns: Turns = Turns()
    crawl: CrawlTotals | UnsetType = UNSET  # unset: the job is a list
    # Workers that have joined this ventilator so far. Unset: no engine runs the workers.
    joined: Count | UnsetType = UNSET


class Look(Message, tag="look", frozen=True):
    """Somebody watches: send the roster for a while."""


class Member(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A living worker, by its last messages."""

    worker: Name
    seen_s_ago: Amount
    slots: Count
    in_flight: Count
    queued: Count  # lines that wait for a slot of the pool
    parked: Count  # lines that wait for their host's turn or their next attempt
    leases: Count
    rows: Count  # sent since it began
    rate_per_s: Amount
    lag_ms: Count = 0  # longest recent delay of its event loop


class RouteLoad(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The workers and the lines of one route."""

    route: Name
    workers: Count  # living ones that serve it
    leases: Count
    leased_lines: Count
    waiting_lines: Count  # that no worker has, as far as the input has been read


class Roster(Message, tag="roster", frozen=True):
    """Details for people who watch: the leases and the workers."""

    job: Name
    trouble: Annotated[str, Meta(max_length=MAX_TEXT)]  # why the job does not go on; "": it does
    rate_per_s: Amount  # committed rows
    leases: Count
    leased_lines: Count
    open_batches: Count
    waiting: Count  # batches, or parts of them, that wait to be handed out (again)
    oldest_line: Count  # the first uncommitted one of the oldest lease; 0: no lease is open
    oldest_s: Amount  # since that lease was handed out
    oldest_worker: Name  # "": unclaimed
    workers: Annotated[list[Member], Meta(max_length=MAX_MEMBERS)]
    unlisted: Count  # number of further workers
    samples: Samples = Samples()  # of all workers
    # Unset: the job has only the default route.
    routes: Annotated[list[RouteLoad], Meta(max_length=MAX_ROUTES)] | UnsetType = UNSET
