"""The plain frozen data that travels: Task in, Result out, Chunk to the sink.

Law: data only. Nothing here opens, sends, waits or knows the time.
A line is a 1-based physical line number; a batch is `batch_size` physical lines, so batch and
offset follow from the line by arithmetic and never change with the file's content.
A mask is an int whose bit k stands for the k-th physical line of its batch.
"""

from __future__ import annotations

import enum
from typing import Any, Literal, NamedTuple

import msgspec


class Outcome(enum.StrEnum):
    """How the fetch of a line ended. The order is the wire's code: append, never reorder."""

    OK = "ok"  # a complete response, status < 400
    HTTP_ERROR = "http_error"  # a complete response, status >= 400
    INVALID_URL = "invalid_url"
    BLOCKED = "blocked"  # by the scheme or address guard
    ROBOTS = "robots"
    DNS = "dns"
    CONNECT = "connect"
    TLS = "tls"
    TIMEOUT = "timeout"
    TOO_LARGE = "too_large"
    REDIRECTS = "redirects"  # too many
    PROTOCOL = "protocol"  # a malformed response
    CRASHED = "crashed"  # the line ended its workers, again and again
    HANDLER = "handler"  # worker.handler failed on it


OUTCOMES: tuple[Outcome, ...] = tuple(Outcome)
OUTCOME_CODE: dict[Outcome, int] = {outcome: code for code, outcome in enumerate(OUTCOMES)}


class Fault(NamedTuple):
    """Why an input line cannot be requested."""

    kind: str  # for programs: a word of `invalid_url`, see fetcher.error_kinds
    words: str  # for people


class Task(msgspec.Struct, frozen=True):
    """One URL line to fetch."""

    line: int
    url: str
    fault: Fault | None = None  # where the line itself says that it cannot be requested
    method: str = "GET"
    headers: tuple[tuple[str, str], ...] = ()  # of this line, beside those of the settings
    body: bytes | None = None
    id: str | int | None = None  # the line's own name, given back in its row
    columns: dict[str, str] | None = None  # other columns of a CSV line, given back in its row


class Timings(msgspec.Struct, frozen=True):
    """Milliseconds since the fetch began; None where the phase did not happen or is unknown."""

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
    # In the rows of such input as has them.
    id: str | int | msgspec.UnsetType = msgspec.UNSET
    columns: dict[str, str] | msgspec.UnsetType = msgspec.UNSET
    truncated: bool | msgspec.UnsetType = msgspec.UNSET  # true, where the body was cut
    # In the rows of a job that keeps bodies, where an answer came.
    body: str | msgspec.UnsetType = msgspec.UNSET
    body_is: Literal["text", "base64"] | msgspec.UnsetType = msgspec.UNSET
    body_file: str | msgspec.UnsetType = msgspec.UNSET  # see rows.body_names
    warc_id: str | msgspec.UnsetType = msgspec.UNSET  # the WARC-Record-ID of the last response
    extra: dict[str, Any] | msgspec.UnsetType = msgspec.UNSET  # what worker.handler returned


class Batch(msgspec.Struct, frozen=True):
    """A run of physical lines of the input: `mask` says which are URL lines, `urls` holds those."""

    id: int
    first_line: int
    mask: int
    urls: bytes  # the URL lines' texts (input.formats.reader), joined by a line feed


class Chunk(msgspec.Struct, frozen=True):
    """Finished rows of one batch, encoded; the arrays run in parallel, one entry a row."""

    job: str
    batch: int
    batch_mask: bytes  # all URL lines of the batch (bitset.pack): when it is full
    worker: str
    lines: list[int]
    row_bytes: list[int]
    outcomes: list[int]
    statuses: list[int]  # 0 where there was none
    body_bytes: list[int]
    rows: bytes
    kept: bytes = b""  # what goes beside the rows: bodies, or WARC records
    kept_bytes: list[int] = []  # of each row; empty where nothing goes beside them
    tags: bytes = b""  # of the lines, as they were handed out: see protocol.line_tags
    empty: list[int] = []  # lines whose body has no byte, and is kept all the same
    retried: list[int] = []  # lines that took more than one attempt
    # Of each row, below OUT: the sink fills them in from the rows, once these are proven.
    body_files: list[str] = []
