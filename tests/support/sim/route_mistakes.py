"""Mistakes with routes, each as a small change."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from typing import Any

from msgspec.structs import replace

from fetcher.input.source_info import SourceInfo
from fetcher.leases.committed_ahead import CommittedAhead
from fetcher.leases.issuer import Issuer
from fetcher.leases.ledger import Ledger
from fetcher.leases.sink_session import NextBatch, SinkSession
from fetcher.leases.sink_sessions import SinkSessions
from fetcher.leases.types import Assignment
from fetcher.model import Batch
from fetcher.protocol import messages


class CopiesToAnother(Issuer):
    """Sends a second copy of slow lines to a worker of the next route."""

    def take(self, now: float, closed: Collection[int] = ()) -> Assignment | None:
        assignment = super().take(now, closed)
        if assignment is None or not self._state.book.leases[assignment.lease].is_copy:
            return assignment
        return _to_another(assignment, len(self._state.routes), closed)


class ReissuesToAnother(Issuer):
    """Sends lines that come back to a worker of the next route."""

    def take(self, now: float, closed: Collection[int] = ()) -> Assignment | None:
        assignment = super().take(now, closed)
        if assignment is None:
            return None
        issued: set[tuple[int, int]] = self.__dict__.setdefault("issued", set())
        key = assignment.batch.id, assignment.route
        if key in issued:
            return _to_another(assignment, len(self._state.routes), closed)
        issued.add(key)
        return assignment


def _to_another(assignment: Assignment, routes: int, closed: Collection[int]) -> Assignment:
    other = (assignment.route + 1) % routes
    return assignment if other in closed else replace(assignment, route=other)


class MixesRoutes(Ledger):
    """Adds all lines of a batch with those of the first route that reads it."""

    def add(
        self,
        batch: Batch,
        committed: int = 0,
        suspects: Iterable[messages.Suspect] = (),
        route: int = 0,
        lines: int = -1,
    ) -> None:
        mixed: set[int] = self.__dict__.setdefault("mixed", set())
        if batch.id in mixed:
            return
        mixed.add(batch.id)
        whole = replace(batch, urls=b"\n".join([b"u"] * batch.mask.bit_count()))
        super().add(whole, committed, suspects, route)


class CompleteWithoutTheStarved(SinkSessions):
    """Counts a share's lines once one route has read all of its own."""

    def _count_share(self, one: SinkSession, source: SourceInfo) -> None:
        queue = self._ledger._queue
        if any(queue._lanes[one.index, route].is_read for route in self._ledger.routes):
            one.url_lines = one.lines_read


class ReadsInStep(SinkSession):
    """Reads no route on before all others have come as far."""

    def take_over(self, opened: messages.Opened) -> None:
        super().take_over(opened)
        self._most_ahead = 1


class ForgetsWhatIsDone(SinkSession):
    """Forgets what is committed of a batch once the first route has read it."""

    def next_batch(self, batches: Iterator[Batch], route: int = 0) -> NextBatch | None:
        found = super().next_batch(batches, route)
        if found is not None:
            self._partial.pop(found.batch.id, None)
        return found


class _ForgetsWithTheFirst(CommittedAhead):
    def _may_be_added(self, index: int, batch: int) -> bool:
        return max(self._last_added[index]) < batch


class ForgetsWhatIsCommittedAhead(Ledger):
    """Forgets commits of lines that one route has not read, if another one has read the batch."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._committed_ahead = _ForgetsWithTheFirst(len(self._frozen), len(self.routes))
