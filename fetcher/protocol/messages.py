"""Messages <-> msgpack frames.

Law: a message is one msgpack map (its header), and for two of them one raw frame behind it. The
header's first key is the wire's version `v`, then comes its type `t`; all other keys are the fields
declared here. What is not exactly that is a WireError, whatever it is: this module never raises
anything else on bytes from outside. Nothing is built that is not a declared field, so that what a
header costs in memory goes by its declared bounds.

    ventilator -> worker   tasks    Assignment + frame: URL lines joined by line feeds
    worker -> sink         results  ChunkHeader + frame: the encoded rows
    worker -> ventilator   events   Claim, Returned, Finished, Heartbeat, Progress, Bye, Want,
                                    Release, Owned;
                                    supervisor -> ventilator  Gone;  who watches -> it  Look
    ventilator -> all      control  State, repeated;  for one of them: Grant, Recall, Unneeded;
                                    for a while after a Look: Roster
    ventilator -> sink     commits  Open -> Opened | Refused;  Close -> Closed;
                                    Poll -> Committed | Resync | Refused
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Annotated, Final, Literal, TypeVar

import msgspec
from msgspec import Meta

from fetcher.errors import Exit
from fetcher.input.formats import TEXT, LineFormat
from fetcher.input.selection import Selection
from fetcher.input.source_info import SourceInfo
from fetcher.model import OUTCOMES
from fetcher.protocol.line_tags import KEY_BYTES, TAG_BYTES
from fetcher.protocol.output_spec import PLAIN, Output
from fetcher.protocol.shard import WHOLE, Share
from fetcher.protocol.totals import Totals

T = TypeVar("T")

MAX_BATCH_LINES: Final = 10_000  # as job.batch_size and worker.chunk_rows allow
MAX_HOSTS: Final = 400_000  # of one message
_MAX_PARTIAL: Final = 100_000  # batches that are begun and not full
MAX_TEXT: Final = 500  # characters of a text for people, in a roster
MAX_MEMBERS: Final = 200  # workers named in one roster
MAX_LOADS: Final = 10  # hosts named in one glimpse
MAX_REST_WHY: Final = 40
MAX_MISHAPS: Final = 20  # failed lines told in one glimpse
MAX_SLOW: Final = 100  # leases of one heartbeat whose slow lines are named
MAX_TURNS: Final = 20  # hosts of one worker of which it says how long their lines will take
MAX_SECONDS: Final = 100_000.0  # a day, and what rounding adds

# No number here is so large that a sum of some, or a line beyond it, fits into no other place.
Count = Annotated[int, Meta(ge=0, le=(1 << 63) - 1)]
Small = Annotated[int, Meta(ge=0, le=1 << 32)]
Line = Annotated[int, Meta(ge=1, le=1 << 62)]
BatchSize = Annotated[int, Meta(ge=1, le=MAX_BATCH_LINES)]
Code = Annotated[int, Meta(ge=0, lt=len(OUTCOMES))]
Status = Annotated[int, Meta(ge=0, le=999)]
Seconds = Annotated[float, Meta(ge=0, le=MAX_SECONDS)]
Mask = Annotated[bytes, Meta(max_length=MAX_BATCH_LINES // 8)]  # see bitset.pack
Tags = Annotated[bytes, Meta(max_length=MAX_BATCH_LINES * TAG_BYTES)]
Masks = Annotated[dict[Count, Mask], Meta(max_length=_MAX_PARTIAL)]  # by batch
# Neither infinity nor "not a number": the manifest could not be read again.
Finite = Annotated[float, Meta(ge=-1e300, le=1e300)]
Plain = str | int | Finite | bool | None  # a setting
_Section = Annotated[
    dict[str, Plain | Annotated[list[Plain], Meta(max_length=100_000)]], Meta(max_length=1_000)
]
Settings = Annotated[dict[str, _Section], Meta(max_length=100)]
Name = Annotated[str, Meta(max_length=200)]
MAX_SAID: Final = 200
Said = Annotated[str, Meta(max_length=MAX_SAID)]
Phase = Literal["starting", "running", "paused", "frozen", "stopping", "finish"]
_Rows = Meta(max_length=MAX_BATCH_LINES)
Hosts = Annotated[list[Count], Meta(max_length=MAX_HOSTS)]
Amount = Annotated[float, Meta(ge=0, le=1e15)]


class Message(msgspec.Struct, frozen=True, tag_field="t", forbid_unknown_fields=True):
    """Base of all headers."""


class Assignment(Message, tag="tasks", frozen=True):
    """A piece of a batch to fetch, under a lease."""

    job: Name
    lease: Count
    batch: Count
    batch_mask: Mask  # all URL lines of the batch
    first_line: Line
    mask: Mask  # the lines to fetch now
    format: LineFormat
    output: Output = PLAIN
    tags: Tags = b""  # of the lines to fetch now: see protocol.line_tags


class ChunkHeader(Message, tag="chunk", frozen=True):
    """See model.Chunk; the frame behind it is `rows`, and then `kept`."""

    job: Name
    batch: Count
    batch_mask: Mask
    worker: Name
    lines: Annotated[list[Line], _Rows]
    row_bytes: Annotated[list[Count], _Rows]
    outcomes: Annotated[list[Code], _Rows]
    statuses: Annotated[list[Status], _Rows]
    body_bytes: Annotated[list[Count], _Rows]
    kept_bytes: Annotated[list[Count], _Rows] = []
    tags: Tags = b""  # of the lines
    empty: Annotated[list[Line], _Rows] = []
    retried: Annotated[list[Line], _Rows] = []


class HostLoad(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A busy host."""

    host: Name
    in_flight: Small
    waiting: Small  # lines that wait for their turn there; of one worker, where it owns the host
    failed: Count  # lines that ended in no answer or an error status; about, where hosts are many
    rest_s: Amount = 0.0  # that the host is left alone from now on, as it asked for that
    rest_why: Annotated[str, Meta(max_length=MAX_REST_WHY)] = ""  # the status: "503"


