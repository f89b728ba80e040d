"""Removes duplicate rows and commits the new ones in groups.

A commit appends, syncs and records, in this order, and publishes only then: what the ventilator
hears of is durable. A row is appended only if its line is neither committed nor in the pending
group. At start, all state comes from the store; this process keeps nothing else across restarts.
"""

from __future__ import annotations

import itertools
from collections import Counter, OrderedDict
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol

import msgspec

from fetcher import bitset
from fetcher.commit.crawl_record import CrawlRecord
from fetcher.model import Chunk
from fetcher.protocol.totals import Totals

if TYPE_CHECKING:
    from fetcher.commit.growth import Growth  # loads numpy, which lists do not need

# So many changed batches are remembered for the ventilator's polls; an older poll cannot be
# answered with changes, and the ventilator opens the job again.
_REMEMBERED: Final = 20_000


class BatchState(msgspec.Struct, frozen=True):
    """Masks of a batch: its committed lines, and all of its URL lines."""

    committed: int
    full: int


class Delta(msgspec.Struct, frozen=True):
    """The changes that one journal transaction records."""

    batches: dict[int, BatchState]
    totals: Totals
    crawl: CrawlRecord | None = None


class Recovered(msgspec.Struct):
    """The state in the journal at start."""

    done: bitset.IdSet
    partial: dict[int, BatchState]
    totals: Totals


class Kept(NamedTuple):
    """A body, or WARC records, stored with a row."""

    line: int
    data: bytes
    file: str = ""  # path below OUT, if the body gets a file; its name was checked against `data`


class CommitStore(Protocol):
    """The durable steps of a commit; see store.output_dir."""

    def append(self, rows: list[bytes], kept: list[Kept]) -> None:
        """Write after the committed length; on NoSpaceError nothing has changed."""

    def sync(self) -> None:
        """Make what was appended durable."""

    def record(self, delta: Delta) -> None:
        """Record batches, totals and the segments' new lengths in one durable transaction."""


