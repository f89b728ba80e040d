"""Assignments that have come to a worker and have not begun.

They are taken off the socket at once, so that none is hidden in the pipe of a slow worker while
another worker has nothing to do. What this worker cannot begin soon, it returns.
"""

from __future__ import annotations

from collections import deque
from typing import Any

from fetcher.leases.types import session_of
from fetcher.protocol import messages
from fetcher.roles.worker.lease_runner import LeaseRunner
from fetcher.transport.sockets import send


class WaitingAssignments:
    """The assignments that wait for room in the pool, in the order of their arrival."""

    def __init__(self, worker: str, max_waiting: int, runner: LeaseRunner, events: Any) -> None:
        self._worker = worker
        self._runner = runner
        self._events = events
        self._max = self._usual_max = max_waiting
        self._waiting: deque[tuple[messages.Assignment, bytes]] = deque()
        self._committed: dict[int, int] = {}  # lease -> lines of it that are committed already
        self._is_leaving = False

    @property
    def leases(self) -> list[int]:
        """The leases that wait."""
        return [assignment.lease for assignment, _ in self._waiting]

    def put(self, assignment: messages.Assignment, urls: bytes) -> None:
        """Add an assignment; begin it if there is room."""
        self._waiting.append((assignment, urls))
        self.begin_some()

    def begin_some(self) -> None:
        """Begin what there is room for; return what another worker would begin sooner."""
        pool = self._runner.pool
        while self._waiting and pool.has_room and not self._is_leaving:
            assignment, urls = self._waiting.popleft()
            committed = self._committed.pop(assignment.lease, 0)
            self._runner.begin(assignment, urls, committed)
        while len(self._waiting) > (0 if self._is_leaving else self._max):
            self._return(self._waiting.pop()[0])

    def _return(self, assignment: messages.Assignment) -> None:
        self._committed.pop(assignment.lease, None)
        send(self._events, messages.Returned(worker=self._worker, lease=assignment.lease))

    def hear_state(self, state: messages.State) -> None:
        """Return what the ventilator wants back.

        These are all assignments while another worker has too few lines; and those of an earlier
        ventilator, whose successor hands their lines out anew.
        """
        self._max = 0 if state.is_hungry else self._usual_max
        for each in [*self._waiting]:
            if session_of(each[0].lease) != state.ventilator_number:
                self._waiting.remove(each)
                self._return(each[0])
        self.begin_some()

    def skip_committed(self, lease: int, mask: int) -> None:
        """Leave out these lines once the lease begins; a lease that does not wait is ignored."""
        if lease in self.leases:
            self._committed[lease] = self._committed.get(lease, 0) | mask

    def leave(self) -> None:
        """Return everything, now and from now on."""
        self._is_leaving = True
        self.begin_some()
