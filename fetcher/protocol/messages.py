"""The messages between the roles: their types, fields and bounds.

protocol.codec encodes them; the key `t` of a message's map is its tag, all other keys are the
fields declared here. Every number, text and list has a bound, because messages come from other
machines: the bounds limit what a message costs in memory, and sums of the numbers cannot overflow.
Tags and field names are part of the wire format and must not change within a version.

    ventilator -> worker   tasks    Assignment + frame: the URL lines, joined by line feeds
    worker -> sink         results  ChunkHeader + frame: the encoded rows, and bodies
    worker -> ventilator   events   Claim, Returned, Finished, Heartbeat, Progress, Bye, Want,
                                    Release, Owned;
                                    from a supervisor: Gone;  from a monitor: Look
    ventilator -> all      control  State, repeated;  for one worker: Grant, Recall, GrantAll,
                                    RecallAll, Unneeded;
                                    for a while after a Look: Roster
    ventilator -> sink     commits  Open -> Opened | Refused;  Close -> Closed;
                                    Poll -> Committed | Resync | Refused;
                                    in a crawl: Seeds -> Seeded | Resync | Refused
    about the log-in: see protocol.login_messages
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Annotated, Literal, TypeVar

import msgspec
from msgspec import UNSET, Meta, UnsetType, field

from fetcher.frontier.rules import CrawlRules
from fetcher.frontier.totals import Totals as CrawlTotals
from fetcher.input.formats import LineFormat
from fetcher.input.source_info import SourceInfo
from fetcher.protocol.bounds import (
    MAX_FAILED_LINES,
    MAX_HOSTS,
    MAX_LOADS,
    MAX_MEMBERS,
    MAX_REST_WHY,
    MAX_ROUTES,
    MAX_SLOW,
    MAX_TEXT,
    MAX_TURNS,
    Amount,
    Code,
    Count,
    Depth,
    Hosts,
    Line,
    Mask,
    Message,
    Name,
    RouteNames,
    Rows,
    Said,
    Seconds,
    Small,
    Status,
    Tags,
)
from fetcher.protocol.host_messages import (
    Grant,
    GrantAll,
    Owned,
    Recall,
    RecallAll,
    Release,
    Want,
)
from fetcher.protocol.login_messages import AnyLogin
from fetcher.protocol.output_spec import PLAIN, Output
from fetcher.protocol.sink_messages import (
    Close,
    Closed,
    Committed,
    CrawlState,
    InputSpec,
    LogPage,
    Open,
    Opened,
    Poll,
    Refused,
    Resync,
    Seeded,
    Seeds,
    Suspect,
)
from fetcher.protocol.totals import Totals

T = TypeVar("T")

# Declared in modules of their own; other rooms import all messages from here.
__all__ = [
    "Close",
    "Closed",
    "Committed",
    "CrawlState",
    "Grant",
    "GrantAll",
    "InputSpec",
    "LogPage",
    "Open",
    "Opened",
    "Owned",
    "Poll",
    "Recall",
    "RecallAll",
    "Refused",
    "Release",
    "Resync",
    "Seeded",
    "Seeds",
    "Suspect",
    "Want",
]

Phase = Literal["starting", "running", "paused", "frozen", "stopping", "finish"]


class Assignment(Message, tag="tasks", frozen=True):
    """Lines of a batch that a worker is to fetch under a lease."""

    job: Name
    lease: Count
    batch: Count
    batch_mask: Mask  # all URL lines of the batch
    first_line: Line
    mask: Mask  # the lines to fetch now
    format: LineFormat
    output: Output = PLAIN
    tags: Tags = b""  # of the lines in `mask`: see protocol.line_tags
    route: Name | UnsetType = UNSET  # of these lines; unset: the default one
    crawl: CrawlRules | UnsetType = UNSET  # unset: the job is a list
    logs_in: bool | UnsetType = UNSET  # True: only a worker that logs in, too, may fetch these


class ChunkHeader(Message, tag="chunk", frozen=True):
    """Finished rows of one batch; see model.Chunk.

    The frame holds `rows`, then `kept`, then the links, compressed (see protocol.links).
    """

    job: Name
    batch: Count
    batch_mask: Mask
    worker: Name
    lines: Annotated[list[Line], Rows]
    row_bytes: Annotated[list[Count], Rows]
    outcomes: Annotated[list[Code], Rows]
    statuses: Annotated[list[Status], Rows]
    body_bytes: Annotated[list[Count], Rows]
    kept_bytes: Annotated[list[Count], Rows] = field(default_factory=list)
    tags: Tags = b""  # of the lines
    empty: Annotated[list[Line], Rows] = field(default_factory=list)
    retried: Annotated[list[Line], Rows] = field(default_factory=list)
    unchanged: Annotated[list[Line], Rows] | UnsetType = UNSET  # only in a refresh
    # In a crawl; see model.Chunk.
    depths: Annotated[list[Depth], Rows] | UnsetType = UNSET
    hops: Annotated[list[Depth], Rows] | UnsetType = UNSET
    link_bytes: Annotated[list[Count], Rows] | UnsetType = UNSET  # before compression


class HostLoad(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """The load of one host."""

    host: Name
    in_flight: Small
    waiting: Small  # lines that wait for their turn there, at the worker that has the host
    failed: Count  # lines without an answer or with an error status; approximate for many hosts
    rest_s: Amount = 0.0  # how long the host gets no requests from now on, as it asked
    rest_why: Annotated[str, Meta(max_length=MAX_REST_WHY)] = (
        ""  # the status that asked, such as "503"
    )


class FailedLine(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A line that failed recently; texts are cut, and come from the input or a server."""

    line: Line
    outcome: Name
    status: Status  # 0: none
    url: Said
    error: Said


