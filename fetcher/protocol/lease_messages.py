"""Messages about leases: lines go to workers, rows go to the sink, and both are reported."""

from __future__ import annotations

from typing import Annotated

from msgspec import UNSET, UnsetType, field

from fetcher.frontier.rules import CrawlRules
from fetcher.input.formats import LineFormat
from fetcher.protocol.bounds import (
    Code,
    Count,
    Depth,
    Line,
    Mask,
    Message,
    Name,
    Rows,
    Status,
    Tags,
)
from fetcher.protocol.output_spec import PLAIN, Output


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


class Unneeded(Message, tag="unneeded", frozen=True):
    """These lines of a lease, a second copy, are committed: its worker need not fetch them."""

    lease: Count
    mask: Mask
