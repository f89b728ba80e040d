"""Chunks of real rows, for tests of the store and of its readers."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from fetcher import bitset
from fetcher.model import OUTCOME_CODE, Chunk, Outcome, Result
from fetcher.protocol.output_spec import RowForm
from fetcher.rows import jsonl
from fetcher.rows.forms import CODECS


def url_of(line: int) -> str:
    """The URL that line has in these tests."""
    return f"http://test.invalid/{line}"


def chunk_of_rows(results: Sequence[Result], form: RowForm = "jsonl") -> Chunk:
    """The rows of the first lines of a batch, in this form."""
    rows = [CODECS[form].encode(result) for result in results]
    return Chunk(
        job="j",
        batch=0,
        batch_mask=b"\1",
        worker="w",
        lines=[result.line for result in results],
        row_bytes=[len(row) for row in rows],
        outcomes=[OUTCOME_CODE[result.outcome] for result in results],
        statuses=[0] * len(rows),
        body_bytes=[0] * len(rows),
        rows=b"".join(rows),
    )


def chunk_of_lines(
    job: str, first: int, batch_size: int, count: int | None = None, *, named: bool = False
) -> Chunk:
    """The rows of `count` lines (default: all) of the batch that begins with line `first`.

    `named`: each has its line's number as its id.
    """
    lines = list(range(first, first + (count or batch_size)))
    rows = [
        jsonl.encode(
            Result(
                line,
                url_of(line),
                Outcome.OK,
                200,
                body_bytes=1,
                id=line if named else msgspec.UNSET,
            )
        )
        for line in lines
    ]
    return Chunk(
        job=job,
        batch=(first - 1) // batch_size,
        batch_mask=bitset.pack((1 << batch_size) - 1),
        worker="w",
        lines=lines,
        row_bytes=[len(row) for row in rows],
        outcomes=[OUTCOME_CODE[Outcome.OK]] * len(lines),
        statuses=[200] * len(lines),
        body_bytes=[1] * len(lines),
        rows=b"".join(rows),
    )
