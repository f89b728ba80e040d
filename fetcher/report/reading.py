"""Reads a job's OUT, or those of all its sinks, once, also while it runs, into an Aggregate."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec

from fetcher.errors import DamageError
from fetcher.protocol.output_spec import RowForm
from fetcher.report.aggregate import Aggregate, Row
from fetcher.report.job import Job, job_of
from fetcher.store.reader import read_all, rows, segments

_REPORT_EVERY = 1000  # rows
_DECODE: dict[RowForm, Callable[[bytes], Row]] = {
    "jsonl": msgspec.json.Decoder(Row).decode,
    "msgpack": msgspec.msgpack.Decoder(Row).decode,
}


def read(
    outs: Sequence[Path], report: Callable[[int, int], None] | None = None
) -> tuple[Job, Aggregate]:
    """The facts of the job, and the sums of its committed rows.

    `report(done, all)` is called now and then with numbers of rows. Raises UsageError,
    ConflictError, DamageError.
    """
    parts = read_all(outs)
    job = job_of(parts)
    sums = Aggregate(0 if job.crawl is None else job.crawl.found)
    add = sums.add
    for part in parts:
        decode = _DECODE[part.manifest.output.rows]
        for segment in segments(part):
            position = 0
            for text in rows(segment):
                try:
                    row = decode(text)
                except (msgspec.MsgspecError, UnicodeDecodeError) as error:
                    raise DamageError(
                        f"{segment.path}: byte {position} is not a valid row ({error}); "
                        f"`fetcher verify {part.out}` finds what else is damaged"
                    ) from error
                add(row)
                position += len(text)
                if report and not sums.rows % _REPORT_EVERY:
                    report(sums.rows, job.committed)
    return job, sums
