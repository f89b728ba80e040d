"""Builds what the ventilator sends about lines: assignments for workers, crash rows for sinks."""

from __future__ import annotations

from typing import Final

from msgspec import UNSET
from msgspec.structs import replace

from fetcher import bitset
from fetcher.frontier.rules import CrawlRules
from fetcher.input import formats
from fetcher.leases.poison import Condemned
from fetcher.leases.sink_sessions import SinkSessions
from fetcher.leases.types import Assignment
from fetcher.model import OUTCOME_CODE, Batch, Chunk, Outcome, Result
from fetcher.protocol import messages
from fetcher.roles.ventilator.job_input import JobInput
from fetcher.rows.forms import CODECS

_NAME: Final = "ventilator"  # in the rows of crashed lines, in place of a worker's name


def assignment_message(
    assignment: Assignment, job_input: JobInput, sessions: SinkSessions, *, logs_in: bool
) -> messages.Assignment:
    """Return the message that hands out an assignment; its URLs are the message's frame."""
    batch = assignment.batch
    batch_mask = bitset.pack(batch.mask)
    texts = assignment.urls.split(b"\n")
    named = [
        job_input.named(batch.first_line + offset, text)
        for offset, text in zip(bitset.offsets(assignment.mask), texts, strict=True)
    ]
    return messages.Assignment(
        job=sessions.job,
        lease=assignment.lease,
        batch=batch.id,
        batch_mask=batch_mask,
        first_line=batch.first_line,
        mask=bitset.pack(assignment.mask),
        format=job_input.format,
        output=job_input.output,
        tags=sessions.session_of(batch.id).tags(batch.id, batch_mask, named),
        route=job_input.route_names[assignment.route] if assignment.route else UNSET,
        crawl=UNSET if job_input.crawl is None else _for_workers(job_input.crawl),
        logs_in=logs_in or UNSET,
    )


def _for_workers(rules: CrawlRules) -> CrawlRules:
    """The rules without those that the sink alone applies, which may be long."""
    return replace(rules, allow=(), deny=())


def crash_chunk(
    batch: Batch,
    condemned: Condemned,
    text: bytes,
    job_input: JobInput,
    sessions: SinkSessions,
) -> Chunk:
    """Return a chunk with the row of a line that is not fetched again; `text`: its bytes."""
    line = batch.first_line + condemned.offset
    task = job_input.task_of(line, text)
    result = Result(
        line=line,
        url=task.url,
        outcome=Outcome.CRASHED,
        error=condemned.error,
        error_kind=condemned.error_kind.word,
        attempts=condemned.attempts,
        worker=_NAME,
    )
    row = CODECS[job_input.output.rows].encode(formats.named(result, task))
    batch_mask = bitset.pack(batch.mask)
    return Chunk(
        job=sessions.job,
        batch=batch.id,
        batch_mask=batch_mask,
        worker=_NAME,
        lines=[line],
        row_bytes=[len(row)],
        outcomes=[OUTCOME_CODE[Outcome.CRASHED]],
        statuses=[0],
        body_bytes=[0],
        rows=row,
        tags=sessions.session_of(batch.id).tags(
            batch.id, batch_mask, [job_input.named(line, text)]
        ),
        depths=[] if task.found is None else [task.found.depth],
        hops=[] if task.found is None else [task.found.hops],
    )
