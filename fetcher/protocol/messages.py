"""The messages between the roles: which there are, and who sends them to whom.

The modules `*_messages` declare their types, fields and bounds; other rooms import all from here.
protocol.codec encodes them; the key `t` of a message's map is its tag, all other keys are its
fields. Every number, text and list has a bound, because messages come from other
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

from collections.abc import Iterator

from fetcher.protocol.bounds import MAX_HOSTS
from fetcher.protocol.host_messages import (
    Grant,
    GrantAll,
    Owned,
    Recall,
    RecallAll,
    Release,
    Want,
)
from fetcher.protocol.lease_messages import (
    Assignment,
    ChunkHeader,
    Claim,
    Finished,
    Returned,
    Unneeded,
)
from fetcher.protocol.login_messages import (
    AnyLogin,
)
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
from fetcher.protocol.state_messages import (
    Look,
    Member,
    Phase,
    Roster,
    RouteLoad,
    Routes,
    State,
    Turns,
)
from fetcher.protocol.worker_messages import (
    Bye,
    FailedLine,
    Gone,
    Heartbeat,
    HostLoad,
    Progress,
    Samples,
)

__all__ = [
    "AnyMessage",
    "Assignment",
    "Bye",
    "ChunkHeader",
    "Claim",
    "Close",
    "Closed",
    "Committed",
    "CrawlState",
    "FailedLine",
    "Finished",
    "Gone",
    "Grant",
    "GrantAll",
    "Heartbeat",
    "HostLoad",
    "InputSpec",
    "LogPage",
    "Look",
    "Member",
    "Open",
    "Opened",
    "Owned",
    "Phase",
    "Poll",
    "Progress",
    "Recall",
    "RecallAll",
    "Refused",
    "Release",
    "Resync",
    "Returned",
    "Roster",
    "RouteLoad",
    "Routes",
    "Samples",
    "Seeded",
    "Seeds",
    "State",
    "Suspect",
    "Turns",
    "Unneeded",
    "Want",
    "parts",
]

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


def parts(count: int) -> Iterator[slice]:
    """Split lists of so many hosts into runs that fit into one message each; yields none for 0."""
    for start in range(0, count, MAX_HOSTS):
        yield slice(start, start + MAX_HOSTS)
