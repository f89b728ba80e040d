"""What a worker holds of one lease: its outstanding lines, and finished rows not yet sent.

Law: each piece has its own outstanding set and its own end; nothing is inherited from another, and
nothing here grows with the job.
"""

from __future__ import annotations

from collections.abc import Iterator

from fetcher import bitset
from fetcher.input import formats
from fetcher.model import OUTCOME_CODE, Chunk, Result, Task
from fetcher.protocol import line_tags, messages


class LeaseBuffer:
    """One leased piece of a batch in this worker."""

    def __init__(self, tasks: messages.Assignment, urls: bytes, worker: str, skip: int) -> None:
        """`skip`: lines that this worker has in flight under another lease."""
        self.lease = tasks.lease
        self.batch = tasks.batch
        self.job = tasks.job
        self.first_line = tasks.first_line
        self._batch_mask = tasks.batch_mask
        self._worker = worker
        self._mask = bitset.unpack(tasks.mask)
        self._urls = urls
        self._format = tasks.format
        self._tags = tasks.tags
        self.output = tasks.output
        self.names = tasks.format.kind != "text"  # its rows may have an id or columns
        self.outstanding = self._mask & ~skip
        self.active = 0  # lines in the pool, or next for it
        self._new_buffers()

    def _new_buffers(self) -> None:
        # As a chunk has them.
        self._kept: list[tuple[int, int, int, int, int, bytes, bytes, bytes]] = []
        self._empty: list[int] = []  # lines of which a file without a byte is kept
        self._retried: list[int] = []  # lines that took more than one attempt
        self.kept_bytes = 0

    def tasks(self) -> Iterator[Task]:
        """The outstanding lines as tasks. Raises ValueError where mask and lines do not agree."""
        wanted, mask = self.outstanding, self._mask
        task_of = formats.decoder(self._format)
        whole = mask & (mask + 1) == 0  # the first lines, all of them: nearly always
        offsets = range(mask.bit_length()) if whole else bitset.offsets(mask)
        for offset, raw in zip(offsets, self._urls.split(b"\n"), strict=True):
            if wanted >> offset & 1:
                yield task_of(self.first_line + offset, raw)
        self._urls = b""

    def finish(self, result: Result, row: bytes, beside: bytes = b"") -> int:
        """A line is done: keep its row, and what goes beside it; the number of rows now kept."""
        bit = 1 << (result.line - self.first_line)
        self.outstanding &= ~bit
        self._kept.append(
            (
                result.line,
                len(row),
                OUTCOME_CODE[result.outcome],
                result.status or 0,
                result.body_bytes or 0,
                row,
                beside,
                line_tags.nth(self._tags, (self._mask & (bit - 1)).bit_count()),
            )
        )
        if not beside and isinstance(result.body_file, str):
            self._empty.append(result.line)
        if result.attempts > 1:
            self._retried.append(result.line)
        self.kept_bytes += len(row) + len(beside)
        return len(self._kept)

    def take_chunk(self) -> Chunk | None:
        """The kept rows as a chunk, and none kept; None where there are none."""
        if not self._kept:
            return None
        lines, sizes, outcomes, statuses, bodies, rows, beside, marks = zip(
            *self._kept, strict=True
        )
        kept = b"".join(beside)
        chunk = Chunk(
            job=self.job,
            batch=self.batch,
            batch_mask=self._batch_mask,
            worker=self._worker,
            lines=list(lines),
            row_bytes=list(sizes),
            outcomes=list(outcomes),
            statuses=list(statuses),
            body_bytes=list(bodies),
            rows=b"".join(rows),
            kept=kept,
            kept_bytes=list(map(len, beside)) if kept else [],
            tags=b"".join(marks),
            empty=self._empty,
            retried=self._retried,
        )
        self._new_buffers()
        return chunk
