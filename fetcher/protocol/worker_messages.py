"""Messages in which a worker, or its supervisor, says how it is."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import UNSET, Meta, UnsetType, field

from fetcher.protocol.bounds import (
    MAX_FAILED_LINES,
    MAX_HOSTS,
    MAX_LOADS,
    MAX_REST_WHY,
    MAX_SLOW,
    MAX_TURNS,
    Amount,
    Count,
    Hosts,
    Line,
    Mask,
    Message,
    Name,
    RouteNames,
    Said,
    Seconds,
    Small,
    Status,
)


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


class Bye(Message, tag="bye", frozen=True):
    """The worker leaves in good order; lines that it did not finish may be handed out again."""

    worker: Name


class Gone(Message, tag="gone", frozen=True):
    """The worker died, as its supervisor saw."""

    worker: Name