class Samples(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Samples of the activity: busy hosts and recent failed lines; see protocol.samples."""

    hosts: Annotated[list[HostLoad], Meta(max_length=MAX_LOADS)] = []
    # The newest last.
    failed_lines: Annotated[list[FailedLine], Meta(max_length=MAX_FAILED_LINES)] = []


class Claim(Message, tag="claim", frozen=True):
    """The worker has taken this lease from its socket."""

    worker: Name
    lease: Count


class Returned(Message, tag="returned", frozen=True):
    """The worker has not begun these lines; another worker may have them."""

    worker: Name
    lease: Count
    mask: Mask = b""  # b"": all lines of the lease, which was not claimed


class Finished(Message, tag="finished", frozen=True, omit_defaults=True):
    """Every row of this lease has been sent to the sink."""

    worker: Name
    lease: Count
    skipped: Mask = b""  # lines of it whose rows are sent under another lease of the worker


class Heartbeat(Message, tag="heartbeat", frozen=True):
    """Sent once a second: the worker lives, and holds exactly these leases."""

    worker: Name
    slots: Small
    in_flight: Small
    queued: Small
    held: Hosts
    # Leases without a line in the pool: their lines wait outside, or their rows for the sink.
    parked: Hosts
    # For each of `held`, seconds since its oldest fetch in flight began; 0: none is in flight.
    longest_s: Annotated[list[Seconds], Meta(max_length=MAX_HOSTS)] = field(default_factory=list)
    # Lease -> lines that a second worker may fetch, too: in flight for `lease.tail_after_s`, and
    # not on a host that has turns, because only one worker has a host's turn.
    slow: Annotated[dict[Count, Mask], Meta(max_length=MAX_SLOW)] = field(default_factory=dict)
    waiting: Hosts = field(default_factory=list)  # leases that arrived and are not claimed yet
    is_hungry: bool = False  # half of its slots are free, and it has no lines for them
    # The names of the routes that it serves; unset: all.
    routes: RouteNames | UnsetType = UNSET


class Progress(Message, tag="progress", frozen=True):
    """Sent with each heartbeat, for people who watch; nothing is decided by it."""

    worker: Name
    rows: Count  # sent to the sink since the worker began
    parked: Small  # lines that wait outside of the pool
    samples: Samples = Samples()  # empty unless `State.is_watched`
    lag_ms: Small = 0  # longest delay of its event loop since the last `Progress`
    # Hosts whose waiting lines will take longest -> how long, about.
    turns_s: Annotated[dict[Count, Seconds], Meta(max_length=MAX_TURNS)] = field(
        default_factory=dict
    )
    most_in_flight: Small = 0  # most fetches at once since the last `Progress`


class Unneeded(Message, tag="unneeded", frozen=True):
    """These lines of a lease, a second copy, are committed: its worker need not fetch them."""

    lease: Count
    mask: Mask


class Bye(Message, tag="bye", frozen=True):
    """The worker leaves in good order; lines that it did not finish may be handed out again."""

    worker: Name


class Gone(Message, tag="gone", frozen=True):
    """The worker died, as its supervisor saw."""

    worker: Name


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
    oldest_line: Count  # first uncommitted line of the oldest lease; 0: there is no lease
    oldest_s: Amount  # since that lease was handed out
    oldest_worker: Name  # "": unclaimed
    workers: Annotated[list[Member], Meta(max_length=MAX_MEMBERS)]
    unlisted: Count  # number of further workers
    samples: Samples = Samples()  # of all workers
    # Unset: the job has only the default route.
    routes: Annotated[list[RouteLoad], Meta(max_length=MAX_ROUTES)] | UnsetType = UNSET


AnyMessage = (
    Assignment
    | ChunkHeader
    | Claim
    | Returned
    | Finished
    | Heartbeat
    | Progress
    | Want
    | Release
    | Owned
    | Grant
    | Recall
    | GrantAll
    | RecallAll
    | Unneeded
    | Bye
    | Gone
    | State
    | Look
    | Roster
    | Open
    | Opened
    | Poll
    | Committed
    | Resync
    | Seeds
    | Seeded
    | Close
    | Closed
    | Refused
    | AnyLogin
)


def parts(hosts: Sequence[T]) -> Iterator[Sequence[T]]:
    """Split hosts into runs that fit into one message each; yields nothing without hosts."""
    for start in range(0, len(hosts), MAX_HOSTS):
        yield hosts[start : start + MAX_HOSTS]