class FailedLine(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A line that failed lately; texts are cut, and hold what a server or the input said."""

    line: Line
    outcome: Name
    status: Status  # 0: none
    url: Said
    error: Said


class Samples(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What goes on, in a few examples."""

    hosts: Annotated[list[HostLoad], Meta(max_length=MAX_LOADS)] = []
    mishaps: Annotated[list[FailedLine], Meta(max_length=MAX_MISHAPS)] = []  # the newest last


class Claim(Message, tag="claim", frozen=True):
    """The worker has taken this lease off the socket."""

    worker: Name
    lease: Count


class Returned(Message, tag="returned", frozen=True):
    """Nothing of this lease, or none of these lines, was begun: another worker may have them."""

    worker: Name
    lease: Count
    mask: Mask = b""  # b"": all of the lease, which was not claimed


class Finished(Message, tag="finished", frozen=True, omit_defaults=True):
    """Every row of this lease has been handed to the sink's socket."""

    worker: Name
    lease: Count
    skipped: Mask = b""  # of its lines, those that the worker has under another lease


class Heartbeat(Message, tag="heartbeat", frozen=True):
    """Once a second: the worker lives, and this is all that it holds."""

    worker: Name
    slots: Small
    in_flight: Small
    queued: Small
    held: Hosts
    parked: (
        Hosts  # leases of which nothing is in the pool: lines wait outside, or rows for the sink
    )
    # For how long the oldest fetch in flight of each held lease has taken; 0: none is in flight.
    longest_s: Annotated[list[Seconds], Meta(max_length=MAX_HOSTS)] = []
    # Of held leases, the lines that another worker may fetch as well, as this one's fetch is slow:
    # in flight for `lease.tail_after_s`, and not in their host's turn, which only one worker has.
    slow: Annotated[dict[Count, Mask], Meta(max_length=MAX_SLOW)] = {}
    waiting: Hosts = []  # leases that came and are not claimed yet
    is_hungry: bool = False  # half of its slots are free, and nothing here can use them


class Progress(Message, tag="progress", frozen=True):
    """With each heartbeat, for those who watch; nothing is decided by it."""

    worker: Name
    rows: Count  # handed to the sink since the worker began
    parked: Small  # lines that wait outside of the pool
    glimpse: Samples = Samples()  # empty unless the ventilator says that somebody watches
    lag_ms: Small = 0  # the longest that its event loop was held up since the last one
    # Of the hosts whose lines wait here, those that will take longest -> how long, about.
    turns_s: Annotated[dict[Count, Seconds], Meta(max_length=MAX_TURNS)] = {}
    most_in_flight: Small = 0  # fetches at once, since the last of these messages


class Want(Message, tag="want", frozen=True):
    """The worker would ask these hosts; see politeness.host_broker."""

    worker: Name
    ticket: Count
    hosts: Hosts


class Release(Message, tag="release", frozen=True):
    """The worker gives hosts back; the arrays run in parallel."""

    worker: Name
    hosts: Hosts
    tickets: Hosts
    rests_s: Annotated[list[Seconds], Meta(max_length=MAX_HOSTS)]


class Owned(Message, tag="owned", frozen=True):
    """What an earlier ventilator granted this worker."""

    worker: Name
    hosts: Hosts
    tickets: Hosts


class Grant(Message, tag="grant", frozen=True):
    """These hosts are this worker's to ask."""

    worker: Name
    hosts: Hosts
    tickets: Hosts


class Unneeded(Message, tag="unneeded", frozen=True):
    """To who has this lease, a second copy: these lines of it are committed by now."""

    lease: Count
    mask: Mask


class Recall(Message, tag="recall", frozen=True):
    """Other workers wait for these hosts of this worker."""

    worker: Name
    hosts: Hosts
    tickets: Hosts


class Bye(Message, tag="bye", frozen=True):
    """The worker leaves in good order; what it held and did not finish may be handed out again."""

    worker: Name


class Gone(Message, tag="gone", frozen=True):
    """Its supervisor saw this worker die."""

    worker: Name


class Turns(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How long politeness alone makes the job last still."""

    longest_s: Amount = 0.0  # of the host that will take longest, of what workers have
    is_all: bool = False  # workers have all that is left


class State(Message, tag="state", frozen=True):
    """What the ventilator tells everybody, twice a second."""

    job: Name
    phase: Phase
    totals: Totals
    source: SourceInfo
    in_flight: Count
    workers: Count
    redelivered: Count  # lines handed out again so far, copies at the end included
    referee: Count  # another number: a new ventilator, that granted nothing yet
    is_watched: bool = False  # workers shall give a glimpse
    is_hungry: bool = False  # a worker has too little: what waits in others shall be returned
    copied: Count = 0  # lines given to a second worker at the end, as their fetches were slow
    turns: Turns = Turns()


class Look(Message, tag="look", frozen=True):
    """Somebody watches: tell the roster for a while."""


class Member(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A living worker, as it said last."""

    worker: Name
    seen_s_ago: Amount
    slots: Count
    in_flight: Count
    queued: Count  # lines that wait for a place in the pool
    parked: Count  # lines that wait outside of it, for their host's turn or their next attempt
    leases: Count
    rows: Count  # since it began
    rate_per_s: Amount
    lag_ms: Count = 0  # the longest that its event loop was held up lately


class Roster(Message, tag="roster", frozen=True):
    """What the state does not tell: the leases, and who works."""

    job: Name
    trouble: Annotated[str, Meta(max_length=MAX_TEXT)]  # why nothing goes on; "": all is well
    rate_per_s: Amount  # rows committed
    leases: Count
    leased_lines: Count
    open_batches: Count
    waiting: Count  # batches, or parts of them, to be handed out (again)
    oldest_line: Count  # first uncommitted line of the oldest lease; 0: nothing is out
    oldest_s: Amount  # since that was handed out
    oldest_worker: Name  # "": unclaimed
    workers: Annotated[list[Member], Meta(max_length=MAX_MEMBERS)]
    unlisted: Count  # workers beyond these
    glimpse: Samples = Samples()  # of all workers


class InputSpec(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The input file, as far as it is known: what makes a job this job."""

    name: str
    path: str
    file_bytes: Count
    source: SourceInfo
    format: LineFormat = TEXT
    selection: Selection | msgspec.UnsetType = msgspec.UNSET  # unset: all of its lines


class Open(Message, tag="open", frozen=True):
    """Ask the sink to begin or resume the job of this input."""

    session: Name
    input: InputSpec
    batch_size: BatchSize
    settings: Settings
    version: Name
    share: Share = WHOLE
    output: Output = PLAIN
    job: Name = ""  # with several sinks: the one that the first of them has


class Suspect(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Lines of a batch whose workers died, and how often in a row; or whose rows were lost.

    Where `losses` is not 0, each of the lines is alone, and so many of its rows were lost.
    """

    batch: Count
    mask: Mask
    deaths: Count
    losses: Count = 0


Suspects = Annotated[list[Suspect], Meta(max_length=MAX_HOSTS)]


class Opened(Message, tag="opened", frozen=True):
    """The job is open: what it is and what is committed already."""

    job: Name
    batch_size: BatchSize
    source: SourceInfo  # what the input must still begin with
    done: bytes  # bitset.IdSet of full batches
    partial: Masks  # committed lines of the others
    suspects: Suspects
    totals: Totals
    epoch: Name
    version: Count
    complete: bool
    output: Output = PLAIN
    keep_columns: bool | msgspec.UnsetType = msgspec.UNSET  # as the job was begun; unset: false
    key: Annotated[bytes, Meta(max_length=KEY_BYTES)] = b""  # of the lines' tags

    @property
    def unchanging(self) -> tuple[int, Output, bool]:
        """What the job has been begun with, and settings no longer decide."""
        return self.batch_size, self.output, bool(self.keep_columns)


class Poll(Message, tag="poll", frozen=True):
    """What has been committed since `version` of `epoch`? And by the way, this is what I know."""

    session: Name
    epoch: Name
    version: Count
    source: SourceInfo
    url_lines: Count | None = None  # of this sink's share, once they are known
    suspects: Suspects | None = None  # None: as before


class Committed(Message, tag="committed", frozen=True):
    """Batches whose committed lines changed: all their committed lines, b"" for a full batch."""

    version: Count
    changed: Masks
    totals: Totals
    complete: bool
    stalled: str = ""  # why nothing can be committed now, such as a full disk


class Resync(Message, tag="resync", frozen=True):
    """What changed cannot be said, as the sink has started since or it was too much: open again."""


class Close(Message, tag="close", frozen=True):
    """The ventilator knows that the job is complete, and leaves."""

    session: Name


class Closed(Message, tag="closed", frozen=True):
    """The sink has heard it, and leaves too."""


class Refused(Message, tag="refused", frozen=True):
    """No, and why, and with which exit code the asker should leave.

    0: it may ask again for a while; 3: for as long as it takes, as the disk is full.
    """

    reason: str
    exit_code: Annotated[int, Meta(ge=0, lt=len(Exit))]


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
    | Close
    | Closed
    | Refused
)


def parts(hosts: Sequence[T]) -> Iterator[Sequence[T]]:
    """As many as one message may name at a time; nothing where there are none."""
    for start in range(0, len(hosts), MAX_HOSTS):
        yield hosts[start : start + MAX_HOSTS]
