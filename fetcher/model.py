"""The frozen data that the roles exchange: tasks, results, batches and chunks.

This module holds data only: nothing here does I/O, waits, or reads a clock.
A line is a physical line number, from 1. A batch is `batch_size` physical lines, so that the batch
and the offset of a line follow by arithmetic, whatever the file contains.
A mask is an int whose bit k stands for the k-th physical line of its batch.
"""

from __future__ import annotations

import enum
from typing import Any, Literal, NamedTuple

import msgspec


class Outcome(enum.StrEnum):
    """How the fetch of a line ended. Messages use the position as a code: append, never reorder."""

    OK = "ok"  # a complete response, status < 400
    HTTP_ERROR = "http_error"  # a complete response, status >= 400, or logged out
    INVALID_URL = "invalid_url"
    BLOCKED = "blocked"  # refused by the scheme or address guard
    ROBOTS = "robots"
    DNS = "dns"
    CONNECT = "connect"
    TLS = "tls"
    TIMEOUT = "timeout"
    TOO_LARGE = "too_large"
    REDIRECTS = "redirects"  # too many
    PROTOCOL = "protocol"  # a malformed response
    CRASHED = "crashed"  # several workers died while they fetched the line
    HANDLER = "handler"  # worker.handler failed on the result


OUTCOMES: tuple[Outcome, ...] = tuple(Outcome)
OUTCOME_CODE: dict[Outcome, int] = {outcome: code for code, outcome in enumerate(OUTCOMES)}


class Fault(NamedTuple):
    """Why an input line cannot be requested."""

    kind: str  # for programs: an error_kind of `invalid_url`, see fetcher.error_kinds
    message: str  # for people


class Found(NamedTuple):
    """How a line of a crawl was found."""

    depth: int = 0  # links from a seed to it
    found_on: int = 0  # the line of the page that links to it; 0: it is a seed
    via: str = "seed"  # see frontier.links.Via
    hops: int = 0  # steps at this depth since the last ordinary link, such as redirects


class Task(msgspec.Struct, frozen=True):
    """One URL line to fetch."""

    line: int
    url: str
    fault: Fault | None = None  # set if the line itself is invalid
    method: str = "GET"
    headers: tuple[tuple[str, str], ...] = ()  # of this line, in addition to the settings'
    body: bytes | None = None
    id: str | int | None = None  # the line's id, copied to its row
    columns: dict[str, str] | None = None  # other columns of a CSV line, copied to its row
    found: Found | None = None  # how a crawl found the line, copied to its row
    route: str = ""  # the route that the line names; see input.routes
    is_foreign: bool = False  # no seed of the crawl has its host: it gets no secrets of settings
    priority: int = 0  # of a crawl's line: of those that a worker gets together, higher ones first


class Timings(msgspec.Struct, frozen=True, gc=False):
    """Milliseconds since the fetch began; None if a phase did not happen or is not known."""

    dns: float | None = None
    connect: float | None = None
    tls: float | None = None
    first_byte: float | None = None
    total: float | None = None


class Result(msgspec.Struct, frozen=True):
    """One result row; the fields are the row's keys, in the row's order."""

    line: int
    url: str
    outcome: Outcome
    status: int | None = None
    final_url: str | None = None
    redirects: tuple[str, ...] = ()
    error: str | None = None
    error_kind: str | msgspec.UnsetType = msgspec.UNSET  # of a failure: see error_kinds
    headers: list[tuple[str, str]] = []
    content_type: str | None = None
    body_bytes: int | None = None
    wire_bytes: int | None = None
    sha256: str | None = None
    attempts: int = 1
    started_at: float | None = None  # Unix time, seconds
    timings_ms: Timings | None = None
    remote_ip: str | None = None
    http_version: str | None = None
    worker: str = ""
    # Set if the input has them.
    id: str | int | msgspec.UnsetType = msgspec.UNSET
    columns: dict[str, str] | msgspec.UnsetType = msgspec.UNSET
    truncated: bool | msgspec.UnsetType = msgspec.UNSET  # true if the body was cut
    # True in a refresh if the body is the one that the earlier job has.
    unchanged: bool | msgspec.UnsetType = msgspec.UNSET
    # Set in a crawl: see Found; the page that the response redirects to; an HTML page's title.
    depth: int | msgspec.UnsetType = msgspec.UNSET
    found_on: int | msgspec.UnsetType = msgspec.field(name="from", default=msgspec.UNSET)
    via: str | msgspec.UnsetType = msgspec.UNSET
    location: str | msgspec.UnsetType = msgspec.UNSET
    title: str | msgspec.UnsetType = msgspec.UNSET
    # Set if the job keeps bodies, and a response came.
    body: str | msgspec.UnsetType = msgspec.UNSET
    body_is: Literal["text", "base64"] | msgspec.UnsetType = msgspec.UNSET
    body_file: str | msgspec.UnsetType = msgspec.UNSET  # see rows.body_names
    warc_id: str | msgspec.UnsetType = msgspec.UNSET  # the WARC-Record-ID of the last response
    extra: dict[str, Any] | msgspec.UnsetType = msgspec.UNSET  # what worker.handler returned


class Batch(msgspec.Struct, frozen=True):
    """Consecutive physical lines of the input; `mask` says which are URL lines."""

    id: int
    first_line: int
    mask: int
    urls: bytes  # the texts of the URL lines (input.formats.reader), joined by line feeds


class Chunk(msgspec.Struct, frozen=True):
    """Finished rows of one batch, encoded; the lists are parallel, with one entry per row."""

    job: str
    batch: int
    batch_mask: bytes  # all URL lines of the batch (bitset.pack)
    worker: str
    lines: list[int]
    row_bytes: list[int]
    outcomes: list[int]
    statuses: list[int]  # 0: no response
    body_bytes: list[int]
    rows: bytes
    kept: bytes = b""  # bodies or WARC records of these rows
    kept_bytes: list[int] = []  # of each row; empty if nothing is kept
    tags: bytes = b""  # of the lines, as they were handed out: see protocol.line_tags
    empty: list[int] = []  # lines whose body is empty, and kept
    retried: list[int] = []  # lines that took more than one attempt
    unchanged: list[int] = []  # of a refresh: lines with the body that the earlier job has
    # In a crawl, how each row's line was found; see Found.
    depths: list[int] = []
    hops: list[int] = []  # empty if all are 0
    links: bytes = b""  # in a crawl: the links that were found on these rows' pages
    link_bytes: list[int] = []  # of each row; empty if there are no links
    # Path of each row's body below OUT; the sink reads it from the row after checking the chunk.
    body_files: list[str] = []
