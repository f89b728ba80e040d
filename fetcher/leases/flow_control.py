"""Limits how many leases are sent before a worker claims them.

Some leases are sent ahead, so that a worker has its next lines as soon as it has room. A lease that
waits in one worker's pipe cannot be taken by another worker, so there are at most `ahead` unclaimed
leases for each live worker.
"""

from __future__ import annotations

from typing import Final

from fetcher.leases.types import Lease, LeaseState

REST_S: Final = 0.25  # rest when every worker has returned a lease within such a time


class FlowControl:
    """Counts the unclaimed leases, except for those that are excluded."""

    def __init__(self, ahead: int) -> None:
        """`ahead`: unclaimed leases per live worker."""
        self._ahead = ahead
        self._unclaimed = 0
        self._returns, self._returns_since = 0, 0.0
        self._rests_until = 0.0

    def is_open(self, workers: int) -> bool:
        """Whether another lease may be sent; `workers`: how many live."""
        return self._unclaimed < self._ahead * max(workers, 1)

    def is_resting(self, now: float) -> bool:
        """Whether all workers have just shown that they are busy."""
        return now < self._rests_until

    def sent(self) -> None:
        """Count a lease that was sent."""
        self._unclaimed += 1

    def claimed(self, lease: Lease, now: float) -> None:
        """A worker takes the lease, so there may be room for another."""
        self.remove(lease)
        lease.is_uncounted = False
        self._rests_until = now

    def returned(self, workers: int, now: float) -> None:
        """A worker had no room for a lease; `workers`: how many live."""
        if now - self._returns_since > REST_S:
            self._returns, self._returns_since = 0, now
        self._returns += 1
        if self._returns >= workers:
            # PUSH sends to the workers in turn, so one that has room had its turn. A claim ends
            # this rest; the count is not reset by it, so that a single return begins the next
            # rest. Else leases would be sent and returned all the time wherever a worker keeps
            # fewer than `ahead`.
            self._rests_until = now + REST_S

    def remove(self, lease: Lease) -> None:
        """The lease is no longer unclaimed, or has ended."""
        if lease.state is LeaseState.SENT:
            self._unclaimed -= not lease.is_uncounted

    def exclude(self, lease: Lease) -> None:
        """Do not count it: it waits at a worker that takes nothing, or its sink is away."""
        if lease.state is LeaseState.SENT and not lease.is_uncounted:
            lease.is_uncounted = True
            self._unclaimed -= 1

    def include(self, lease: Lease) -> None:
        """Count it again."""
        if lease.is_uncounted:
            lease.is_uncounted = False
            self._unclaimed += 1
