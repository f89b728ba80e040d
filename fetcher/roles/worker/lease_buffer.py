"""The state of one lease in a worker: its outstanding lines, and rows that are not sent yet.

Each lease has its own set of outstanding lines and its own end. It takes nothing over from another
lease, and nothing here grows with the job.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import msgspec
from msgspec import UNSET

from fetcher import bitset
from fetcher.input import formats
from fetcher.model import OUTCOME_CODE, Chunk, Result, Task
from fetcher.protocol import line_tags, messages


class Made(msgspec.Struct, frozen=True, gc=False):
    """A result as it is recorded, and its encoded row.

    `body`: its body or WARC records; `links`: those of its page in a crawl; b"": none.
    """

    result: Result
    row: bytes
    body: bytes
    links: bytes = b""


class LeaseBuffer:
    """One lease.

    `outstanding`: a mask of the lines without a row. `active`: how many of them are in the pool or
    queued for it. `has_names`: whether its rows may have an id or columns of the input.
    `encode_row`: makes its rows if these are all that it has; else `make_row` makes them.
    """

    def __init__(self, tasks: messages.Assignment, urls: bytes, worker: str, skip: int) -> None:
        """`skip`: a mask of lines that need not be fetched under this lease."""
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
        self.has_names = tasks.format.kind != "text"
        self._is_of_log = tasks.format.kind == "log"  # of a crawl, or of its retry
        self.outstanding = self._mask & ~skip
        self._hops: dict[int, int] = {}  # of lines of a crawl, where they are not 0
        self.active = 0
        self.encode_row: Callable[[Result], bytes] | None = None
        self.make_row: Callable[[Any, Result], Made]  # the Any is a Line
        # Nearly always. Then the place of a line's tag is that of the line.
        self._is_prefix = self._mask & (self._mask + 1) == 0
        self._new_buffers()

    def _new_buffers(self) -> None:
        # The columns of a chunk, line by line.
        self._rows: list[tuple[int, int, int, int, int, bytes, bytes]] = []
        self._empty: list[int] = []  # lines whose body is kept as an empty file
        self._retried: list[int] = []  # lines that took more than one attempt
        self._unchanged: list[int] = []  # lines of a refresh with the body of the earlier job
        self._depths: list[int] = []  # of lines of a log; and the encoded links of each row
        self._links: list[bytes] = []
        self.unsent_bytes = 0

    def tasks(self) -> Iterator[Task]:
        """Decode the outstanding lines. Raises ValueError if mask and lines do not agree."""
        wanted, mask = self.outstanding, self._mask
        task_of = formats.decoder(self._format)
        offsets = range(mask.bit_length()) if self._is_prefix else bitset.offsets(mask)
        for offset, raw in zip(offsets, self._urls.split(b"\n"), strict=True):
            if wanted >> offset & 1:
                task = task_of(self.first_line + offset, raw)
                if task.found is not None and task.found.hops:
                    self._hops[task.line] = task.found.hops
                yield task
        self._urls = b""

    def finish(self, result: Result, row: bytes, body: bytes = b"", links: bytes = b"") -> int:
        """Keep a line's row, and its body or WARC records; return how many rows are unsent now.

        `links`: those of the page, as protocol.links encodes them.
        """
        line = result.line
        self.outstanding &= ~(1 << (line - self.first_line))
        rows = self._rows
        rows.append(
            (
                line,
                len(row),
                OUTCOME_CODE[result.outcome],
                result.status or 0,
                result.body_bytes or 0,
                row,
                body,
            )
        )
        if not body and result.body_file is not UNSET:
            self._empty.append(line)
        if result.attempts > 1:
            self._retried.append(line)
        if result.unchanged is True:
            self._unchanged.append(line)
        if self._is_of_log:
            self._depths.append(0 if result.depth is UNSET else result.depth)
            self._links.append(links)
        self.unsent_bytes += len(row) + len(body) + len(links)
        return len(rows)

    def _tags_of(self, lines: Iterable[int]) -> bytes:
        """The tags of these lines, in their order."""
        if not self._tags:
            return b""
        offsets = [line - self.first_line for line in lines]
        if not self._is_prefix:  # a tag has the place of its line among the URL lines of the lease
            offsets = [(self._mask & ((1 << offset) - 1)).bit_count() for offset in offsets]
        return line_tags.picked(self._tags, offsets)

    def take_chunk(self) -> Chunk | None:
        """Take the unsent rows out, as a chunk; None if there are none."""
        if not self._rows:
            return None
        lines, sizes, outcomes, statuses, body_bytes, rows, bodies = zip(*self._rows, strict=True)
        kept = b"".join(bodies)
        chunk = Chunk(
            job=self.job,
            batch=self.batch,
            batch_mask=self._batch_mask,
            worker=self._worker,
            lines=list(lines),
            row_bytes=list(sizes),
            outcomes=list(outcomes),
            statuses=list(statuses),
            body_bytes=list(body_bytes),
            rows=b"".join(rows),
            kept=kept,
            kept_bytes=list(map(len, bodies)) if kept else [],
            tags=self._tags_of(lines),
            empty=self._empty,
            retried=self._retried,
            unchanged=self._unchanged,
            **self._found(lines),
        )
        self._new_buffers()
        return chunk

    def _found(self, lines: Sequence[int]) -> dict[str, Any]:
        """What the chunk has if its lines are of the log of a crawl; only a crawl has links."""
        if not self._is_of_log:
            return {}
        links = b"".join(self._links)
        return {
            "depths": self._depths,
            "hops": [self._hops.get(line, 0) for line in lines] if self._hops else [],
            "links": links,
            "link_bytes": list(map(len, self._links)) if links else [],
        }