class Committer:
    """Collects the new rows of chunks, commits them in groups, and reports what is committed."""

    def __init__(
        self,
        store: CommitStore,
        recovered: Recovered,
        job: str,
        epoch: str,
        growth: Growth | None = None,
    ) -> None:
        """`growth`: the log of a crawl; None: the job is a list."""
        self._store = store
        self.growth = growth
        self._job = job
        self._done = recovered.done
        self._partial = recovered.partial
        self._epoch = epoch
        self.version = 0
        self._changed: OrderedDict[int, int] = OrderedDict()  # batch -> version, oldest first
        self._known_from = 0  # every change after this version is in _changed
        self.totals = recovered.totals
        self.duplicates = 0
        self._clear()

    def _clear(self) -> None:
        self._rows: list[bytes] = []
        self._kept: list[Kept] = []
        self._masks: dict[int, BatchState] = {}
        self._outcomes: Counter[int] = Counter()
        self._statuses: Counter[int] = Counter()
        self._body_bytes = self._retried = self._unchanged = 0
        self.pending_bytes = 0

    @property
    def pending_rows(self) -> int:
        """The number of rows that wait for the next commit."""
        return self._outcomes.total()

    def offer(self, chunk: Chunk, batch_size: int) -> None:
        """Add the chunk's rows to the pending group, except for lines that have a row already.

        Raises WireError if its links cannot be read.
        """
        if chunk.job != self._job:
            return
        found = self.growth.found_in(chunk) if self.growth is not None else []
        first = chunk.batch * batch_size + 1
        offered = bitset.mask_of([line - first for line in chunk.lines])
        full = int.from_bytes(chunk.batch_mask, "little")
        seen = self._seen(chunk.batch, full)
        new = offered & ~seen
        self.duplicates += (offered & seen).bit_count()
        if not new:
            return
        if new == offered:
            self._rows.append(chunk.rows)
            self.pending_bytes += len(chunk.rows)
            self._keep(chunk, range(len(chunk.lines)))
            self._count(chunk)
        else:
            self._take_some(chunk, new, first)
        if self.growth is not None:
            if new != offered:
                found = [row for row in found if new >> (row.line - first) & 1]
            self.growth.found(found)
        pending = self._masks.get(chunk.batch)
        self._masks[chunk.batch] = BatchState(new | (pending.committed if pending else 0), full)

    def _seen(self, batch: int, full: int) -> int:
        if batch in self._done:
            return full
        committed = self._partial.get(batch)
        pending = self._masks.get(batch)
        return (committed.committed if committed else 0) | (pending.committed if pending else 0)

    def _take_some(self, chunk: Chunk, new: int, first: int) -> None:
        position = 0
        picked = []
        for index, (line, size) in enumerate(zip(chunk.lines, chunk.row_bytes, strict=True)):
            if new >> (line - first) & 1:
                self._rows.append(chunk.rows[position : position + size])
                self.pending_bytes += size
                picked.append(index)
            position += size
        self._keep(chunk, picked)
        self._count(chunk, picked)

    def _keep(self, chunk: Chunk, indices: Sequence[int]) -> None:
        if chunk.empty:
            empty = frozenset(chunk.empty)
            self._kept += [
                Kept(chunk.lines[k], b"", _file(chunk, k))
                for k in indices
                if chunk.lines[k] in empty
            ]
        if not chunk.kept:
            return
        starts = list(itertools.accumulate(chunk.kept_bytes, initial=0))
        for k in indices:
            data = chunk.kept[starts[k] : starts[k + 1]]
            if data:
                self._kept.append(Kept(chunk.lines[k], data, _file(chunk, k)))
                self.pending_bytes += len(data)

    def _count(self, chunk: Chunk, indices: Sequence[int] | None = None) -> None:
        """Count these rows of the chunk; None: all of them."""
        columns = [chunk.outcomes, chunk.statuses, chunk.body_bytes, chunk.lines]
        if indices is not None:
            columns = [[column[k] for k in indices] for column in columns]
        outcomes, statuses, body_bytes, lines = columns
        self._outcomes.update(outcomes)
        self._statuses.update(statuses)
        self._body_bytes += sum(body_bytes)
        if chunk.retried or chunk.unchanged:
            self._retried += len({*lines}.intersection(chunk.retried))
            self._unchanged += len({*lines}.intersection(chunk.unchanged))

    def commit(self) -> int:
        """Make the pending group durable and publish it. Returns the number of its rows.

        On NoSpaceError the group stays pending; call again later.
        """
        growth = self.growth
        if not self._masks and (growth is None or not growth.is_pending):
            return 0
        self._store.append(self._rows, self._kept)
        if growth is not None:
            growth.write()
        self._store.sync()
        delta = self._delta()
        self._store.record(delta)
        count = delta.totals.rows - self.totals.rows
        self._publish(delta)
        self._clear()
        return count

    def _delta(self) -> Delta:
        batches = {}
        for batch, pending in self._masks.items():
            before = self._partial.get(batch)
            committed = pending.committed | (before.committed if before else 0)
            batches[batch] = BatchState(committed, pending.full)
        totals = self.totals.plus(
            self._outcomes, self._statuses, self._body_bytes, self._retried, self._unchanged
        )
        return Delta(batches, totals, self.growth.record() if self.growth is not None else None)

    def _publish(self, delta: Delta) -> None:
        self.version += 1
        for batch, state in delta.batches.items():
            if state.committed == state.full:
                self._done.add(batch)
                self._partial.pop(batch, None)
            else:
                self._partial[batch] = state
            self._changed[batch] = self.version
            self._changed.move_to_end(batch)
        self.totals = delta.totals
        if self.growth is not None and delta.crawl is not None:
            self.growth.publish(delta.crawl)
        while len(self._changed) > _REMEMBERED:
            _, self._known_from = self._changed.popitem(last=False)

    def changed_since(self, epoch: str, version: int) -> dict[int, bytes] | None:
        """Batches that changed after `version` -> packed mask of committed lines (b"": full).

        None if the changes are not known: another epoch, or a version too long ago.
        """
        if epoch != self._epoch or not self._known_from <= version <= self.version:
            return None
        changed = {}
        for batch in reversed(self._changed):
            if self._changed[batch] <= version:
                break
            state = self._partial.get(batch)
            changed[batch] = bitset.pack(state.committed) if state else b""
        return changed

    def uncommitted(self, first: int, end: int, batch_size: int) -> int:
        """The mask of the lines `first` to `end` - 1 that have no row; bit 0: line `first`."""
        committed = 0
        for batch in range((first - 1) // batch_size, (end - 2) // batch_size + 1):
            shift = batch * batch_size + 1 - first
            mask = (1 << batch_size) - 1
            if batch not in self._done:
                state = self._partial.get(batch)
                mask = state.committed if state else 0
            committed |= mask << shift if shift >= 0 else mask >> -shift
        return ~committed & ((1 << (end - first)) - 1)

    def snapshot(self) -> tuple[bytes, dict[int, bytes]]:
        """Everything committed: the packed set of full batches, and the masks of the others."""
        partial = {batch: bitset.pack(state.committed) for batch, state in self._partial.items()}
        return self._done.pack(), partial


def _file(chunk: Chunk, index: int) -> str:
    return chunk.body_files[index] if chunk.body_files else ""
