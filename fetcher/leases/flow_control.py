"""How many pieces may be out and not begun.

Law: workers begin what they were sent in their own time, so that the next piece is there when they
have room; but what lies with one cannot be begun by another, so that no more is sent than each may
keep waiting.
"""

from __future__ import annotations

from fetcher.leases.types import Lease, LeaseState

REST_S = 0.25  # after as many returns as there are workers in such a time: they are all busy


class FlowControl:
    """Counts unclaimed leases; those that are held up lie where they keep nobody from his."""

    def __init__(self, ahead: int) -> None:
        """`ahead`: unclaimed pieces per live worker."""
        self._ahead = ahead
        self._unclaimed = 0
        self._returns, self._returns_since = 0, 0.0
        self._rests_until = 0.0

    def is_open(self, workers: int) -> bool:
        """Whether another piece may be out, with so many living workers."""
        return self._unclaimed < self._ahead * max(workers, 1)

    def rests(self, now: float) -> bool:
        """Whether all workers have just shown that they are busy."""
        return now < self._rests_until

    def sent(self) -> None:
        """A piece is out."""
        self._unclaimed += 1

    def claimed(self, lease: Lease, now: float) -> None:
        """A worker begins it, so that there may be room for another."""
        self.leave(lease)
        lease.held_up = False
        self._rests_until = now

    def returned(self, workers: int, now: float) -> None:
        """A worker had no room for a piece."""
        if now - self._returns_since > REST_S:
            self._returns, self._returns_since = 0, now
        self._returns += 1
        if self._returns >= workers:
            # PUSH goes round: who has room had its turn. If a worker takes something meanwhile,
            # it may take more; but then one return is enough for another rest, or else pieces
            # would fly about wherever a worker keeps less than `ahead`.
            self._rests_until = now + REST_S

    def leave(self, lease: Lease) -> None:
        """It is no longer out and unclaimed."""
        if lease.state is LeaseState.SENT:
            self._unclaimed -= not lease.held_up

    def hold_up(self, lease: Lease) -> None:
        """It lies with a worker that takes nothing, or its sink is away: others have its place."""
        if lease.state is LeaseState.SENT and not lease.held_up:
            lease.held_up = True
            self._unclaimed -= 1

    def let_in(self, lease: Lease) -> None:
        """It counts again."""
        if lease.held_up:
            lease.held_up = False
            self._unclaimed += 1
